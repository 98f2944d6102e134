package main

import (
	"context"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/onetime"
)

// A change of the address is confirmed at the old address, and then at the new one by the user, logged in. So
// a stolen session is not enough to take the account over, nor is the mail to an address that was mistyped;
// and nobody gives their address to a stranger's account. Both links end when the address or the password
// changes.

// changeEmail mails a link to the old address.
func (a *app) changeEmail(w http.ResponseWriter, r *http.Request) error {
	u := a.current(r)
	f, email, err := a.mailTo(r)
	if err == nil && email == u.Email {
		f.refuse("email", "This is your address already.")
	}
	if err != nil || len(f.Errors) > 0 {
		return a.show(w, r, err, "email", f, nil)
	}
	token, err := a.oldAddress.Issue(r.Context(), email, u)
	if err == nil {
		a.send(u.Email, "email-old", token)
	}
	return done(w, r, err, "/account", "We have sent a mail to "+u.Email+". Open the link in it.")
}

// mailNewAddress is what the link to the old address is for: it mails one to the new address.
func (a *app) mailNewAddress(ctx context.Context, email string, u *User) error {
	return a.sendLink(ctx, a.newAddress, email, u, "email-taken", "email-new")
}

// setEmail is what the link to the new address is for.
func (a *app) setEmail(ctx context.Context, email string, u *User) error {
	if here, ok := a.auth.User(ctx); !ok || here.ID != u.ID {
		return strategy.ErrUnauthenticated
	}
	return a.users.setEmail(ctx, email, u)
}

// confirmEmail returns the handler that uses a link for work. The next page shows text and the new address.
func (a *app) confirmEmail(
	links *onetime.Links[*User], work func(ctx context.Context, email string, u *User) error, text string,
) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		token := formOf(r).Get("token")
		if err := links.Use(r.Context(), token, work); err != nil {
			return a.deadLink(w, r, err)
		}
		return done(w, r, nil, "/", text+onetime.Address(token)+".")
	}
}
