package guard_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestALogInThatWasDroppedIsNoSuccess: events say what the commit did, not that it had no
// error.
func TestALogInThatWasDroppedIsNoSuccess(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		path string
		then func(*http.Request) error
		want guard.Outcome
	}{
		{"/kept", func(*http.Request) error { return nil }, guard.OutcomeSuccess},
		{"/saved", func(r *http.Request) error {
			s, err := w.sessions.Session(r.Context())
			if err != nil {
				return err
			}
			if err := s.Save(r.Context()); err != nil {
				return err
			}
			return s.Reload(r.Context())
		}, guard.OutcomeSuccess},
		{"/dropped", func(r *http.Request) error {
			s, err := w.sessions.Session(r.Context())
			if err != nil {
				return err
			}
			return s.Reload(r.Context())
		}, guard.OutcomeError},
		{"/regenerated", func(r *http.Request) error {
			s, err := w.sessions.Session(r.Context())
			if err != nil {
				return err
			}
			return s.Regenerate(r.Context())
		}, guard.OutcomeError},
		{"/renewed", func(r *http.Request) error {
			s, err := w.sessions.Session(r.Context())
			if err != nil {
				return err
			}
			return s.Renew(r.Context())
		}, guard.OutcomeSuccess},
	} {
		w.mux.Handle("POST "+row.path, w.Restore(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if err := w.LogInUser(r, &User{ID: 1, Email: "joe@test.com", Pass: password}); err != nil {
				t.Error(err)
			}
			if err := row.then(r); err != nil {
				t.Error(err)
			}
		})))
		b := w.open()
		b.Post(row.path).Want(t, 200, "")
		found := false
		for _, e := range w.events {
			if e.Name == guard.EventSessionCreated {
				found = true
				if e.Outcome != row.want {
					t.Errorf("%s: the event says %s, want %s", row.path, e.Outcome, row.want)
				}
			}
		}
		if !found {
			t.Errorf("%s: no event", row.path)
		}
		w.saw()
		if in := b.Get("/me").StatusCode == 200; in != (row.want == guard.OutcomeSuccess) {
			t.Errorf("%s: logged in: %v", row.path, in)
		}
	}
}

// TestALogInByCredentialsThatAreTooOldIsRefused: a token's auth_time may lie before the
// absolute limit.
func TestALogInByCredentialsThatAreTooOldIsRefused(t *testing.T) {
	w := newWorld(t)
	w.token.user, w.token.err = &User{ID: 1, Email: "joe@test.com", Pass: password}, nil
	w.token.info = &strategy.Info{At: time.Now().Add(-30 * 24 * time.Hour)}
	w.mux.Handle("POST /old", w.Authenticate("token")(w.LogIn(w.hello())))
	b := w.open()
	b.Post("/old").Want(t, 401, "")
	logIn(b, "jen@test.com").Want(t, 200, "")
	b.Post("/old").Want(t, 401, "")
	w.token.info.At = time.Now().Add(-29 * 24 * time.Hour)
	b.Post("/old").Want(t, 200, "")
}
