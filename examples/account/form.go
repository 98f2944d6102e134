package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy/password/policy"
)

// form is the values that a visitor has sent, and the errors, by field.
type form struct {
	values url.Values
	Errors map[string]string
	Status int // the status of the answer; 0 means 200, or 422 if there are errors
}

// formOf reads the form of a POST.
func formOf(r *http.Request) form {
	_ = r.ParseForm() // a form that cannot be parsed has empty fields, which are refused
	return form{values: r.PostForm, Errors: map[string]string{}}
}

// filled returns a form with values, given as pairs of name and value.
func filled(pairs ...string) form {
	f := form{values: url.Values{}, Errors: map[string]string{}}
	for pair := range slices.Chunk(pairs, 2) {
		f.values.Set(pair[0], pair[1])
	}
	return f
}

// empty returns the page that show shows with a form in which nothing was entered yet.
func empty(show func(w http.ResponseWriter, r *http.Request, f form) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error { return show(w, r, form{}) }
}

// refuse sets the error of a field.
func (f form) refuse(field, text string) { f.Errors[field] = text }

// refusedBy returns the form with an error of a field: text, or after too many attempts how long to wait
// (429).
func (f form) refusedBy(err error, field, text string) form {
	if problem := guard.ProblemOf(err); problem.Status == http.StatusTooManyRequests {
		f.Status, text = problem.Status, problem.Detail
	}
	f.refuse(field, text)
	return f
}

// Get returns a field without the space around it, and without bytes that PostgreSQL cannot store.
func (f form) Get(field string) string {
	text := strings.ReplaceAll(f.values.Get(field), "\x00", "")
	return strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
}

// input is for the template "field": input .Form "email" "label" "E-mail address" "type" "email".
func input(f form, name string, pairs ...string) map[string]any {
	return map[string]any{"Form": f, "Name": name, "With": filled(pairs...)}
}

// newPassword returns the new password in the form. If the rules do not allow it, the form has the error.
func (a *app) newPassword(ctx context.Context, f form, about ...string) (string, error) {
	chosen := f.values.Get("password")
	err := a.rules.Check(ctx, chosen, about...)
	if broken, ok := errors.AsType[*policy.Error](err); ok {
		f.refuse("password", broken.Text())
		err = nil
	}
	return chosen, err
}
