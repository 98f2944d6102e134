package main

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/mail"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy/passkey"
	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/password/policy"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

//go:embed page.html page.js passkeys.js
var files embed.FS

// newApp returns the application at url, whose new passwords hasher hashes.
func newApp(url string, hasher password.Hasher) (http.Handler, error) {
	table := &users{}
	if _, err := table.add(exampleEmail, exampleHash); err != nil {
		return nil, err
	}
	memory, err := store.Memory(store.MemoryConfig{}) // for several processes use store.Redis
	if err != nil {
		return nil, err
	}
	secret := randomSecret() // a real application stores its secret: a new one logs everyone out
	sessions, err := session.New(session.Config{Store: memory.Sessions, Codec: session.SecureCookie(secret), InsecureHTTP: true})
	if err != nil {
		return nil, err
	}
	passwords, err := password.New(password.LookupFunc[*User](table.byEmail), password.Config{Hasher: hasher})
	if err != nil {
		return nil, err
	}
	rules, err := policy.New(policy.Config{})
	if err != nil {
		return nil, err
	}
	local, err := throttle.New(throttle.Config{InsecureHTTP: true}, passwords)
	if err != nil {
		return nil, err
	}
	passkeys, err := passkey.New(passkey.Config[*User]{
		RPID: "localhost", RPName: "Example", Origins: []string{url}, Secrets: []string{secret}, Once: memory.Counter,
		Credentials: table, Account: account,
		WithoutPasskey: func(_ context.Context, u *User) (bool, error) { return u.Hash != "", nil },
	})
	if err != nil {
		return nil, err
	}
	auth, err := guard.New(guard.Config{Sessions: sessions, LoginURL: "/"},
		serializer.ByID(func(u *User) int { return u.ID }, table.byID), local, passkeys)
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("POST /login", auth.AuthenticateWith(guard.Options{Strategies: []string{"local"}, FailureRedirect: "/?wrong"})(
		auth.LogInWith(guard.LogInOptions{SuccessRedirect: "/"})(nil)))
	mux.Handle("POST /logout", auth.LogOut(http.RedirectHandler("/", http.StatusSeeOther)))
	mux.Handle("POST /register", auth.Restore(register(auth, table, rules, passwords.Account, hasher)))

	// Log in by a passkey.
	mux.Handle("POST /passkey/options", passkeys.BeginLogIn(auth))
	mux.Handle("POST /passkey", passkeys.FinishLogIn(auth))
	// A user's passkeys.
	mux.Handle("POST /passkeys/options", passkeys.BeginRegistration(auth))
	mux.Handle("POST /passkeys", passkeys.FinishRegistration(auth))
	mux.Handle("GET /passkeys", passkeys.List(auth))
	mux.Handle("PATCH /passkeys/{id}", passkeys.Rename(auth))
	mux.Handle("DELETE /passkeys/{id}", passkeys.Remove(auth))

	mux.Handle("GET /{$}", auth.Restore(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := auth.User(r.Context())
		q := r.URL.Query()
		render(w, http.StatusOK, view{User: u, Wrong: q.Has("wrong"), Again: q.Has("again")})
	})))
	mux.Handle("GET /page.js", http.FileServerFS(files))
	mux.Handle("GET /passkeys.js", http.FileServerFS(files))
	return mux, nil
}

// register adds a user and logs them in.
func register(auth *guard.Guard[*User], table *users, rules *policy.Policy, spelled func(string) string, hasher password.Hasher) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		email, secret := spelled(r.PostFormValue("email")), r.PostFormValue("password")
		if a, err := mail.ParseAddress(email); err != nil || a.Address != email {
			render(w, http.StatusBadRequest, view{Problem: "That is no e-mail address."})
			return
		}
		var broken *policy.Error
		switch err := rules.Check(r.Context(), secret, email); {
		case errors.As(err, &broken):
			render(w, http.StatusBadRequest, view{Problem: broken.Text()})
			return
		case err != nil:
			auth.Error(w, r, err)
			return
		}
		hash, err := hasher.Hash(r.Context(), secret)
		if errors.Is(err, password.ErrUnhashable) {
			render(w, http.StatusBadRequest, view{Problem: "A password has at most 72 bytes, and no NUL."})
			return
		}
		var u *User
		if err == nil {
			u, err = table.add(email, hash)
		}
		if errors.Is(err, errTaken) {
			render(w, http.StatusConflict, view{Problem: "That address has an account. Log in."})
			return
		}
		if err == nil {
			err = auth.LogInUser(r, u)
		}
		if err != nil {
			auth.Error(w, r, err)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
}

func randomSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // crypto/rand never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// view is the data of the page.
type view struct {
	User         *User
	Wrong, Again bool
	Problem      string
}

var page = template.Must(template.ParseFS(files, "page.html"))

func render(w http.ResponseWriter, status int, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	w.WriteHeader(status)
	_ = page.Execute(w, v) // the client may have gone
}
