package guard_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
)

// TestWhoAnswersAFailedCommitGetsTheWholeRequest, including its id and its languages.
func TestWhoAnswersAFailedCommitGetsTheWholeRequest(t *testing.T) {
	var asked string
	w := newWorld(t, func(c *guard.Config) {
		c.Error = func(_ http.ResponseWriter, r *http.Request, _ error) { // and Guard.Error answers
			asked = r.URL.RequestURI() + " " + r.Header.Get("X-Request-Id") + " " + r.Header.Get("Accept-Language")
		}
	})
	h := w.sessions.Handler(w.Restore(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := w.LogOutUser(r); err != nil {
			t.Error(err)
		}
		w.store.fail(errOutage)
	})))
	r := w.loggedIn("joe@test.com").Request(http.MethodPost, "/page?q=1", "")
	r.Header.Set("X-Request-Id", "7")
	r.Header.Set("Accept-Language", "de")
	rec := httptest.NewRecorder()
	if h.ServeHTTP(rec, r); rec.Code != 503 || asked != "/page?q=1 7 de" {
		t.Errorf("got %d, and the guard's Error got %q, want 503 and the request", rec.Code, asked)
	}
}

// TestAChangeReadsNoHeader: a session may be changed on one goroutine while the handler changes the
// request's header on another. The race detector reports what a change reads.
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
