package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/onetime"
)

// ticket is what a mailed link stands for. It is kept with the token, not in the link.
type ticket struct {
	User  string `json:",omitempty"` // empty for an address without an account
	Email string `json:",omitempty"`
	Stamp string `json:",omitempty"` // the link ends with a change of the password
	Of    string `json:",omitempty"` // of what it is a part: a browser, a change of the address
	Side  string `json:",omitempty"` // where it was mailed to
}

// redeem uses a token up whose page has shown an address to whoever chose a password or confirmed it
// there. That of another link would have them do it for a stranger's account.
func redeem(ctx context.Context, tokens *onetime.Tokens, f form) (ticket, error) {
	t, err := onetime.RedeemValue[ticket](ctx, tokens, f.Get("token"))
	if err == nil && t.Email != f.Get("email") {
		err = strategy.ErrUnauthenticated
	}
	return t, err
}

// mailLink returns the handler that mails a link to the address in the form of page. The answer is the same
// whether or not the address has an account: which mail is sent tells its owner alone. known and unknown are
// their names; "" is none.
func (a *app) mailLink(page string, tokens *onetime.Tokens, path, known, unknown string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		f := formOf(r)
		email := a.address(f)
		if err := a.mayMail(r, f, email); err != nil || len(f.Errors) > 0 {
			return a.showOr(w, r, err, page, f, nil)
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
		// Also where it is not mailed, or its time would tell.
		token, err := onetime.IssueValue(r.Context(), tokens, t)
		if err != nil {
			return err
		}
		if name != "" {
			a.send(email, name, a.at(path, "token", token, "email", email))
		}
		return onTo(w, r, nil, "/mailed")
	}
}

// mayMail counts a mail to the address, and refuses the field if there were too many.
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

// behindLink returns the page behind a mailed link. Looking at it uses nothing up, since scanners of mail do;
// its button does.
func (a *app) behindLink(page string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		q := r.URL.Query()
		f := filled("token", q.Get("token"), "email", q.Get("email"))
		if a.address(f); len(f.Errors) > 0 { // the page shows addresses, not what somebody put into a link
			f = filled("token", q.Get("token"))
		}
		return a.show(w, r, page, f, nil)
	}
}

// deadLink answers a link that is not good any more. Who clicked it twice, and is logged in, goes on.
func (a *app) deadLink(w http.ResponseWriter, r *http.Request, err error) error {
	if !errors.Is(err, strategy.ErrUnauthenticated) {
		return err
	}
	if a.current(r) != nil {
		return onTo(w, r, nil, "/account")
	}
	return a.show(w, r, "dead", form{Status: http.StatusGone}, nil)
}
