package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// offered is the account with which the provider has just answered, until the user confirms it.
const offered session.Key[oidc.Identity] = "link"

// provider returns the configuration of the provider. For Google, begin with oidc.Google() and add your own
// fields. The example provider uses http.
func (a *app) provider(name, path string, once strategy.Counter) oidc.Config {
	return oidc.Config{
		Name: name, Issuer: a.issuer, ClientID: a.client, ClientSecret: a.clientSecret,
		RedirectURL: a.url + path + "/callback", Scopes: []string{"profile", "email"},
		CookieSecrets: []string{a.secret}, Once: once, InsecureHTTP: !a.secure() || a.outbox != nil,
	}
}

// newLink returns the guard whose user is the provider's account that is to be connected.
func (a *app) newLink(once strategy.Counter) *guard.Guard[oidc.Identity] {
	cfg := a.provider("link", "/account/linked", once)
	cfg.Bind = func(r *http.Request) string { u, _ := a.auth.User(r.Context()); return u.ID }
	self := func(_ context.Context, id oidc.Identity) (oidc.Identity, error) { return id, nil }
	return must(guard.New[oidc.Identity](guard.Config{Error: a.errorPage}, nil, must(oidc.New(cfg, self))))
}

// byIdentity finds the user of a provider's account, for the strategy. If there is none, it adds one,
// provided that the e-mail address is verified and no user has it. If a user has it, only that user can
// connect the account, while logged in.
func (a *app) byIdentity(ctx context.Context, id oidc.Identity) (*User, error) {
	u, err := oidc.SQLValidate(a.identities, a.users.byID)(ctx, id)
	if !errors.Is(err, strategy.ErrUnauthenticated) || !id.EmailVerified {
		return u, err
	}
	email := a.local.Account(id.Email)
	if !isAddress(email) { // the site could not send mail to it
		return nil, strategy.ErrUnauthenticated
	}
	u, err = a.users.add(ctx, email, "")
	if errors.Is(err, errTaken) {
		return nil, &strategy.Failure{Reason: "the address has an account", Status: http.StatusConflict}
	}
	if err != nil {
		return nil, err
	}
	return u, a.identities.Link(ctx, u.ID, id)
}

func (a *app) linked(w http.ResponseWriter, r *http.Request) error {
	list, err := a.identities.List(r.Context(), a.current(r).ID)
	return a.show(w, r, err, "linked", form{}, list)
}

// askToLink asks the user whether this is the right account.
func (a *app) askToLink(w http.ResponseWriter, r *http.Request) error {
	id, _ := a.link.User(r.Context())
	id = oidc.Identity{Issuer: id.Issuer, Subject: id.Subject, Name: id.Name} // the session stays small
	return a.show(w, r, offered.SetContext(r.Context(), id), "link", form{}, id.Name)
}

func (a *app) confirmLink(w http.ResponseWriter, r *http.Request) error {
	u, text := a.current(r), "The account is connected."
	id, ok, err := offered.GetContext(r.Context())
	if err != nil || !ok { // the first of two clicks has connected it
		return done(w, r, err, "/account/linked", text)
	}
	switch err = a.identities.Link(r.Context(), u.ID, id); {
	case errors.Is(err, oidc.ErrLinked):
		text = "This account is connected to another user."
	case err != nil: // offered stays: after an outage the user can try again
		return err
	default:
		a.send(u.Email, "linked", "")
	}
	_, _, err = offered.PopContext(r.Context())
	return done(w, r, err, "/account/linked", text)
}

func (a *app) unlink(w http.ResponseWriter, r *http.Request) error {
	f, text := formOf(r), "The account is not connected any more."
	was, err := a.identities.Unlink(r.Context(), a.current(r).ID, f.Get("issuer"), f.Get("subject"))
	return a.removed(w, r, was, err, removal{"provider", "unlinked", "/account/linked", text})
}
