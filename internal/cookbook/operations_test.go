package cookbook_test

import (
	"context"
	"encoding/json"
	"errors"
	"expvar"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/guard/guardtest"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
)

func TestAnotherOrigin(t *testing.T) {
	auth, _ := newAuth(t, newTable(), session.Config{}, guard.Config{TrustedOrigins: []string{"https://app.shop.example"}})
	mux := newMux(auth)
	mux.Handle("POST /orders", auth.RequireAuth(say("ordered")))

	cors := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Vary", "Origin")
			if r.Header.Get("Origin") == "https://app.shop.example" {
				w.Header().Set("Access-Control-Allow-Origin", "https://app.shop.example")
				w.Header().Set("Access-Control-Allow-Credentials", "true")
				w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
				w.Header().Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
			}
			if r.Method == http.MethodOptions {
				w.WriteHeader(http.StatusNoContent) // a preflight has no credentials: no guard sees it
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	app := cors(mux) // around the guards

	b := joe(t, app)
	ask := func(method, origin, site string) browser.Answer {
		r := b.Request(method, "/orders", "")
		r.Header.Set("Origin", origin)
		r.Header.Set("Sec-Fetch-Site", site)
		return b.Do(r)
	}
	preflight := ask(http.MethodOptions, "https://app.shop.example", "same-site")
	preflight.Want(t, http.StatusNoContent, "")
	if got := preflight.Header.Get("Access-Control-Allow-Credentials"); got != "true" {
		t.Errorf("Access-Control-Allow-Credentials: got %q, want true", got)
	}
	ask(http.MethodPost, "https://app.shop.example", "same-site").Want(t, http.StatusOK, "ordered")
	foreign := ask(http.MethodPost, "https://blog.shop.example", "same-site")
	foreign.Want(t, http.StatusForbidden, guard.ProblemCrossSite)
	if got := foreign.Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("another origin: got Access-Control-Allow-Origin %q, want none", got)
	}
}

func TestMetrics(t *testing.T) {
	counts := new(expvar.Map)

	cfg := guard.Config{OnEvent: func(_ context.Context, e guard.Event) { // it must not block
		counts.Add(string(e.Name)+" "+string(e.Outcome), 1)
	}}

	auth, _ := newAuth(t, newTable(), session.Config{}, cfg)
	mux := newMux(auth)
	browser.New(t, mux).Post("/login", "email", "joe@shop.example", "password", "wrong").Want(t, http.StatusUnauthorized, "")
	joe(t, mux)
	for name, want := range map[string]string{"authn_login_fail failure": "1", "authn_login_success success": "1", "session_created success": "1"} {
		if got := counts.Get(name); got == nil || got.String() != want {
			t.Errorf("%s: got %v, want %s", name, got, want)
		}
	}
}

func TestAValueWhoseTypeChanges(t *testing.T) {
	type Order struct {
		Items []string
		Gift  bool
	}
	auth, sessions := newAuth(t, newTable(), session.Config{}, guard.Config{})
	mux := newMux(auth)

	const Before session.Key[[]string] = "cart" // until May
	const Cart session.Key[Order] = "cart"
	cart := func(s *session.Session) (Order, error) {
		order, _, err := Cart.Get(s)
		if errors.Is(err, session.ErrValueType) {
			order.Items, _, err = Before.Get(s)
		}
		return order, err
	}

	mux.Handle("GET /old", sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := sessions.Session(r.Context())
		if err == nil {
			err = Before.Set(s, []string{"apples"})
		}
		if err != nil {
			http.Error(w, "trouble", http.StatusInternalServerError)
		}
	})))
	mux.Handle("GET /new", sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := sessions.Session(r.Context())
		var order Order
		if err == nil {
			order, err = cart(s)
		}
		if err != nil {
			http.Error(w, "trouble", http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(order)
	})))
	b := browser.New(t, mux)
	b.Get("/old").Want(t, http.StatusOK, "")
	b.Get("/new").Want(t, http.StatusOK, `{"Items":["apples"],"Gift":false}`)
}

func TestTestsOfOnesOwn(t *testing.T) {
	users := newTable()
	auth, _ := newAuth(t, users, session.Config{}, guard.Config{})
	joe, err := users.byID(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	app := auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := auth.User(r.Context())
		_, _ = w.Write([]byte("hello " + user.Email))
	}))

	// One handler: no cookie, no store.
	w := httptest.NewRecorder()
	app.ServeHTTP(w, guardtest.WithUser(httptest.NewRequest("GET", "/me", nil), auth, joe))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), joe.Email) {
		t.Errorf("got %d %q, want Joe's page", w.Code, w.Body)
	}

	// The whole program: a real session, and no form.
	r := httptest.NewRequest("GET", "/me", nil)
	for _, cookie := range guardtest.LogIn(t, auth, joe) {
		r.AddCookie(cookie)
	}
	w = httptest.NewRecorder()
	app.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("got %d, want 200", w.Code)
	}

	// The same as a browser's window sees it: with forms, and where redirects end.
	b := guardtest.NewBrowser(t, app, "https://app.example")
	b.Add(guardtest.LogInWith(t, auth, joe, guardtest.Options{Age: time.Hour})) // or with Factors, or Remembered
	if page := b.Get("/me"); page.URL != "/me" || page.StatusCode != http.StatusOK {
		t.Errorf("got %d at %s, want 200 at /me", page.StatusCode, page.URL)
	}

	w = httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/me", nil))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("a stranger: got %d, want 401", w.Code)
	}
}
