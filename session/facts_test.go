package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

// visit runs f as a request of b to m.
func visit(t *testing.T, m *session.Manager, f func(ctx context.Context, s *session.Session)) http.Handler {
	t.Helper()
	return m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := m.Session(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		f(r.Context(), s)
	}))
}

func TestHasAndPop(t *testing.T) {
	s, _, seen := loadTwice(t)
	const theme session.Key[string] = "theme"
	if !theme.Has(s) || text.Has(s) {
		t.Errorf("Has: theme %t, want true; text %t, want false", theme.Has(s), text.Has(s))
	}
	if v, ok, err := theme.Pop(s); v != "light" || !ok || err != nil {
		t.Errorf("Pop() = %q, %t, %v", v, ok, err)
	}
	if v, ok, err := theme.Pop(s); v != "" || ok || err != nil || theme.Has(s) {
		t.Errorf("the second Pop() = %q, %t, %v; Has %t", v, ok, err, theme.Has(s))
	}
	if _, ok, err := session.Key[string]("n").Pop(s); ok || !errors.Is(err, session.ErrValueType) {
		t.Errorf("Pop of another type: got %t, %v; want ErrValueType", ok, err)
	}
	for _, name := range []session.Key[json.RawMessage]{"passport", "cookie", "save"} {
		if _, ok, err := name.Pop(s); ok || err == nil {
			t.Errorf("Pop of %s: got %t, %v", name, ok, err)
		}
	}
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := seen(), `"n":1`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestInfoOfTheCurrentSession: what a page needs to say when the visitor will be logged out.
func TestInfoOfTheCurrentSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newScripted(), short) // idle an hour, absolute five, refreshed after ten minutes
		b := open(t, m)
		info := func() (i session.Info) {
			t.Helper()
			visit(t, m, func(_ context.Context, s *session.Session) { i = s.Info() }).ServeHTTP(newRecorder(), b.Request("GET", "/", ""))
			return i
		}
		if got := info(); got.Ref != "" || !got.Expires.IsZero() {
			t.Errorf("without a record: got %+v", got)
		}
		start := time.Now()
		b.Get(path("login 1")).Want(t, 200, "")
		check := func(seen time.Time, expires time.Time) {
			t.Helper()
			got := info()
			if !got.Created.Equal(start) || !got.Seen.Equal(seen) || !got.Expires.Equal(expires) || !got.Deadline.Equal(start.Add(5*time.Hour)) {
				t.Errorf("after %v: got %+v; want seen %v, to expire %v", time.Since(start), got, seen, expires)
			}
			if !slices.Equal(got.Labels, []string{"passport:1"}) || len(got.Ref) != 16 {
				t.Errorf("got %+v", got)
			}
		}
		check(start, start.Add(time.Hour))
		time.Sleep(9 * time.Minute)
		check(start, start.Add(time.Hour)) // not refreshed yet
		time.Sleep(time.Minute)
		refreshed := time.Now()
		check(start, start.Add(time.Hour)) // as the request found it; its commit refreshes
		check(refreshed, refreshed.Add(time.Hour))
		for time.Since(start) < 4*time.Hour+30*time.Minute {
			b.Get(path()).Want(t, 200, "")
			time.Sleep(10 * time.Minute)
		}
		b.Get(path()).Want(t, 200, "")
		check(time.Now(), start.Add(5*time.Hour)) // the deadline is earlier
		b.Get(path("age 5m")).Want(t, 200, "")
		check(time.Now(), time.Now().Add(5*time.Minute)) // a lifetime of its own
	})
}

func TestInfoOfASessionThatOnlyNodeWrote(t *testing.T) {
	_, m, cookie := nodeSession(t, `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"passport":{"user":1}}`)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookie)
	visit(t, m, func(_ context.Context, s *session.Session) {
		if got := s.Info(); got.Ref != s.Ref() || !got.Expires.IsZero() || !got.Created.IsZero() {
			t.Errorf("got %+v, want no times", got)
		}
	}).ServeHTTP(newRecorder(), r)
}

func TestChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, newScripted(), short)
		b := open(t, m)
		b.Get(path("set text v")).Want(t, 200, "")
		for _, row := range []struct {
			ops  string
			want bool
		}{
			{"", false},
			{"set text v", false}, // it is there already
			{"del none", false},
			{"set text w", true},
			{"set text w; save", true},
			{"save", false},
			{"inc", true},
			{"renew", true},
			{"renew; save", true},
			{"flash x; reload", false},
			{"slot", false},
		} {
			time.Sleep(15 * time.Minute) // each of them refreshes
			visit(t, m, func(ctx context.Context, s *session.Session) {
				for line := range strings.SplitSeq(row.ops, "; ") {
					if line != "" && line != "slot" {
						if err := do(ctx, m, line); err != nil {
							t.Errorf("%s: %v", line, err)
						}
					}
				}
				if got := s.Changed(); got != row.want {
					t.Errorf("%q: Changed() = %t, want %t", row.ops, got, row.want)
				}
			}).ServeHTTP(newRecorder(), b.Request("GET", "/", ""))
			b = open(t, m)
			b.Get(path("set text v")).Want(t, 200, "")
		}
		visit(t, m, func(_ context.Context, s *session.Session) {
			if err := errors.Join(text.Set(s, "v"), text.Delete(s)); err != nil || s.Changed() {
				t.Errorf("a visitor without a session, who stored nothing in the end: Changed() = %t, %v", s.Changed(), err)
			}
		}).ServeHTTP(newRecorder(), open(t, m).Request("GET", "/", ""))
	})
}

// TestARequestThatDoesNotCountAsUse of the session does not keep it alive, except by its changes.
func TestARequestThatDoesNotCountAsUse(t *testing.T) {
	for _, row := range []struct {
		name  string
		route func(m *session.Manager, app http.Handler) http.Handler
		ops   []string
		lives bool
	}{
		{"a page", func(_ *session.Manager, app http.Handler) http.Handler { return app }, nil, true},
		{"a poll", func(m *session.Manager, app http.Handler) http.Handler { return m.NoRefresh(app) }, nil, false},
		{"a poll inside a Handler", func(m *session.Manager, app http.Handler) http.Handler { return m.Handler(m.NoRefresh(app)) }, nil, false},
		{"a poll that saves", func(m *session.Manager, app http.Handler) http.Handler { return m.NoRefresh(app) }, []string{"save"}, false},
		{"a poll that counts", func(m *session.Manager, app http.Handler) http.Handler { return m.NoRefresh(app) }, []string{"inc"}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newScripted()
				m := newManager(t, st, short)
				b := open(t, m)
				b.Get(path("login 1")).Want(t, 200, "")
				poll := row.route(m, app(m))
				var end time.Time
				for range 12 {
					time.Sleep(15 * time.Minute)
					st.ops()
					poll.ServeHTTP(newRecorder(), b.Request("GET", path(row.ops...), ""))
					if got := strings.Join(st.ops(), " "); strings.Contains(got, "Update") != row.lives {
						t.Fatalf("asked %s, want an Update: %t", got, row.lives)
					}
					visit(t, m, func(_ context.Context, s *session.Session) {
						s.NoRefresh()
						end = s.Info().Expires
					}).ServeHTTP(newRecorder(), b.Request("GET", "/", ""))
				}
				if lives := end.After(time.Now()); lives != row.lives {
					t.Errorf("after three hours the session ends %v from now, want it to live: %t", time.Until(end), row.lives)
				}
			})
		})
	}
}

// TestPollsOfASessionThatNodeMade: the first one records when the session began, so that it ends, and its
// label, so that it is found. The others write nothing.
func TestPollsOfASessionThatNodeMade(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	st.put(st.ids()[0], `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"passport":{"user":1}}`)
	poll := m.NoRefresh(app(m))
	for i, want := range []string{"Get Update AddLabel", "Get", "Get"} {
		st.ops()
		poll.ServeHTTP(newRecorder(), b.Request("GET", "/", ""))
		if got := strings.Join(st.ops(), " "); got != want {
			t.Errorf("poll %d asked %s, want %s", i+1, got, want)
		}
	}
}

func TestNoRefreshAsksTheStoreNothing(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	st.ops()
	m.NoRefresh(http.NotFoundHandler()).ServeHTTP(newRecorder(), b.Request("GET", "/", ""))
	if got := st.ops(); len(got) != 0 {
		t.Errorf("asked %v", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("NoRefresh(nil) did not panic")
		}
	}()
	m.NoRefresh(nil)
}
