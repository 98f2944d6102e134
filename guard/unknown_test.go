package guard_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestS17_ASessionThatAReplicaDoesNotKnowIsKept, whatever the browser sends within the replica's lag.
func TestS17_ASessionThatAReplicaDoesNotKnowIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRememberWorld(t)
		admins := twoRemember(t, w)
		w.mux.Handle("POST /admin/logout", admins.LogOut(w.hello()))
		sessions, err := session.New(session.Config{Store: unaware{w.store}, Codec: session.SecureCookie(secret), Logger: w.logger()})
		if err != nil {
			t.Fatal(err)
		}
		lagging := w.guard("", func(c *guard.Config) { c.Sessions, c.RememberMe = sessions, w.me })
		other, err := guard.New(guard.Config{Sessions: sessions, SessionKey: "admin", Logger: w.logger()}, w.table.stamped(), strategy.NewLocal(w.table.check))
		if err != nil {
			t.Fatal(err)
		}
		with := func(do func(context.Context, *session.Session) error, want error, next http.Handler) http.Handler {
			return sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				s, err := session.FromContext(r.Context())
				if err == nil {
					err = do(r.Context(), s)
				}
				if !errors.Is(err, want) {
					t.Errorf("%s: got %v, want %v", r.URL.Path, err, want)
				}
				next.ServeHTTP(rw, r)
			}))
		}
		set := func(_ context.Context, s *session.Session) error { return session.Key[int]("basket").Set(s, 3) }
		w.mux.Handle("GET /lag/me", lagging.RequireAuth(whoami(lagging)))
		w.mux.Handle("POST /lag/logout", lagging.LogOut(w.hello()))
		w.mux.Handle("POST /lag/again", sessions.Handler(w.byContext(func(ctx context.Context) error {
			_, err := lagging.LogInContext(ctx, joe, guard.LogInOptions{})
			return err
		})))
		w.mux.Handle("POST /lag/admin", with(set, nil, other.Authenticate("local")(other.LogIn(w.hello()))))
		w.mux.Handle("POST /lag/reload", with(func(ctx context.Context, s *session.Session) error { return s.Reload(ctx) }, nil, lagging.RequireAuth(whoami(lagging))))
		b := w.remembered("joe@test.com")
		pass(time.Hour)
		b.Get("/lag/me").Want(t, 200, "joe") // with its own log-in, not a recalled one
		b.Post("/lag/again").Want(t, 200, "")
		b.Post("/lag/reload").Want(t, 200, "joe")
		b.Post("/lag/admin", "email", "joe@test.com", "password", password).Want(t, 409, "") // with a value set as an anonymous visitor
		for _, data := range w.records() {
			if !strings.Contains(data, `"by":"local"`) || strings.Contains(data, `"at":`) || !strings.Contains(data, `"_go":{"b":946684800000`) {
				t.Errorf("got %s, want the log-in of an hour ago", data)
			}
		}
		b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(t, 200, "")
		b.Post("/lag/logout").Want(t, 200, "")
		b.Get("/me").Want(t, 401, "")
		b.Get("/admin/me").Want(t, 200, "jen")
	})
}
