package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// TestAnErrorOfTheCallersContextIsTheCallers: the request can continue with another context.
func TestAnErrorOfTheCallersContextIsTheCallers(t *testing.T) {
	for _, row := range []struct {
		name string
		ends func(context.Context) (context.Context, context.CancelFunc)
	}{
		{"a time limit", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 10*time.Millisecond)
		}},
		{"cancelled before", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		}},
		{"cancelled in flight", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Millisecond, cancel)
			return ctx, cancel
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newScripted()
				m := newManager(t, st)
				b := open(t, m)
				b.Get(path("set a 1")).Want(t, 200, "")
				slow := true
				st.before = func(ctx context.Context, _ call) sessiontest.Fate {
					if slow {
						<-ctx.Done()
					}
					return sessiontest.Pass
				}
				h := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					ctx, cancel := row.ends(r.Context())
					defer cancel()
					if _, err := session.FromContext(ctx); err == nil {
						t.Error("the caller's context had ended, and there was no error")
					}
					slow = false
					s, err := session.FromContext(r.Context())
					if err != nil {
						t.Fatalf("with the request's own context: %v", err)
					}
					if v, _, err := session.Key[string]("a").Get(s); v != "1" || err != nil {
						t.Errorf("got %q and error %v, want the session's value", v, err)
					}
				}))
				r := httptest.NewRequest("GET", "/", nil)
				r.AddCookie(&http.Cookie{Name: cookieName, Value: b.Cookie(cookieName)})
				w := newRecorder()
				h.ServeHTTP(w, r)
				if w.Code != 200 {
					t.Errorf("got %d, want 200", w.Code)
				}
			})
		})
	}
}

// TestAnOutageIsNoneOfTheCallers: in an outage a request waits for one StoreTimeout, not for many.
func TestAnOutageIsNoneOfTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newScripted()
		m := newManager(t, st)
		b := open(t, m)
		b.Get(path("set a 1")).Want(t, 200, "")
		st.before = func(ctx context.Context, _ call) sessiontest.Fate { <-ctx.Done(); return sessiontest.Pass }
		begin := time.Now()
		h := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			for range 3 {
				if _, err := session.FromContext(r.Context()); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v, want the store's time limit", err)
				}
			}
		}))
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: cookieName, Value: b.Cookie(cookieName)})
		h.ServeHTTP(newRecorder(), r)
		if took := time.Since(begin); took != m.StoreTimeout() {
			t.Errorf("it took %v, want one StoreTimeout, %v", took, m.StoreTimeout())
		}
	})
}
