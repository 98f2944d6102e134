package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"

	"github.com/seed-6f34412b/passport/strategy"
)

// LogIns ends the log-ins that carry a label of the strategy. [*guard.Guard] is one.
type LogIns interface {
	// EndLinked returns how many sessions it ended; after an error some may be left.
	EndLinked(ctx context.Context, label string) (int, error)
}

// logOutKeyGap limits how often strangers, who can post tokens with unknown keys, make this
// program fetch the provider's keys.
const logOutKeyGap = 5 * time.Second

// logOutLife is how long a log-out token is remembered, and so how far ahead of now it
// may expire and how old it may be: OpenID Connect Back-Channel Logout 1.0 §4 asks for
// "preferably at most two minutes".
const logOutLife = 10 * time.Minute

// BackChannelLogOut returns the handler to which the provider reports that a user
// logged out there: OpenID Connect Back-Channel Logout 1.0. It ends this program's
// sessions of that log-in, or, when the provider names only the user, all of the
// user's that this strategy began, and forgets the browsers that the guard remembers for
// them. They are found by labels, so the store needs an index, as those of package store
// have. auth is the guard that logs in with this strategy. Register the route with the
// provider as backchannel_logout_uri:
//
//	mux.Handle("POST /backchannel-logout", provider.BackChannelLogOut(auth))
//
// It is called by the provider, not by a browser, and needs no guard: the token is
// verified like an ID token, and is valid once. As §2.8 asks, the answer is 200 if the
// sessions are ended, also if there was none. Otherwise it is 400 with a JSON object, whose
// error is invalid_request for a bad token, and temporarily_unavailable if a session could
// not be ended or the provider's keys could not be fetched. It panics if auth is nil.
func (s *Strategy[U]) BackChannelLogOut(auth LogIns) http.Handler {
	if strategy.IsNilUser(auth) {
		panic("oidc: BackChannelLogOut: the guard is nil: pass the one that logs in with this strategy")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		n, err := s.logOut(r, auth)
		answer, status := "", http.StatusOK
		switch {
		case errors.Is(err, strategy.ErrUnauthenticated):
			answer, status = "invalid_request", http.StatusBadRequest
			s.cfg.Logger.WarnContext(r.Context(), "oidc: back-channel log-out refused", "strategy", s.cfg.Name, "err", err)
		case err != nil:
			answer, status = "temporarily_unavailable", http.StatusBadRequest
			s.cfg.Logger.ErrorContext(r.Context(), "oidc: back-channel log-out failed", "strategy", s.cfg.Name, "err", err)
		default:
			s.cfg.Logger.InfoContext(r.Context(), "oidc: back-channel log-out", "strategy", s.cfg.Name, "sessions", n)
		}
		if answer != "" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			// A provider that went away does not read it.
			_ = json.NewEncoder(w).Encode(map[string]string{"error": answer})
		}
	})
}

// logOut carries out a log-out request and returns how many sessions it ended.
func (s *Strategy[U]) logOut(r *http.Request, auth LogIns) (int, error) {
	form, ok := postedForm(r)
	if !ok || len(form["logout_token"]) != 1 {
		return 0, malformed("the request has no logout_token, or more than one, or is not a form")
	}
	ctx, cancel := s.bounded(r.Context())
	defer cancel()
	t, err := s.provider.verifyLogOut(ctx, form.Get("logout_token"))
	if err != nil {
		return 0, s.outageOr("verify the log-out token", err)
	}
	label := s.provider.subjectLabel(t.Issuer, t.Subject)
	if t.SessionID != "" {
		label = s.provider.sessionLabel(t.Issuer, t.SessionID)
	}
	first, err := use(ctx, s.cfg.Once, "jti", t.Issuer+"\n"+t.TokenID, 2*logOutLife)
	if err != nil {
		return 0, s.broken("remember the log-out token", err)
	}
	if !first {
		return 0, malformed("the log-out token was used already")
	}
	// The sessions end also if the provider stops waiting.
	work := context.WithoutCancel(r.Context())
	n, err := auth.EndLinked(work, label)
	if err != nil {
		return n, s.broken("end the sessions", errors.Join(err, release(work, s.cfg.Once, "jti", t.Issuer+"\n"+t.TokenID, 2*logOutLife)))
	}
	return n, nil
}

// verifyLogOut makes the checks of Back-Channel Logout 1.0 §2.6.
func (p *provider) verifyLogOut(ctx context.Context, raw string) (*gooidc.LogoutToken, error) {
	m, err := p.meta.Get(ctx)
	if err != nil {
		return nil, err
	}
	keys := &keySet{provider: p, types: []string{"", "jwt", "logout+jwt"}, gap: logOutKeyGap}
	t, err := verified(p, m, keys, func(v *gooidc.IDTokenVerifier) (*gooidc.LogoutToken, error) {
		return v.VerifyLogout(ctx, raw)
	})
	if err != nil {
		return nil, err
	}
	var c struct {
		Events map[string]map[string]json.RawMessage `json:"events"`
	}
	now := time.Now()
	switch {
	case p.cfg.IssuerTemplate != "" && !p.isIssuer(t.Issuer):
		return nil, malformed("log-out token: the issuer is no tenant of the provider")
	case t.Claims(&c) != nil || c.Events["http://schemas.openid.net/event/backchannel-logout"] == nil:
		return nil, malformed("log-out token: the event is no JSON object")
	case t.IssuedAt.Unix() <= 0 || t.IssuedAt.After(now.Add(leeway)) || t.IssuedAt.Before(now.Add(-logOutLife)):
		return nil, malformed("log-out token: its time of issue is missing, in the future or too long ago")
	case t.Expiry.After(now.Add(logOutLife + leeway)):
		return nil, malformed("log-out token: it expires too far ahead")
	case strings.ContainsRune(t.TokenID+t.Subject+t.SessionID, 0):
		return nil, malformed("log-out token: a claim has a NUL")
	}
	return t, nil
}
