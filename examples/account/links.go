package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/onetime"
)

// mailLink returns the handler that mails one of links to the address in the form of page.
func (a *app) mailLink(page string, links *onetime.Links[*User], known, unknown string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		f, email, err := a.mailTo(r)
		if err != nil || len(f.Errors) > 0 {
			return a.show(w, r, err, page, f, nil)
		}
		return done(w, r, a.sendLink(r.Context(), links, email, nil, known, unknown), "/mailed", "")
	}
}

// mailTo returns the form of a POST, and the address in it, spelled as in the users table. A text that is no
// address is an error of the field, and so are too many mails to it.
func (a *app) mailTo(r *http.Request) (form, string, error) {
	f := formOf(r)
	email := a.local.Account(f.Get("email"))
	if !onetime.IsAddress(email) {
		f.refuse("email", "Enter an e-mail address, such as kim@example.com.")
		return f, email, nil
	}
	err := a.mails.Take(r, email)
	if errors.Is(err, strategy.ErrUnauthenticated) {
		f, err = f.refusedBy(err, "email", ""), nil
	}
	return f, email, err
}

// sendLink mails the link of a user to an address; nil is for the user who has it, if there is one. known and
// unknown are the names of the mails to addresses with and without an account; "" sends none. Nothing else
// differs, so only the owner of the address learns whether it has an account.
func (a *app) sendLink(
	ctx context.Context, links *onetime.Links[*User], email string, u *User, known, unknown string,
) error {
	owner, _, err := a.users.byEmail(ctx, email)
	name := known
	if errors.Is(err, strategy.ErrUnauthenticated) {
		name, err = unknown, nil
	}
	if err != nil {
		return err
	}
	token, err := links.Issue(ctx, email, cmp.Or(u, owner)) // also without a mail: the time must not tell
	if err == nil && name != "" {
		a.send(email, name, token)
	}
	return err
}

// choosePassword uses a link for the password that was chosen on its page, and logs in. Without a user it is
// the link of a registration, and else of a reset: the next page then offers to remove other ways to log in,
// since somebody who knew the former password may have added them.
func (a *app) choosePassword(w http.ResponseWriter, r *http.Request) error {
	f := formOf(r)
	chosen, err := a.newPassword(r.Context(), f, onetime.Address(f.Get("token")))
	if err != nil || len(f.Errors) > 0 {
		return a.show(w, r, err, "choose", f, nil)
	}
	var u *User
	text, to := "Welcome. Your account is ready.", "/account"
	work := func(ctx context.Context, email string, was *User) error {
		hash, err := a.hasher.Hash(ctx, chosen) // not before: a stranger could have the site hash
		if err == nil && was == nil {
			u, err = a.register(ctx, email, hash)
		} else if err == nil {
			u, text, err = a.reset(ctx, was, hash, f.Get("remove") != "")
		}
		return err
	}
	if err = a.passwords.Use(r.Context(), f.Get("token"), work); err != nil {
		return a.deadLink(w, r, err)
	}
	if err = a.attempts.Unlock(r.Context(), u.Email); err == nil { // resets the count of failed attempts
		a.attempts.MakeKnown(w, r, u.Email)
		err = a.auth.LogInUser(r, u)
	}
	if u.Passkeys+u.Linked+u.Keys > 0 {
		to = "/account/kept"
	}
	return done(w, r, err, to, text)
}

// deadLink answers a link that is not valid any more. After a second click the user is already logged in.
func (a *app) deadLink(w http.ResponseWriter, r *http.Request, err error) error {
	if !errors.Is(err, strategy.ErrUnauthenticated) {
		return err
	}
	if a.current(r) != nil {
		return done(w, r, nil, "/account", "")
	}
	return a.show(w, r, nil, "dead", form{Status: http.StatusGone}, nil)
}
