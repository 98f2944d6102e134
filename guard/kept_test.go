package guard_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
)

// TestAFailedCommitIsAnsweredByWhatCame: under http.TimeoutHandler the handler is still at work, on
// another goroutine, when the answer is written. The race detector tells of what that reads.
func TestAFailedCommitIsAnsweredByWhatCame(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(w *world, r *http.Request) error
	}{
		{"a value", func(w *world, r *http.Request) error {
			s, err := w.sessions.Session(r.Context())
			if err != nil {
				return err
			}
			return session.Key[int]("cart").Set(s, 3)
		}},
		{"a flash message", func(w *world, r *http.Request) error {
			s, err := w.sessions.Session(r.Context())
			if err != nil {
				return err
			}
			return s.Flash("error", "no")
		}},
		{"a log-in", func(w *world, r *http.Request) error { return w.LogInUser(r, joe) }},
		{"a log-out", func(w *world, r *http.Request) error { return w.LogOutUser(r) }},
		{"a new id", func(w *world, r *http.Request) error {
			s, err := w.sessions.Session(r.Context())
			if err != nil {
				return err
			}
			return s.Renew(r.Context())
		}},
		{"an end", func(w *world, r *http.Request) error {
			s, err := w.sessions.Session(r.Context())
			if err != nil {
				return err
			}
			return s.Destroy(r.Context())
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var asked string
			w := newWorld(t, func(c *guard.Config) {
				c.Error = func(_ http.ResponseWriter, r *http.Request, _ error) { // and Error answers
					asked = r.URL.RequestURI() + " " + r.Header.Get("Sec-Fetch-Mode")
				}
			})
			late := w.Restore(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				r.Header.Del("Accept") // before the session is changed
				if err := row.change(w, r); err != nil {
					t.Error(err)
				}
				w.store.fail(errOutage)
				for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(time.Second) {
					for _, name := range []string{"Accept", "Sec-Fetch-Mode", "Hx-Request"} {
						r.Header.Set(name, "application/json")
					}
					r.URL.Path, r.URL.RawQuery = "/elsewhere", ""
				}
			}))
			b := w.loggedIn("joe@test.com")
			r := b.Request(http.MethodPost, "/page?q=1", "")
			r.Header.Set("Accept", chrome)
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			rec := httptest.NewRecorder()
			w.sessions.Handler(http.TimeoutHandler(late, 1500*time.Millisecond, "late")).ServeHTTP(rec, r)
			if got := rec.Header().Get("Content-Type"); rec.Code != 503 || got != "text/html; charset=utf-8" || asked != "/page?q=1 navigate" {
				t.Errorf("%s: got %d as %q, and %q is what the guard's Error was asked about, want a page and what came", row.name, rec.Code, got, asked)
			}
			w.store.fail(nil)
			time.Sleep(2 * time.Minute) // until the handler is done
		})
	}
}

// TestAChangeReadsNoHeader: a session may be changed on one goroutine while the handler changes the
// request's header on another. The race detector tells of what a change reads.
func TestAChangeReadsNoHeader(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(r *http.Request) error{
		"a value": func(r *http.Request) error {
			s, err := w.sessions.Session(r.Context())
			if err != nil {
				return err
			}
			return session.Key[int]("visits").Set(s, 1)
		},
		"an end": func(r *http.Request) error {
			s, err := w.sessions.Session(r.Context())
			if err != nil {
				return err
			}
			return s.Destroy(r.Context())
		},
	} {
		h := w.sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			done := make(chan error)
			go func() { done <- change(r) }()
			for i := range 1000 {
				r.Header.Set("X-Trace", "7")
				if i%2 == 0 {
					r.Header.Del("X-Trace")
				}
			}
			if err := <-done; err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}))
		rec := httptest.NewRecorder()
		if h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/", nil)); rec.Code != 200 {
			t.Errorf("%s: got %d, want 200", name, rec.Code)
		}
	}
}
