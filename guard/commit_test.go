package guard_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
)

// put returns a handler that changes the session.
func put(w *world) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, err := w.sessions.Session(r.Context())
		if err == nil {
			err = session.Key[string]("cart").Set(s, "apples")
		}
		if err != nil {
			w.t.Error(err)
		}
		rw.Write([]byte("done"))
	})
}

// TestAFailedCommitIsAnsweredInTheGuardsForm: a page for browsers, a problem document for programs, if a
// guard's middleware is around the handler.
func TestAFailedCommitIsAnsweredInTheGuardsForm(t *testing.T) {
	for _, row := range []struct {
		name string
		fail string // the store's method
		who  string
		do   func(w *world, b *browser.Browser) browser.Answer
	}{
		{"a log-in", "Create", "", func(_ *world, b *browser.Browser) browser.Answer { return logIn(b, "joe@test.com") }},
		{"a log-out", "End", "joe@test.com", func(_ *world, b *browser.Browser) browser.Answer { return b.Post("/logout") }},
		{"a user's page", "Update", "joe@test.com", func(w *world, b *browser.Browser) browser.Answer {
			w.mux.Handle("/x", w.RequireAuth(put(w)))
			return b.Get("/x")
		}},
		{"a visitor's page", "Create", "", func(w *world, b *browser.Browser) browser.Answer {
			w.mux.Handle("/x", w.Restore(put(w)))
			return b.Get("/x")
		}},
		{"a page for everybody", "Create", "", func(w *world, b *browser.Browser) browser.Answer {
			w.mux.Handle("/x", w.Authenticate("anonymous")(put(w)))
			return b.Get("/x")
		}},
		{"a refusal that leaves a message", "Create", "", func(w *world, b *browser.Browser) browser.Answer {
			w.mux.Handle("/x", w.AuthenticateWith(guard.Options{Strategies: []string{"totp"}, FailureFlash: "no"})(put(w)))
			return b.Get("/x")
		}},
		{"a page inside of the session's own Handler", "Update", "joe@test.com", func(w *world, b *browser.Browser) browser.Answer {
			w.mux.Handle("/x", w.sessions.Handler(w.RequireAuth(put(w))))
			return b.Get("/x")
		}},
	} {
		for accept, want := range map[string]string{chrome: "text/html; charset=utf-8", "application/json": "application/problem+json"} {
			w := newWorld(t)
			b := w.open()
			if row.who != "" {
				b = w.loggedIn(row.who)
			}
			b.Header("Accept", accept)
			w.store.failOn(row.fail)
			a := row.do(w, b)
			if got := a.Header.Get("Content-Type"); a.StatusCode != 503 || got != want {
				t.Errorf("%s, for %.20s: got %d and %q, want 503 and %q", row.name, accept, a.StatusCode, got, want)
			}
			if vary, store := strings.Join(a.Header["Vary"], ", "), a.Header.Get("Cache-Control"); vary != "Cookie, Accept" || store != "no-store" {
				t.Errorf("%s: got Vary %q and Cache-Control %q, want Cookie, Accept and no-store", row.name, vary, store)
			}
			if strings.Contains(a.Text, "done") || strings.Contains(a.Text, errOutage.Error()) || len(a.Header["Set-Cookie"]) > 0 {
				t.Errorf("%s: got %q and cookies %q, want no part of the handler's response or of the cause", row.name, a.Text, a.Header["Set-Cookie"])
			}
		}
	}
}

func TestASessionThatEndedMeanwhileIsAnsweredInTheGuardsForm(t *testing.T) {
	w := newWorld(t)
	w.mux.Handle("/x", w.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := w.sessions.Session(r.Context())
		if err == nil {
			_, err = w.LogOutEverywhere(t.Context(), joe)
		}
		if err == nil {
			err = session.Key[string]("cart").Set(s, "apples")
		}
		if err != nil {
			t.Error(err)
		}
	})))
	a := w.loggedIn("joe@test.com").Get("/x")
	a.Want(t, 409, `"status":409`)
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("got %q, want a problem document", got)
	}
}

func TestTheSessionsOwnErrorHandlerGoesFirst(t *testing.T) {
	w := newWorld(t)
	sessions, err := session.New(session.Config{
		Store: w.store, Codec: session.SecureCookie(secret), Logger: w.logger(),
		ErrorHandler: func(rw http.ResponseWriter, _ *http.Request, _ error) { rw.WriteHeader(http.StatusTeapot) },
	})
	if err != nil {
		t.Fatal(err)
	}
	g := w.guard("", func(c *guard.Config) { c.Sessions = sessions })
	w.mux.Handle("POST /in", g.Authenticate("local")(g.LogIn(w.hello())))
	w.store.failOn("Create")
	w.open().Post("/in", "email", "joe@test.com", "password", password).Want(t, http.StatusTeapot, "")
}

// TestConfigErrorAnswersFailedCommitsToo, so that an application has one error page.
func TestConfigErrorAnswersFailedCommitsToo(t *testing.T) {
	w := newWorld(t, func(c *guard.Config) {
		c.Error = func(rw http.ResponseWriter, _ *http.Request, err error) {
			http.Error(rw, "our page", guard.Status(err))
		}
	})
	w.mux.Handle("/x", w.RequireAuth(put(w)))
	w.mux.Handle("/check", w.sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, err := w.Check(r); err != nil {
			t.Error(err)
		}
		put(w).ServeHTTP(rw, r)
	})))
	b := w.loggedIn("joe@test.com")
	w.store.failOn("Update")
	b.Get("/x").Want(t, 503, "our page")
	b.Get("/check").Want(t, 503, "our page")
	w.store.failOn("Create")
	logIn(w.open(), "jen@test.com").Want(t, 503, "our page")
}

// TestAnErrorPageThatWritesNothingIsNoSuccess: Guard.Error answers instead.
func TestAnErrorPageThatWritesNothingIsNoSuccess(t *testing.T) {
	silent := func(http.ResponseWriter, *http.Request, error) {}
	flush := func(rw http.ResponseWriter, _ *http.Request, _ error) { _ = http.NewResponseController(rw).Flush() }
	for _, row := range []struct {
		name   string
		handle func(http.ResponseWriter, *http.Request, error)
		status int
	}{{"nothing", silent, 401}, {"a flush", flush, 200}} {
		handler := func(rw http.ResponseWriter, r *http.Request, err error) error { row.handle(rw, r, err); return nil }
		w := newWorld(t, func(c *guard.Config) { c.Error = row.handle })
		api := w.guard("", func(c *guard.Config) { c.Sessions, c.Error = nil, row.handle })
		w.mux.Handle("/handler", w.AuthenticateWith(guard.Options{Strategies: []string{"token"}, FailureHandler: handler})(w.hello()))
		w.mux.Handle("/api", api.Authenticate("token")(w.hello()))
		for _, path := range []string{"/me", "/handler", "/api"} {
			if a := w.open().Get(path); a.StatusCode != row.status {
				t.Errorf("%s, a page that writes %s: got %d, want %d", path, row.name, a.StatusCode, row.status)
			}
		}
		if row.status != 401 {
			continue
		}
		w.mux.Handle("/x", w.Restore(put(w)))
		w.store.failOn("Create")
		w.open().Get("/x").Want(t, 503, `"status":503`)
	}
}

// TestAnOutageIsReportedOnce, whoever answers it: a middleware, Guard.Error in a handler, or the session's
// Handler.
func TestAnOutageIsReportedOnce(t *testing.T) {
	w := newWorld(t, func(c *guard.Config) { c.LoginURL = "/login" })
	look := func(answer func(rw http.ResponseWriter, r *http.Request, err error)) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if _, err := session.FromContext(r.Context()); err != nil {
				answer(rw, r, fmt.Errorf("look: %w", err))
			}
		})
	}
	w.mux.Handle("/error", w.sessions.Handler(look(w.Error)))
	w.mux.Handle("/twice", w.sessions.Handler(look(func(rw http.ResponseWriter, r *http.Request, err error) {
		_, again := w.Check(r)
		w.Error(rw, r, again)
		w.Error(rw, r, err)
	})))
	w.mux.Handle("/plain", w.sessions.Handler(look(func(rw http.ResponseWriter, _ *http.Request, _ error) { rw.WriteHeader(503) })))
	b := w.loggedIn("joe@test.com")
	w.store.failOn("Get")
	for _, path := range []string{"/me", "/any", "/error", "/twice", "/plain"} {
		before := strings.Count(w.logged(), errOutage.Error())
		if a := b.Get(path); a.StatusCode != 503 {
			t.Errorf("%s: got %d, want 503", path, a.StatusCode)
		}
		if got := strings.Count(w.logged(), errOutage.Error()) - before; got != 1 {
			t.Errorf("%s: the outage is in %d lines, want 1: %s", path, got, w.logged())
		}
	}
}
