package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy/jwt"
	"github.com/seed-6f34412b/passport/strategy/jwt/refresh"
	"github.com/seed-6f34412b/passport/strategy/password"
)

// app is what the handlers share.
type app struct {
	users   *users
	auth    *guard.Guard[*User]
	access  *jwt.Issuer[jwt.AccessClaims]
	refresh *refresh.Tokens
}

// newApp returns the routes of the program at the URL self.
func newApp(self string, users *users) (http.Handler, error) {
	// A key of this run: a restart makes all access tokens invalid. A real program reads
	// its key from a vault: jwt.ParsePEM.
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := jwt.NewPrivateKey("2026-01", jwt.ES256, private)
	if err != nil {
		return nil, err
	}
	keys, err := jwt.NewKeys(key)
	if err != nil {
		return nil, err
	}

	a := &app{users: users}
	a.access, err = jwt.NewIssuer[jwt.AccessClaims](jwt.IssuerConfig{Keys: keys, Issuer: self, Audience: []string{self}})
	if err != nil {
		return nil, err
	}
	memory, err := store.Memory(store.MemoryConfig{}) // store.Redis outlives a restart
	if err != nil {
		return nil, err
	}
	a.refresh, err = refresh.New(refresh.Config{Cells: memory.Cells})
	if err != nil {
		return nil, err
	}

	local, err := password.New(password.LookupFunc[*User](users.byEmail), password.Config{Hasher: users.hasher})
	if err != nil {
		return nil, err
	}
	tokens, err := jwt.New(jwt.Config{Keys: keys, Issuer: self, Audience: []string{self}}, a.validate)
	if err != nil {
		return nil, err
	}
	a.auth, err = guard.New[*User](guard.Config{}, nil, local, tokens) // no Sessions: a stateless guard
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("POST /auth/login", a.auth.Authenticate("local")(http.HandlerFunc(a.logIn)))
	mux.Handle("GET /profile", a.auth.Authenticate("jwt")(http.HandlerFunc(a.profile)))
	mux.HandleFunc("POST /auth/refresh", a.renew)
	mux.HandleFunc("POST /auth/logout", a.logOut)
	mux.Handle("GET /jwks.json", jwt.KeySetHandler(keys))
	return mux, nil
}

// validate finds the user of a good token. A user who is gone is refused.
func (a *app) validate(_ context.Context, claims jwt.AccessClaims) (*User, error) {
	return a.users.byID(claims.Subject)
}

// logIn answers a right password with the first pair of tokens.
func (a *app) logIn(w http.ResponseWriter, r *http.Request) {
	user, _ := a.auth.User(r.Context()) // there is one, behind Authenticate
	grant := refresh.Grant{Subject: user.ID, AuthTime: time.Now()}
	next, err := a.refresh.Issue(r.Context(), grant)
	if err != nil {
		a.auth.Error(w, r, err)
		return
	}
	a.answer(w, r, grant, next)
}

// renew answers a refresh token with the next pair.
func (a *app) renew(w http.ResponseWriter, r *http.Request) {
	grant, next, err := a.refresh.Rotate(r.Context(), refreshToken(w, r))
	if err != nil {
		a.auth.Error(w, r, err) // 401 for a token that is not in use, 503 for an outage
		return
	}
	if _, err := a.users.byID(grant.Subject); err != nil {
		a.auth.Error(w, r, err)
		return
	}
	a.answer(w, r, grant, next)
}

func (a *app) answer(w http.ResponseWriter, r *http.Request, grant refresh.Grant, next string) {
	token, err := a.access.Issue(r.Context(), grant.Subject, jwt.AccessClaims{AuthTime: jwt.NewNumericDate(grant.AuthTime)})
	if err != nil {
		a.auth.Error(w, r, err)
		return
	}
	// The error is of no interest: a client that went away asks again.
	_ = jwt.TokenResponse{AccessToken: token, ExpiresIn: a.access.Lifetime(), RefreshToken: next}.Write(w)
}

// logOut ends the family of the refresh token. Access tokens expire by themselves.
func (a *app) logOut(w http.ResponseWriter, r *http.Request) {
	if err := a.refresh.Revoke(r.Context(), refreshToken(w, r)); err != nil {
		a.auth.Error(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// profile answers with the user whose token it was.
func (a *app) profile(w http.ResponseWriter, r *http.Request) {
	user, _ := a.auth.User(r.Context())
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(user)
}

// refreshToken reads the token from the body, a form, and never from the URL.
func refreshToken(w http.ResponseWriter, r *http.Request) string {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	return r.PostFormValue("refresh_token")
}
