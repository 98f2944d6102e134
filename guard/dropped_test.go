package guard_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestALogInThatWasDroppedIsNoSuccess: the event says what the commit did, not only that it had no error.
func TestALogInThatWasDroppedIsNoSuccess(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		path string
		then func(ctx context.Context, s *session.Session) error
		want guard.Outcome
	}{
		{"/kept", func(context.Context, *session.Session) error { return nil }, guard.OutcomeSuccess},
		{"/saved", func(ctx context.Context, s *session.Session) error {
			if err := s.Save(ctx); err != nil {
				return err
			}
			return s.Reload(ctx)
		}, guard.OutcomeSuccess},
		{"/dropped", func(ctx context.Context, s *session.Session) error { return s.Reload(ctx) }, guard.OutcomeError},
		{"/regenerated", func(ctx context.Context, s *session.Session) error { return s.Regenerate(ctx) }, guard.OutcomeError},
		{"/renewed", func(ctx context.Context, s *session.Session) error { return s.Renew(ctx) }, guard.OutcomeSuccess},
	} {
		w.mux.Handle("POST "+row.path, w.Restore(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if err := w.LogInUser(r, &User{ID: 1, Email: "joe@test.com", Pass: password}); err != nil {
				t.Error(err)
			}
			s, err := w.sessions.Session(r.Context())
			if err == nil {
				err = row.then(r.Context(), s)
			}
			if err != nil {
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

// TestALogInByCredentialsThatAreTooOldIsRefused: a token's auth_time may be longer ago than the absolute
// limit.
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
