package main

import (
	"context"
	"errors"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/password/policy"
)

// form is what a visitor has filled in, and what is wrong with it, by field.
type form struct {
	values url.Values
	Errors map[string]string
	Status int // of the answer; 0 means 200, and 422 with errors
}

// formOf reads the form of a POST.
func formOf(r *http.Request) form {
	_ = r.ParseForm() // what cannot be read is empty, and refused as that
	return form{values: r.PostForm, Errors: map[string]string{}}
}

// filled is a form as a page shows it first, in pairs of name and value.
func filled(pairs ...string) form {
	f := form{values: url.Values{}, Errors: map[string]string{}}
	for pair := range slices.Chunk(pairs, 2) {
		f.values.Set(pair[0], pair[1])
	}
	return f
}

func (f form) status() int {
	if f.Status == 0 && len(f.Errors) > 0 {
		return http.StatusUnprocessableEntity
	}
	return max(f.Status, http.StatusOK)
}

// refuse notes what is wrong with a field, the first time.
func (f form) refuse(field, text string) {
	if f.Errors[field] == "" {
		f.Errors[field] = text
	}
}

// refusedBy returns the form with the refusal of a field: text, or how long to wait where there were too many
// attempts.
func (f form) refusedBy(err error, field, text string) form {
	if problem := guard.ProblemOf(err); problem.Status == http.StatusTooManyRequests {
		f.Status, text = problem.Status, problem.Detail
	}
	f.refuse(field, text)
	return f
}

// Get returns a field without the space around it, and without what PostgreSQL cannot store.
func (f form) Get(field string) string {
	text := strings.ReplaceAll(f.values.Get(field), "\x00", "")
	return strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
}

// address returns the field with an e-mail address, in the spelling of the users table.
func (a *app) address(f form) string {
	text := a.local.Account(f.Get("email"))
	if !isAddress(text) {
		f.refuse("email", "Enter an e-mail address, such as kim@example.com.")
	}
	return text
}

func isAddress(text string) bool {
	m, err := mail.ParseAddress(text)
	return err == nil && m.Address == text && len(text) <= 254 // RFC 5321 §4.5.3.1.3
}

// input is a field of a form as its template sees it.
type input struct {
	Name, Value, Error string
	With               map[string]string // label, type, autocomplete, inputmode, hint
	Focus              bool
}

// newInput is for templates: input .Form "email" "label" "E-mail address" "type" "email".
func newInput(f form, name string, pairs ...string) input {
	in := input{name, f.values.Get(name), f.Errors[name], map[string]string{"type": "text"}, false}
	for pair := range slices.Chunk(pairs, 2) {
		in.With[pair[0]] = pair[1]
	}
	if in.With["type"] == "password" {
		in.Value = "" // never sent back
	}
	in.Focus = in.Error != "" || in.With["focus"] != "" && len(f.Errors) == 0
	return in
}

// newPolicy says which passwords may be chosen.
func newPolicy(o options) (*policy.Policy, error) {
	cfg := policy.Config{MaxBytes: 1024, Blocklist: []string{siteName}}
	if o.breached != "" {
		known := policy.RangeConfig{URL: o.breached, UserAgent: siteName, FailOpen: true}
		pwned, err := policy.NewRange(known)
		if err != nil {
			return nil, err
		}
		cfg.Breached = pwned
	}
	return policy.New(cfg)
}

// newHash returns the hash of the new password in the form, "" if it may not be chosen: the form says why
// then.
func (a *app) newHash(ctx context.Context, f form, about ...string) (hash string, err error) {
	chosen := f.values.Get("password")
	if err = a.rules.Check(ctx, chosen, about...); err == nil {
		hash, err = a.hasher.Hash(ctx, chosen)
	}
	if broken, ok := errors.AsType[*policy.Error](err); ok {
		f.refuse("password", broken.Text())
		return "", nil
	}
	if errors.Is(err, password.ErrUnhashable) {
		f.refuse("password", "This password cannot be stored. Choose another.")
		return "", nil
	}
	return hash, err
}
