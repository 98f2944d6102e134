package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/throttle"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

// authenticators keeps who has an authenticator app. It is safe for concurrent use. In
// earnest these are two tables, and the keys in them are encrypted.
type authenticators struct {
	totp  *totp.Codes
	auth  *app // asked for the user who is logged in
	mu    sync.Mutex
	keys  map[int64][]byte
	codes map[int64]map[string]bool // hashes of recovery codes
}

func newAuthenticators(redis store.RedisClient, a *app) (*authenticators, error) {
	cells, err := store.NewRedisCells(redis, store.RedisKeysConfig{})
	if err != nil {
		return nil, err
	}
	totp, err := totp.NewCodes(totp.CodesConfig{Cells: cells, Issuer: "Passport example"})
	if err != nil {
		return nil, err
	}
	return &authenticators{totp: totp, auth: a, keys: map[int64][]byte{}, codes: map[int64]map[string]bool{}}, nil
}

// strategy returns the second factor, whose guessing is slowed down.
func (t *authenticators) strategy() (strategy.Strategy[*User], error) {
	codes, err := totp.New(totp.Config[*User]{
		Codes: t.totp, Enrolled: t.enrolled, UseRecoveryCode: t.useRecoveryCode,
	})
	if err != nil {
		return nil, err
	}
	return throttle.New(throttle.Config{}, strategy.Strategy[*User](codes))
}

// routes adds what -totp offers: the app's set-up, the second factor, and a page that
// asks for it.
func (t *authenticators) routes(mux *http.ServeMux) {
	auth := t.auth.auth
	mux.Handle("POST /auth/totp/new", auth.RequireFresh(fresh)(t.replacing(http.HandlerFunc(t.enrol))))
	mux.Handle("POST /auth/totp", auth.RequireAuth(auth.Authenticate("totp")(auth.StepUp(text("You proved a second factor")))))
	mux.Handle("GET /vault", auth.RequireFactor("totp", fresh)(text("You can only see this with a second factor")))
}

// fresh is how old a proof may be for what is sensitive.
const fresh = 10 * time.Minute

// enrol makes a key and recovery codes, and shows them once.
func (t *authenticators) enrol(w http.ResponseWriter, r *http.Request) {
	user, _ := t.auth.auth.User(r.Context())
	key := t.totp.NewKey()
	codes, hashes := totp.NewRecoveryCodes(10)
	t.mu.Lock()
	t.keys[user.ID], t.codes[user.ID] = key, map[string]bool{}
	for _, hash := range hashes {
		t.codes[user.ID][hash] = true
	}
	t.mu.Unlock()
	t.auth.answer(w, http.StatusCreated, map[string]any{"url": t.totp.URL(user.Email, key), "recoveryCodes": codes})
}

// replacing lets a user without an app pass, and one with an app who has just used it: or
// a stolen password would be enough to have another app.
func (t *authenticators) replacing(next http.Handler) http.Handler {
	guarded := t.auth.auth.RequireFactor("totp", fresh)(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := t.enrolled(r); errors.Is(err, strategy.ErrUnauthenticated) {
			next.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// enrolled finds the key of the user who is logged in.
func (t *authenticators) enrolled(r *http.Request) (totp.Enrolled[*User], error) {
	user, ok := t.auth.auth.User(r.Context())
	if !ok {
		return totp.Enrolled[*User]{}, strategy.ErrUnauthenticated
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := t.keys[user.ID]
	if key == nil {
		return totp.Enrolled[*User]{}, strategy.ErrUnauthenticated
	}
	return totp.Enrolled[*User]{User: user, Account: strconv.FormatInt(user.ID, 10), Key: key}, nil
}

// useRecoveryCode is DELETE FROM codes WHERE user = ? AND hash = ?.
func (t *authenticators) useRecoveryCode(_ context.Context, account, hash string) (bool, error) {
	id, err := strconv.ParseInt(account, 10, 64)
	if err != nil {
		return false, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	there := t.codes[id][hash]
	delete(t.codes[id], hash)
	return there, nil
}
