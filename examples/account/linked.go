package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/oidc"
	"github.com/seed-6f34412b/passport/strategy/onetime"
)

// provider returns the configuration of the provider, whose answer comes to a path of this site. For Google,
// begin with oidc.Google() and add your own fields. The example provider uses http.
func (a *app) provider(path string, once strategy.Counter) oidc.Config {
	return oidc.Config{
		Name: "provider", Issuer: a.issuer, ClientID: a.client, ClientSecret: a.clientSecret,
		RedirectURL: a.url + path, Scopes: []string{"profile", "email"}, CookieSecrets: []string{a.secret},
		Once: once, InsecureHTTP: !a.secure() || a.outbox != nil,
	}
}

// addByIdentity adds the user of a provider's account, if the e-mail address is verified and no user has it.
// Who has it can connect the account while logged in.
func (a *app) addByIdentity(ctx context.Context, id oidc.Identity) (*User, error) {
	email := a.local.Account(id.Email)
	if !id.EmailVerified || !onetime.IsAddress(email) { // the site could not send mail to it
		return nil, strategy.ErrUnauthenticated
	}
	return a.users.add(ctx, email, "")
}

func (a *app) linked(w http.ResponseWriter, r *http.Request) error {
	list, err := a.identities.List(r.Context(), a.current(r).ID)
	return a.show(w, r, err, "linked", form{}, list)
}

// askToLink asks the user whether this is the right account.
func (a *app) askToLink(w http.ResponseWriter, r *http.Request) error {
	id, _, err := a.link.Pending(r.Context())
	return a.show(w, r, err, "link", form{}, id)
}

func (a *app) confirmLink(w http.ResponseWriter, r *http.Request) error {
	text := "" // the list shows what the first of two clicks has connected
	linked, err := a.link.Confirm(r.Context(), r.PostFormValue("subject"))
	if errors.Is(err, oidc.ErrLinked) {
		text, err = "This account is connected to another user.", nil
	}
	if linked {
		text = "The account is connected."
		a.send(a.current(r).Email, "linked", "")
	}
	return done(w, r, err, "/account/linked", text)
}

func (a *app) unlink(w http.ResponseWriter, r *http.Request) error {
	f := formOf(r)
	was, err := a.identities.Unlink(r.Context(), a.current(r).ID, f.Get("issuer"), f.Get("subject"))
	return a.changed(w, r, was, err, "provider", "The account is not connected any more.")
}
