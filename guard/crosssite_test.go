package guard_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/strategy"
)

// from sends a request as a browser does for a page of origin.
func from(b *browser.Browser, origin, method, path string, form string) browser.Answer {
	r := b.Request(method, path, form)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Origin", origin)
	return b.Do(r)
}

// TestASVS_3_5_1_UnsafeRequestsFromOtherSitesAreRefused if credentials that the browser adds by itself
// would decide.
func TestASVS_3_5_1_UnsafeRequestsFromOtherSitesAreRefused(t *testing.T) {
	const evil, shop = "https://evil.example", "https://shop.example"
	form := "email=joe@test.com&password=Passw0rd!"
	for _, row := range []struct {
		name, origin, method, path string
		status                     int
		body                       string
	}{
		{"a log-in", evil, "POST", "/login", 403, "Forbidden"},
		{"a log-out", evil, "POST", "/logout", 403, "Forbidden"},
		{"a log-out by a link or an image", evil, "GET", "/logout", 403, "Forbidden"},
		{"a guarded change", evil, "POST", "/me", 403, "Forbidden"},
		{"a guarded DELETE", evil, "DELETE", "/me", 403, "Forbidden"},
		{"a guarded page", evil, "GET", "/me", 200, "hello joe"},
		{"a session among tokens", evil, "POST", "/api", 403, "Forbidden"},
		{"a session before anonymous", evil, "POST", "/lenient", 403, "Forbidden"},
		{"no session, anonymous", evil, "POST", "/anonymous", 200, "hello stranger"},
		{"a restored session", evil, "POST", "/any", 200, "hello stranger"},
		{"a restored session, then a guard", evil, "POST", "/strict", 403, "Forbidden"},
		{"a log-in by the application", evil, "POST", "/register", 403, "Forbidden"},
		{"a fresh log-in", evil, "POST", "/fresh", 403, "Forbidden"},
		{"an uncached guard", evil, "POST", "/uncached", 403, "Forbidden"},
		{"a route without a guard", evil, "POST", "/unguarded", 403, "Forbidden"},
		{"a page without a guard", evil, "GET", "/unguarded", 200, "hello stranger"},
		{"a trusted site, a route without a guard", shop, "POST", "/unguarded", 200, "hello stranger"},
		{"a trusted site's log-in", shop, "POST", "/login", 200, "hello joe"},
		{"a trusted site's change", shop, "POST", "/me", 200, "hello joe"},
		{"a trusted site's log-out", shop, "POST", "/logout", 200, "hello stranger"},
	} {
		w := newWorld(t, func(c *guard.Config) { c.TrustedOrigins = []string{shop} })
		w.mux.Handle("/unguarded", w.RefuseCrossSite(w.hello()))
		w.mux.Handle("/api", w.Authenticate("session", "token")(w.hello()))
		w.mux.Handle("/lenient", w.Authenticate("session", "anonymous")(w.hello()))
		w.mux.Handle("/anonymous", w.Authenticate("anonymous")(w.hello()))
		w.mux.Handle("/strict", w.Restore(w.RequireAuth(w.hello())))
		w.mux.Handle("/fresh", w.RequireFresh(1e12)(w.hello()))
		w.mux.Handle("/uncached", w.RequireUncached(w.hello()))
		w.mux.Handle("/register", w.sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if err := w.LogInUser(r, &User{ID: 1}); err != nil {
				w.Error(rw, r, err)
			}
		})))
		b := w.loggedIn("joe@test.com")
		from(b, row.origin, row.method, row.path, form).Want(t, row.status, row.body)
		if row.status == 403 {
			b.Get("/me").Want(t, 200, "hello joe")
		}
	}
}

func TestBasicCredentialsOfABrowserAreNotForOtherSites(t *testing.T) {
	w := newWorld(t)
	g, err := guard.New(guard.Config{Logger: w.logger()}, nil, strategy.NewBasic("app", w.table.check))
	if err != nil {
		t.Fatal(err)
	}
	b := browser.New(t, g.Authenticate()(whoami(g)))
	b.Header("Authorization", "Basic am9lQHRlc3QuY29tOlBhc3N3MHJkIQ==")
	b.Post("/").Want(t, 200, "joe@test.com")
	from(b, "https://evil.example", "POST", "/", "").Want(t, 403, "Forbidden")
	from(b, "https://evil.example", "GET", "/", "").Want(t, 200, "joe@test.com")
}

func TestATokenDecidesForOtherSitesToo(t *testing.T) {
	w := newWorld(t)
	w.mux.Handle("/api", w.Authenticate("session", "token")(w.RequireAuth(w.hello())))
	w.mux.Handle("/callback", w.Authenticate("token")(w.LogIn(w.hello())))
	w.token.user, w.token.err = &User{ID: 2, Email: "jen@test.com"}, nil
	b := w.loggedIn("joe@test.com")
	from(b, "https://spa.example", "POST", "/api", "").Want(t, 200, "hello jen")
	// An identity provider posts its answer to the callback.
	from(w.open(), "https://id.example", "POST", "/callback", "").Want(t, 200, "hello jen")
}

func TestAStrategyIsNotAskedForAnotherSite(t *testing.T) {
	w := newWorld(t)
	w.mux.Handle("/code", w.Authenticate("totp", "token")(w.hello()))
	w.second.user, w.second.err = &User{ID: 1}, nil
	from(w.open(), "https://evil.example", "POST", "/code", "").Want(t, 403, "Forbidden")
	if w.second.asked != 0 || w.token.asked != 1 {
		t.Errorf("totp was called %d times and token %d times, want 0 and 1", w.second.asked, w.token.asked)
	}
	if got, want := w.saw(), "[malicious_cors]"; got != want {
		t.Errorf("got events %s, want %s", got, want)
	}
}

func TestProgramsAreNotOtherSites(t *testing.T) {
	w := newWorld(t)
	b := w.open()
	r := b.Request("POST", "/login", `{"email":"joe@test.com","password":"Passw0rd!"}`)
	r.Header.Set("Content-Type", "application/json")
	b.Do(r).Want(t, 200, "hello joe") // curl sends neither Sec-Fetch-Site nor Origin
	r = b.Request("POST", "/logout", "")
	b.Do(r).Want(t, 200, "hello stranger")
	if got := w.logged(); strings.Contains(got, "malicious_cors") {
		t.Errorf("got log %q, want no malicious_cors", got)
	}
}

// TestWhatCameSaysWhoseTheRequestIs: a middleware between the session's Handler and the guard may have
// changed the request.
func TestWhatCameSaysWhoseTheRequestIs(t *testing.T) {
	const evil = "https://evil.example"
	w := newWorld(t)
	changed := func(method string, h http.Handler) http.Handler {
		return w.sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			for _, name := range []string{"Sec-Fetch-Site", "Origin", "Upgrade"} { // also in place, because the slices are shared
				for i := range r.Header[name] {
					r.Header[name][i] = "same-origin"
				}
				r.Header.Del(name)
			}
			r.Method = method
			h.ServeHTTP(rw, r)
		}))
	}
	w.mux.Handle("POST /in", changed("GET", w.byContext(func(ctx context.Context) error {
		_, err := w.LogInContext(ctx, joe, guard.LogInOptions{})
		return err
	})))
	w.mux.Handle("POST /out", changed("GET", w.byContext(w.LogOutContext)))
	w.mux.Handle("POST /change", changed("GET", w.RequireAuth(w.hello())))
	w.mux.Handle("GET /change", changed("DELETE", w.RequireAuth(w.hello())))
	w.mux.Handle("POST /form", changed("POST", w.Authenticate("local")(w.hello())))
	w.mux.Handle("POST /leave", changed("POST", w.LogOut(w.hello())))
	b := w.loggedIn("jen@test.com")
	for _, route := range []string{"POST /in", "POST /out", "POST /change", "GET /change", "POST /form", "POST /leave"} {
		method, path, _ := strings.Cut(route, " ")
		from(b, evil, method, path, "email=joe@test.com&password=Passw0rd!").Want(t, 403, "Forbidden")
	}
	for _, e := range w.events {
		if e.Name == guard.EventCrossSite && (e.Origin != evil || e.FetchSite != "cross-site") {
			t.Errorf("got an event of %q, %q, want %s, cross-site", e.Origin, e.FetchSite, evil)
		}
	}
	b.Get("/me").Want(t, 200, "hello jen")
	w.mux.Handle("POST /foreign", w.sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "cross-site") // such as for a request to an upstream
		w.RequireAuth(w.hello()).ServeHTTP(rw, r)
	})))
	b.Post("/foreign").Want(t, 200, "hello jen")
}
