// Package article is the application of the article "Setting Up Sessions with NestJS, Passport, and Redis",
// in Go: the same paths, fields and texts, and a log-out. examples/server runs it on Redis, and examples/sql
// on a database.
//
// Read app.go first: it has the sessions, the guard and the routes. users.go is the users table, totp.go a
// second factor, live.go a stream of events, register.go a route of the application's own, and serve.go how a
// server starts and stops.
package article

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/password/policy"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

// settings are what the application needs from outside.
type settings struct {
	storage   Storage
	codec     session.Codec
	plainHTTP bool // cookies travel without TLS
	totp      bool // offer a second factor
	// deviceSecret signs the cookie by which a browser is known to an account.
	deviceSecret   string
	trustedProxies []netip.Prefix
	// article accepts the weak password of the article's registration; only on loopback.
	article bool
	// deviceBound is how long the proof of a device is valid; 0 binds no session.
	deviceBound time.Duration
	log         *slog.Logger
}

// app is what the handlers share.
type app struct {
	settings
	auth   *guard.Guard[*User]
	users  *userTable
	local  *strategy.LocalStrategy[*User] // knows the one spelling of an address
	hasher password.Hasher
	policy *policy.Policy
}

// limits returns how attempts are counted. purpose is the route's, for routes that are not a strategy.
func (a *app) limits(purpose string) throttle.Config {
	return throttle.Config{
		Counter: a.storage.Counter, Purpose: purpose, Secrets: []string{a.deviceSecret}, InsecureHTTP: a.plainHTTP,
		TrustedProxies: a.trustedProxies, Logger: a.log,
	}
}

// newApp returns the application's routes. Its errors are mistakes in s.
func newApp(s settings) (http.Handler, error) {
	sessions, err := session.New(session.Config{Store: s.storage.Sessions, Codec: s.codec, InsecureHTTP: s.plainHTTP, Logger: s.log,
		DeviceBound: session.DeviceBound{Lifetime: s.deviceBound}})
	if err != nil {
		return nil, err
	}
	a := &app{settings: s, users: newUserTable(), hasher: &password.Bcrypt{}}

	// The session remembers the user's id. The stamp ends it when the password changes.
	ids := serializer.WithStamp(
		serializer.ByID(func(u *User) int64 { return u.ID }, a.users.ByID),
		func(u *User) string { return u.hash },
	)
	// Guessing is slowed down. All processes on this store count together.
	if a.local, err = password.New(a.users, password.Config{Hasher: a.hasher, Logger: s.log}); err != nil {
		return nil, err
	}
	local, err := throttle.New(a.limits(""), strategy.Strategy[*User](a.local))
	if err != nil {
		return nil, err
	}
	// Anybody can register, and each registration costs a hash.
	registrations, err := throttle.NewLimiter(a.limits("register"))
	if err != nil {
		return nil, err
	}
	a.policy, err = policy.New(policy.Config{MinLength: 8, Blocklist: []string{"passport"}}) // a real application: and Breached
	if err != nil {
		return nil, err
	}
	methods := []strategy.Strategy[*User]{local}
	var apps *authenticators
	if s.totp {
		if apps, err = newAuthenticators(s.storage.Cells, a); err != nil {
			return nil, err
		}
		second, err := apps.strategy()
		if err != nil {
			return nil, err
		}
		methods = append(methods, second)
	}
	var factors guard.UserFactors
	if apps != nil {
		factors = guard.FactorsOf(apps.factors)
	}
	a.auth, err = guard.New(guard.Config{Sessions: sessions, Factors: factors, TrustedProxies: a.trustedProxies, Logger: s.log}, ids, methods...)
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("GET /{$}", text("This message is public to all!"))
	mux.Handle("GET /protected", a.auth.RequireAuth(text("You can only see this if you are authenticated")))
	mux.Handle("GET /whoami", a.auth.RequireAuth(http.HandlerFunc(a.whoAmI)))
	mux.Handle("GET /live", a.auth.RequireAuth(a.auth.Handle(a.live)))
	mux.Handle("POST /auth/login", a.auth.Authenticate("local")(a.auth.LogIn(http.HandlerFunc(a.showSession))))
	mux.Handle("POST /auth/logout", a.auth.LogOut(text("You are logged out")))
	// A guard refuses requests that another site caused. This route has no guard, so it needs its own check.
	mux.Handle("POST /auth/register", a.auth.RefuseCrossSite(registrations.Handler(http.HandlerFunc(a.register))))
	if apps != nil {
		apps.routes(mux)
	}
	if s.deviceBound > 0 {
		mux.Handle(sessions.DeviceBound())
		mux.Handle("GET /bound", a.auth.RequireBound(text("You can only see this from the device on which you logged in")))
	}
	return mux, nil
}

// whoAmI answers with the user who is logged in.
func (a *app) whoAmI(w http.ResponseWriter, r *http.Request) {
	user, _ := a.auth.User(r.Context()) // there is one, behind RequireAuth
	a.answer(w, http.StatusOK, user)
}

// showSession answers with the session's JSON, as res.json(req.session) does.
func (a *app) showSession(w http.ResponseWriter, r *http.Request) {
	s, err := session.FromContext(r.Context())
	if err != nil {
		a.auth.Error(w, r, err)
		return
	}
	record, err := s.ExpressJSON()
	if err != nil {
		a.auth.Error(w, r, err)
		return
	}
	a.answer(w, http.StatusOK, json.RawMessage(record))
}

// text always answers with s.
func text(s string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, s)
	})
}

// answer writes v as JSON.
func (a *app) answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		a.log.Error("an answer has no JSON form", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if status >= 400 {
		w.Header().Set("Content-Type", "application/problem+json")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone away
}
