package oidc

import (
	"context"
	"errors"
	"net/url"

	"golang.org/x/oauth2"
)

// ErrNoLogOut is returned by [Strategy.LogOutURL] when the provider has no
// end_session_endpoint.
var ErrNoLogOut = errors.New("oidc: the provider has no end_session_endpoint")

// LogOut has the options of a log-out at the provider. The zero value is enough.
type LogOut struct {
	// ReturnURL is where the provider sends the browser afterwards, as registered with
	// it. Empty leaves it there. The standard calls it post_logout_redirect_uri.
	ReturnURL string
	// IDTokenHint is the ID token of the log-in (Tokens.ID), if the application kept it.
	// Without one the provider asks the user first. It ends up in the browser's history.
	IDTokenHint string
	// State comes back with ReturnURL.
	State string
}

// LogOutURL returns where to send a browser to log out at the provider too: OpenID
// Connect RP-Initiated Logout 1.0 §2. Log out here first; the provider may ask, and the
// user may say no.
//
//	mux.Handle("POST /logout", auth.LogOut(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//		to, err := provider.LogOutURL(r.Context(), oidc.LogOut{ReturnURL: "https://shop.example/"})
//		if err != nil {
//			to = "/" // logged out here, and that is what counts
//		}
//		http.Redirect(w, r, to, http.StatusSeeOther)
//	})))
//
// The error is ErrNoLogOut, or an outage of the provider.
func (s *Strategy[U]) LogOutURL(ctx context.Context, o LogOut) (string, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	m, err := s.provider.meta.Get(ctx)
	if err != nil {
		return "", s.broken("log out", err)
	}
	if m.EndSessionURL == "" {
		return "", ErrNoLogOut
	}
	u, err := url.Parse(m.EndSessionURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && !s.cfg.InsecureHTTP {
		return "", s.broken("log out", errors.New("the provider's end_session_endpoint is no https URL"))
	}
	q := u.Query()
	q.Set("client_id", s.cfg.ClientID)
	for name, value := range map[string]string{"post_logout_redirect_uri": o.ReturnURL, "id_token_hint": o.IDTokenHint, "state": o.State} {
		if value != "" {
			q.Set(name, value)
		}
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// OAuth2 returns the client with which golang.org/x/oauth2 renews tokens that the
// application keeps. It has the client secret in it. The error is an outage.
func (s *Strategy[U]) OAuth2(ctx context.Context) (*oauth2.Config, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	c, err := s.provider.client(ctx)
	if err != nil {
		return nil, s.broken("find the endpoints", err)
	}
	if err := s.cfg.authorize(ctx, c); err != nil {
		return nil, s.broken("find the endpoints", err)
	}
	return c, nil
}
