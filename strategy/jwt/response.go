package jwt

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// TokenResponse is the answer to a client that logged in: RFC 6749 §5.1.
type TokenResponse struct {
	AccessToken  string        // from [Issuer.Issue]
	ExpiresIn    time.Duration // [Issuer.Lifetime]; zero is left out
	RefreshToken string        // from package refresh; empty is left out
	Scope        string        // empty is left out
}

// Write answers with t as JSON and status 200, and forbids caches to keep it. The error is
// that of w.
func (t TokenResponse) Write(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store") // RFC 6749 §5.1: "MUST include"
	h.Set("Pragma", "no-cache")
	err := json.NewEncoder(w).Encode(struct { //nolint:gosec // handing the tokens out is what this is for
		AccessToken  string `json:"access_token"`
		TokenType    string `json:"token_type"`
		ExpiresIn    int64  `json:"expires_in,omitempty"`
		RefreshToken string `json:"refresh_token,omitempty"`
		Scope        string `json:"scope,omitempty"`
	}{t.AccessToken, "Bearer", int64(t.ExpiresIn / time.Second), t.RefreshToken, t.Scope})
	if err != nil {
		return fmt.Errorf("jwt: write tokens: %w", err)
	}
	return nil
}

// KeySetHandler serves the public part of keys as a JWK Set, for the programs that
// verify an [Issuer]'s tokens: its jwks_uri. If keys returns an error it answers 503.
// Caches may keep the set for five minutes: publish a new key that long before it signs.
func KeySetHandler(keys Keys) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		list, err := keys.Keys(r.Context(), "")
		if err != nil {
			http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		// A client that went away is not this handler's fault.
		_, _ = w.Write(PublicKeySet(list...))
	})
}
