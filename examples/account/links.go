package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/onetime"
)

// mailLink returns the handler that mails a link to the address in the form of page. known and unknown are
// the names of the mails to addresses with and without an account; "" sends none. The answer is the same for
// both, so only the owner of the address learns whether it has an account.
func (a *app) mailLink(page string, links *onetime.Links[*User], known, unknown string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		f, email, err := a.mailTo(r)
		if err != nil || len(f.Errors) > 0 {
			return a.show(w, r, err, page, f, nil)
		}
		u, name, err := a.mailFor(r.Context(), email, known, unknown)
		if err != nil {
			return err
		}
		token, err := links.Issue(r.Context(), email, u) // also without a mail: the time must not tell
		if err == nil && name != "" {
			a.send(email, name, token)
		}
		return done(w, r, err, "/mailed", "")
	}
}

// mailTo returns the form of a POST, and the address in it. Too many mails to it are an error of the field.
func (a *app) mailTo(r *http.Request) (f form, email string, err error) {
	f = formOf(r)
	if email = a.address(f); len(f.Errors) == 0 {
		err = a.mails.Take(r, email)
	}
	if errors.Is(err, strategy.ErrUnauthenticated) {
		f, err = f.refusedBy(err, "email", ""), nil
	}
	return f, email, err
}

// mailFor returns the user who has an address, or nil, and the name of the mail to it: known or unknown.
func (a *app) mailFor(ctx context.Context, email, known, unknown string) (*User, string, error) {
	u, _, err := a.users.byEmail(ctx, email)
	if errors.Is(err, strategy.ErrUnauthenticated) {
		return nil, unknown, nil
	}
	return u, known, err
}

// choosePassword returns the handler that uses one of links for the password that was chosen on its page, and
// logs in. store stores the hash, and returns the user and what to tell them. The next page offers to remove
// other ways to log in: somebody who knew a former password may have added them.
func (a *app) choosePassword(
	links *onetime.Links[*User],
	store func(ctx context.Context, f form, email string, u *User, hash string) (*User, string, error),
) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		f := formOf(r)
		chosen, err := a.newPassword(r.Context(), f, onetime.Address(f.Get("token")))
		if err != nil || len(f.Errors) > 0 {
			return a.show(w, r, err, "choose", f, nil)
		}
		var text string
		var u *User
		work := func(ctx context.Context, email string, was *User) error {
			hash, err := a.hasher.Hash(ctx, chosen) // not before: a stranger could have the site hash
			if err == nil {
				u, text, err = store(ctx, f, email, was, hash)
			}
			return err
		}
		if err = links.Use(r.Context(), f.Get("token"), work); err != nil {
			return a.deadLink(w, r, err)
		}
		if err = a.attempts.Unlock(r.Context(), u.Email); err == nil { // resets the count of failed attempts
			a.attempts.MakeKnown(w, r, u.Email)
			err = a.auth.LogInUser(r, u)
		}
		to := "/account"
		if u.Passkeys+u.Linked+u.Keys > 0 {
			to = "/account/kept"
		}
		return done(w, r, err, to, text)
	}
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
