package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/onetime"
)

// ticket is the data of a mailed link. It is stored with the token, not in the link.
type ticket struct {
	User  string `json:",omitempty"` // empty for an address without an account
	Email string `json:",omitempty"`
	Stamp string `json:",omitempty"` // the security stamp: a new password makes the link invalid
	Of    string `json:",omitempty"` // the browser, or the change of the address, that it belongs to
	Side  string `json:",omitempty"` // for a change of the address: "old" or "new"
}

// use does what a mailed link is for, if its page showed the token's own address. Otherwise an attacker could
// put their own token into a link that shows the victim's address, and the victim would act on another
// account. The link is used up, unless work ends in an outage. The context of work does not end when the
// browser leaves, since the second of two clicks breaks the first request off: it finds the work done.
func use(
	r *http.Request, tokens *onetime.Tokens, f form, work func(ctx context.Context, t ticket) error,
) error {
	return onetime.UseValue(r.Context(), tokens, f.Get("token"), func(t ticket) error {
		if t.Email != f.Get("email") {
			return strategy.ErrUnauthenticated
		}
		return work(context.WithoutCancel(r.Context()), t)
	})
}

// mailLink returns the handler that mails a link to the address in the form of page. known and unknown are
// the names of the mails to addresses with and without an account; "" sends none. The answer is the same for
// both, so only the owner of the address learns whether it has an account.
func (a *app) mailLink(page string, tokens *onetime.Tokens, path, known, unknown string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		f := formOf(r)
		email := a.address(f)
		if err := a.mayMail(r, f, email); err != nil || len(f.Errors) > 0 {
			return a.show(w, r, err, page, f, nil)
		}
		t, name := ticket{Email: email}, known
		u, _, err := a.users.byEmail(r.Context(), email)
		switch {
		case errors.Is(err, strategy.ErrUnauthenticated):
			name = unknown
		case err != nil:
			return err
		default:
			t.User, t.Stamp = u.ID, u.Stamp
		}
		if tokens == a.magic {
			if t.Of, err = browser(r.Context()); err != nil {
				return err
			}
		}
		// Also if no mail is sent: the time of the answer must not tell.
		token, err := onetime.IssueValue(r.Context(), tokens, t)
		if err != nil {
			return err
		}
		if name != "" {
			a.send(email, name, a.at(path, "token", token, "email", email))
		}
		return done(w, r, nil, "/mailed", "")
	}
}

// mayMail counts a mail to the address, and sets an error of the field if there were too many.
func (a *app) mayMail(r *http.Request, f form, email string) error {
	if len(f.Errors) > 0 {
		return nil
	}
	err := a.mails.Take(r, email)
	if errors.Is(err, strategy.ErrUnauthenticated) {
		f.refuse("email", guard.ProblemOf(err).Detail)
		return nil
	}
	return err
}

// behindLink returns the page behind a mailed link. Opening it does not consume the token, since mail
// scanners open links; its button does.
func (a *app) behindLink(page string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		q := r.URL.Query()
		f := filled("token", q.Get("token"), "email", q.Get("email"))
		if a.address(f); len(f.Errors) > 0 { // the page must not show other text from a link
			f = filled("token", q.Get("token"))
		}
		return a.show(w, r, nil, page, f, nil)
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
