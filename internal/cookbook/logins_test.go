package cookbook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/apikey"
	"github.com/seed-6f34412b/passport/strategy/onetime"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

func TestRememberMe(t *testing.T) {
	memory := newMemory(t)
	me, err := remember.New(remember.Config{Cells: memory.Cells, Secrets: []string{secret}})
	if err != nil {
		t.Fatal(err)
	}
	auth, _ := newAuth(t, newTable(), session.Config{Store: memory.Sessions}, guard.Config{RememberMe: me})
	mux := newMux(auth)
	welcome := say("welcome")

	box := guard.LogInOptions{RememberMe: func(r *http.Request) bool { return r.FormValue("remember") == "on" }}
	mux.Handle("POST /remembered", auth.Authenticate("local")(auth.LogInWith(box)(welcome)))
	mux.Handle("GET /me", auth.RequireAuth(welcome))
	mux.Handle("GET /password", auth.RequireFresh(10*time.Minute)(welcome)) // a remembered log-in is never fresh

	for _, on := range []string{"on", ""} {
		b := browser.New(t, mux)
		b.Post("/remembered", "email", "joe@shop.example", "password", "Passw0rd!", "remember", on).Want(t, 200, "welcome")
		b.SetCookie("__Host-sid", "") // the browser was closed
		if on == "on" {
			b.Get("/me").Want(t, http.StatusOK, "welcome")
			b.Get("/password").Want(t, http.StatusUnauthorized, "")
		} else {
			b.Get("/me").Want(t, http.StatusUnauthorized, "")
		}
	}
}

func TestWhichLogOut(t *testing.T) {
	auth, _ := newAuth(t, newTable(), session.Config{}, guard.Config{})
	mux := newMux(auth)

	devices := auth.Handle(func(w http.ResponseWriter, r *http.Request) error {
		user, _ := auth.User(r.Context())
		list, err := auth.Sessions(r.Context(), user)
		if err != nil {
			return err
		}
		return json.NewEncoder(w).Encode(list) // the member current marks this browser
	})
	end := auth.Handle(func(w http.ResponseWriter, r *http.Request) error {
		user, _ := auth.User(r.Context())
		_, err := auth.EndSession(r.Context(), user, r.PostFormValue("ref"))
		if err == nil {
			http.Redirect(w, r, "/devices", http.StatusSeeOther)
		}
		return err
	})
	mux.Handle("GET /devices", auth.RequireAuth(devices))
	mux.Handle("POST /devices/end", auth.RequireFresh(10*time.Minute)(end))

	here, there := joe(t, mux), joe(t, mux)
	var list []guard.UserSession
	text := here.Get("/devices").Text
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) != 2 {
		t.Fatalf("got %s and %v, want two sessions", text, err)
	}
	for _, s := range list {
		if !s.Current {
			here.Post("/devices/end", "ref", s.Ref).Want(t, http.StatusSeeOther, "")
		}
	}
	there.Get("/devices").Want(t, http.StatusUnauthorized, "")
	here.Get("/devices").Want(t, http.StatusOK, `"current":true`)
}

func TestAPIKeysBesideCookies(t *testing.T) {
	users, kept := newTable(), &keyTable{}
	findKey := func(ctx context.Context, id string) (apikey.Key, *User, error) {
		key, ok := kept.byID(id)
		if !ok {
			return apikey.Key{}, nil, strategy.ErrUnauthenticated
		}
		user, err := users.byID(ctx, key.Owner)
		if errors.Is(err, serializer.ErrUserGone) {
			err = strategy.ErrUnauthenticated
		}
		if err == nil {
			user.Scopes = key.Scopes
		}
		return key, user, err
	}
	byKey, err := apikey.New(apikey.Config{Prefix: "shop"}, findKey)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := apikey.NewKeys("shop", kept)
	if err != nil {
		t.Fatal(err)
	}
	auth, _ := newAuth(t, users, session.Config{}, guard.Config{}, byKey)
	mux := newMux(auth)
	orders := say("orders")

	mux.Handle("GET /api/orders", auth.Authenticate("session", "apikey")(orders)) // pages and programs
	mux.Handle("POST /api/import", auth.Authenticate("apikey")(orders))           // programs alone
	mux.Handle("GET /account", auth.RequireAuth(orders))                          // people alone

	text, _, err := keys.Issue(t.Context(), apikey.Request{Owner: "1", Name: "the till"})
	if err != nil {
		t.Fatal(err)
	}
	program, person := browser.New(t, mux), joe(t, mux)
	program.Get("/api/orders").Want(t, http.StatusUnauthorized, "")
	program.Header("Authorization", "Bearer "+text)
	program.Get("/api/orders").Want(t, http.StatusOK, "orders")
	program.Post("/api/import").Want(t, http.StatusOK, "orders")
	program.Get("/account").Want(t, http.StatusUnauthorized, "")
	person.Get("/api/orders").Want(t, http.StatusOK, "orders")
	person.Post("/api/import").Want(t, http.StatusUnauthorized, "")
}

// keyTable is a table of keys.
type keyTable struct{ rows []apikey.Key }

func (k *keyTable) Insert(_ context.Context, key apikey.Key) error {
	k.rows = append(k.rows, key)
	return nil
}
func (k *keyTable) ByOwner(context.Context, string) ([]apikey.Key, error) { return k.rows, nil }
func (k *keyTable) Delete(context.Context, string, string) (bool, error)  { return false, nil }

func (k *keyTable) byID(id string) (apikey.Key, bool) {
	for _, key := range k.rows {
		if key.ID == id {
			return key, true
		}
	}
	return apikey.Key{}, false
}

func TestPasswordReset(t *testing.T) {
	users, memory := newTable(), newMemory(t)
	auth, _ := newAuth(t, users, session.Config{Store: memory.Sessions}, guard.Config{})
	resets, err := onetime.NewLinks(onetime.LinksConfig[*User]{
		Tokens: memory.Tokens, Purpose: "password reset", Users: users.stamped(),
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := newMux(auth)
	mux.Handle("GET /me", auth.RequireAuth(say("it is you")))

	reset := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var user *User
		work := func(ctx context.Context, _ string, u *User) (err error) { // goes on if the browser leaves
			user, err = users.setPassword(ctx, u.ID, r.FormValue("password"))
			return err
		}
		err := resets.Use(r.Context(), r.FormValue("token"), work) // works once
		if err == nil {
			err = auth.LogInUser(r, user)
		}
		if err != nil {
			auth.Error(w, r, err) // 401 for a bad or used link, 503 for an outage, which does not use it up
			return
		}
		io.WriteString(w, "Your password is changed.")
	})
	mux.Handle("POST /reset", auth.Restore(reset)) // Restore brings the session along

	elsewhere := joe(t, mux)
	elsewhere.Get("/me").Want(t, http.StatusOK, "it is you")
	user, err := users.byID(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	token, err := resets.Issue(t.Context(), "joe@test.example", user)
	if err != nil {
		t.Fatal(err)
	}
	b := browser.New(t, mux)
	b.Post("/reset", "token", token, "password", "An0ther!").Want(t, http.StatusOK, "changed")
	b.Get("/me").Want(t, http.StatusOK, "it is you")
	elsewhere.Get("/me").Want(t, http.StatusUnauthorized, "")
	browser.New(t, mux).Post("/reset", "token", token, "password", "Third!!!!").Want(t, http.StatusUnauthorized, "")
}

func TestRoles(t *testing.T) {
	auth, _ := newAuth(t, newTable(), session.Config{}, guard.Config{})
	mux := newMux(auth)
	ledger := say("the ledger")

	role := func(name string) func(http.Handler) http.Handler {
		return auth.RequireIf(func(u *User) bool { return u.Role == name })
	}
	mux.Handle("GET /ledger", role("admin")(ledger))

	browser.New(t, mux).Get("/ledger").Want(t, http.StatusUnauthorized, "")
	joe(t, mux).Get("/ledger").Want(t, http.StatusForbidden, "")
	jen(t, mux).Get("/ledger").Want(t, http.StatusOK, "the ledger")
}

func TestTenants(t *testing.T) {
	auth, _ := newAuth(t, newTable(), session.Config{}, guard.Config{})
	mux := newMux(auth)
	orders := say("orders")

	members := auth.Require(func(r *http.Request, u *User) error {
		if r.Host != u.Tenant+".shop.example" {
			return fmt.Errorf("a user of another tenant: %w", guard.ErrForbidden)
		}
		return nil
	})
	mux.Handle("GET /orders", members(orders))

	b := joe(t, mux) // of acme, at acme
	b.Get("/orders").Want(t, http.StatusOK, "orders")
	r := b.Request(http.MethodGet, "/orders", "")
	r.Host = "globex.shop.example" // the cookie was copied by hand
	b.Do(r).Want(t, http.StatusForbidden, "")
}

func TestImpersonation(t *testing.T) {
	users := newTable()
	auth, _ := newAuth(t, users, session.Config{}, guard.Config{})
	mux := newMux(auth)
	var pageOf func(context.Context) (*User, bool) // acting.User
	var audited []string
	orders := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := pageOf(r.Context())
		me, _ := auth.User(r.Context())
		fmt.Fprintf(w, "orders of %s for %s", user.ID, me.ID)
	})
	changePassword := say("changed")
	routes := func() (err error) {
		acting, err := guard.NewActing(auth, guard.ActingConfig[*User]{
			May: func(actor, user *User) bool { return actor.Role == "admin" && user.Role != "admin" },
			Audit: func(_ context.Context, actor, user *User, what string) error { // in a table, for the user to read
				audited = append(audited, fmt.Sprintln(actor.ID, what, user.ID))
				return nil
			},
		})
		if err != nil {
			return err
		}
		mux.Handle("GET /orders", auth.RequireAuth(acting.Allow(orders)))
		mux.Handle("POST /password", acting.RequireSelf(changePassword))
		mux.Handle("POST /act", auth.RequireAuth(auth.Handle(func(_ http.ResponseWriter, r *http.Request) error {
			user, err := users.byID(r.Context(), r.FormValue("id"))
			if err != nil {
				return err
			}
			return acting.Begin(r, user)
		})))
		pageOf = acting.User
		return nil
	}
	if err := routes(); err != nil {
		t.Fatal(err)
	}

	b := jen(t, mux)
	b.Get("/orders").Want(t, http.StatusOK, "orders of 2 for 2")
	b.Post("/act", "id", "1").Want(t, http.StatusOK, "")
	b.Get("/orders").Want(t, http.StatusOK, "orders of 1 for 2")
	b.Post("/password").Want(t, http.StatusForbidden, "")
	if got := fmt.Sprint(audited); got != "[2 began to act as the user 1\n]" {
		t.Errorf("audited %q", got)
	}
	b = joe(t, mux)
	b.Post("/act", "id", "2").Want(t, http.StatusForbidden, "")
	b.Get("/orders").Want(t, http.StatusOK, "orders of 1 for 1")
	b.Post("/password").Want(t, http.StatusOK, "changed")
}

func TestMobileApplications(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := newMemory(t)

		cfg := session.Config{Store: memory.Sessions, Persistent: true}
		cfg.IdleTimeout = 30 * 24 * time.Hour
		cfg.AbsoluteTimeout = 365 * 24 * time.Hour

		auth, sessions := newAuth(t, newTable(), cfg, guard.Config{})
		mux := newMux(auth)
		mux.Handle("GET /value", auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := sessions.Session(r.Context())
			value := ""
			if err == nil {
				value, err = s.CookieValue()
			}
			if err == nil {
				s, err = sessions.OpenValue(r.Context(), value) // as a client without a jar would be found
			}
			var user *User
			if err == nil {
				user, err = auth.UserOf(r.Context(), s)
			}
			if err != nil {
				auth.Error(w, r, err)
				return
			}
			_, _ = io.WriteString(w, user.Email)
		})))
		mux.Handle("POST /orders", auth.RequireAuth(say("ordered")))
		b := browser.New(t, mux)
		answer := b.Post("/login", "email", "joe@shop.example", "password", "Passw0rd!")
		if line := answer.Header.Get("Set-Cookie"); !strings.Contains(line, "Max-Age=31536000") {
			t.Fatalf("got the cookie %q, want one that is kept for a year", line)
		}
		b.Get("/value").Want(t, http.StatusOK, "joe@shop.example")
		for range 10 { // months
			time.Sleep(29 * 24 * time.Hour)
			// Neither Origin nor Sec-Fetch-Site: no browser sent it.
			b.Do(b.Request(http.MethodPost, "/orders", "")).Want(t, http.StatusOK, "ordered")
		}
		time.Sleep(31 * 24 * time.Hour)
		b.Post("/orders").Want(t, http.StatusUnauthorized, "")
	})
}
