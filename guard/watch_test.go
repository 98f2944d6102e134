package guard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/guard/guardtest"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// live is a handler's context of Watch, while it runs.
type live struct {
	ctx   context.Context
	err   error
	done  chan struct{}
	leave func() // makes the client leave, and the handler return
}

// cause returns why the stream has ended, "" if it has not.
func (l *live) cause() string {
	if l.ctx == nil || l.ctx.Err() == nil {
		return ""
	}
	if ended, ok := errors.AsType[*guard.LogInEnded](context.Cause(l.ctx)); ok {
		return ended.Reason
	}
	return context.Cause(l.ctx).Error()
}

// watch makes b open a stream at path, in w's process, until the end of the test.
func (w *world) watch(b *browser.Browser, path string) *live {
	w.t.Helper()
	l := &live{done: make(chan struct{})}
	here, ctx := make(chan *live, 1), context.WithValue(w.t.Context(), liveKey{}, l)
	ctx, leave := context.WithCancel(ctx)
	go func() {
		defer close(l.done)
		defer leave()
		b.Do(b.Request("GET", path, "").WithContext(context.WithValue(ctx, hereKey{}, here)))
	}()
	<-here
	l.leave = func() { leave(); <-l.done }
	w.t.Cleanup(l.leave)
	return l
}

type (
	liveKey struct{}
	hereKey struct{}
)

// events is a stream that continues until the context of Watch ends.
func events(watch func(context.Context) (context.Context, error)) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		l := r.Context().Value(liveKey{}).(*live)
		l.ctx, l.err = watch(r.Context())
		if l.err == nil {
			_ = http.NewResponseController(rw).Flush()
		}
		r.Context().Value(hereKey{}).(chan *live) <- l
		if l.err == nil {
			<-l.ctx.Done()
		}
	})
}

// processes returns two processes of one program, with the same store and users table.
func processes(t testing.TB) (here, there *world) {
	users, records, times := newTable(), newStore(t), session.Config{IdleTimeout: time.Hour, AbsoluteTimeout: 3 * time.Hour}
	users.set(User{ID: 3, Email: "pia@test.com", Pass: password})
	here, there = newProcess(t, users, records, times), newProcess(t, users, records, times)
	for _, w := range []*world{here, there} {
		admins := w.guard("admin")
		w.mux.Handle("/stream", w.RequireAuth(events(w.Watch)))
		w.mux.Handle("/game", w.RequireAuth(events(w.WatchAsUse)))
		w.mux.Handle("/admin/stream", admins.RequireAuth(events(admins.Watch)))
		w.mux.Handle("/renew", w.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s, err := session.FromContext(r.Context())
			if err == nil {
				err = s.Renew(r.Context())
			}
			if err != nil {
				t.Error(err)
			}
		})))
		w.mux.Handle("POST /admin/login", admins.Authenticate("local")(admins.LogIn(w.hello())))
		w.mux.Handle("POST /admin/logout", admins.LogOut(w.hello()))
		w.mux.Handle("/ref", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if s, err := session.FromContext(r.Context()); err == nil {
				fmt.Fprint(rw, s.Ref())
			}
		})))
		w.mux.Handle("POST /again", w.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			changed := User{ID: 1, Email: "joe@test.com", Pass: "another"}
			w.table.set(changed)
			if err := w.LogInUser(r, &changed); err != nil {
				t.Error(err)
			}
		})))
	}
	return here, there
}

// forget removes every record as Node does, without a notice, except those that contain spare.
func (s *switchable) forget(t testing.TB, spare string) {
	t.Helper()
	for r, err := range s.All(t.Context()) {
		if err == nil && !strings.Contains(string(r.Data), spare) {
			err = s.MemoryStore.Update(t.Context(), r.ID, r.Data, r.Data, time.Millisecond)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// in returns b's browser as a visitor of another process.
func (w *world) in(b *browser.Browser) *browser.Browser {
	other := w.open()
	other.SetCookie(sid, b.Cookie(sid))
	return other
}

// TestWhatIsWatchedEndsWithItsLogIn: each kind of end, by the same process and by another, and the longest
// time until the streams in both end. A browser has a stream in each process.
func TestWhatIsWatchedEndsWithItsLogIn(t *testing.T) {
	const soon, round = 0, 30*time.Second + 250*time.Millisecond
	for _, row := range []struct {
		name   string
		within time.Duration
		want   string
		end    func(w *world, b *browser.Browser)
	}{
		{"a log-out", soon, guard.ReasonLogOut, func(w *world, b *browser.Browser) { b.Post("/logout").Want(w.t, 200, "") }},
		{"a log-out everywhere", soon, guard.ReasonRevoked, func(w *world, _ *browser.Browser) {
			if n, err := w.LogOutEverywhere(w.t.Context(), joe); n != 1 || err != nil {
				w.t.Errorf("got %d, %v, want 1", n, err)
			}
		}},
		{"the end of a device", soon, guard.ReasonRevoked, func(w *world, _ *browser.Browser) {
			list, err := w.Sessions(w.t.Context(), joe)
			if err != nil || len(list) != 1 {
				w.t.Fatalf("got %v, %v, want one", list, err)
			}
			if ok, err := w.EndSession(w.t.Context(), joe, list[0].Ref); !ok || err != nil {
				w.t.Errorf("got %t, %v, want true", ok, err)
			}
		}},
		{"another log-in in this browser", soon, guard.ReasonReplaced, func(w *world, b *browser.Browser) { logIn(b, "joe@test.com").Want(w.t, 200, "joe") }},
		{"another user in this browser", soon, guard.ReasonReplaced, func(w *world, b *browser.Browser) { logIn(b, "jen@test.com").Want(w.t, 200, "jen") }},
		{"a renewal, and a log-out of where it led", soon, guard.ReasonLogOut, func(w *world, b *browser.Browser) {
			b.Get("/renew").Want(w.t, 200, "")
			b.Get("/renew").Want(w.t, 200, "")
			synctest.Wait()
			b.Post("/logout").Want(w.t, 200, "")
		}},
		{"a renewal, and a log-out that presents the old id", soon, guard.ReasonLogOut, func(w *world, b *browser.Browser) {
			old := b.Twin()
			b.Get("/renew").Want(w.t, 200, "")
			synctest.Wait()
			old.Post("/logout").Want(w.t, 200, "")
		}},
		{"a log-out beside another guard's log-in", soon, guard.ReasonLogOut, func(w *world, b *browser.Browser) {
			b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(w.t, 200, "")
			b.Post("/logout").Want(w.t, 200, "")
		}},
		{"a log-out beside another guard's log-in, that presents the old id", soon, guard.ReasonLogOut, func(w *world, b *browser.Browser) {
			b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(w.t, 200, "")
			old := b.Twin()
			b.Get("/renew").Want(w.t, 200, "")
			synctest.Wait()
			old.Post("/logout").Want(w.t, 200, "")
		}},
		{"a request that finds a new stamp", soon, guard.ReasonStamp, func(w *world, b *browser.Browser) {
			w.table.set(User{ID: 1, Email: "joe@test.com", Pass: "another"})
			b.Get("/me").Want(w.t, 401, "")
		}},
		{"a new stamp that no request finds", round, guard.ReasonStamp, func(w *world, _ *browser.Browser) {
			w.table.set(User{ID: 1, Email: "joe@test.com", Pass: "another"})
		}},
		{"the user is gone", round, guard.ReasonUserGone, func(w *world, _ *browser.Browser) { w.table.remove(1) }},
		{"the idle timeout", time.Hour + time.Second, guard.ReasonIdle, func(*world, *browser.Browser) {}},
		{"the absolute timeout", 20 * time.Minute, guard.ReasonAbsolute, func(w *world, b *browser.Browser) {
			for range 4 {
				pass(40 * time.Minute)
				b.Get("/me").Want(w.t, 200, "joe")
			}
		}},
		{"Node's log-out", round, guard.ReasonGone, func(w *world, _ *browser.Browser) { w.store.forget(w.t, `"user":3`) }},
		{"Node's log-in of another user", round, guard.ReasonReplaced, func(w *world, _ *browser.Browser) {
			w.store.rewrite(w.t, func(r string) string { return strings.Replace(r, `"user":1`, `"user":2`, 1) })
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				here, there := processes(t)
				b := here.loggedIn("joe@test.com")
				streams := []*live{here.watch(b, "/stream"), there.watch(there.in(b), "/stream"), here.watch(b, "/stream")}
				other := here.watch(here.loggedIn("pia@test.com"), "/stream")
				synctest.Wait()
				for _, l := range streams {
					if l.err != nil || l.cause() != "" {
						t.Fatalf("at the beginning: got %q, %v, want a stream", l.cause(), l.err)
					}
				}
				row.end(here, b)
				pass(row.within)
				synctest.Wait()
				for i, l := range streams {
					if got := l.cause(); got != row.want {
						t.Errorf("stream %d: got cause %q, want %q", i+1, got, row.want)
					}
					if !errors.Is(context.Cause(l.ctx), strategy.ErrUnauthenticated) {
						t.Errorf("stream %d: got %v, want strategy.ErrUnauthenticated", i+1, context.Cause(l.ctx))
					}
				}
				if got := other.cause(); got != "" && row.within <= round {
					t.Errorf("another user's stream: got cause %q, want it to go on", got)
				}
			})
		})
	}
}

// TestWhatIsWatchedGoesOn through everything that does not end the log-in.
func TestWhatIsWatchedGoesOn(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(w *world, b *browser.Browser)
	}{
		{"renewals", func(w *world, b *browser.Browser) {
			for range 20 {
				b.Get("/renew").Want(w.t, 200, "")
			}
		}},
		{"refreshes, past the first deadline", func(w *world, b *browser.Browser) {
			for range 4 {
				pass(40 * time.Minute)
				b.Get("/me").Want(w.t, 200, "joe")
			}
		}},
		{"another guard's log-in and log-out", func(w *world, b *browser.Browser) {
			b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(w.t, 200, "")
			b.Post("/admin/logout").Want(w.t, 200, "")
		}},
		{"the log-out of the same user elsewhere", func(w *world, _ *browser.Browser) {
			elsewhere := w.open()
			logIn(elsewhere, "joe@test.com").Want(w.t, 200, "joe")
			elsewhere.Post("/logout").Want(w.t, 200, "")
		}},
		{"a log-out everywhere but here", func(w *world, b *browser.Browser) {
			logIn(w.open(), "joe@test.com").Want(w.t, 200, "joe")
			if n, err := w.LogOutEverywhere(w.t.Context(), joe, b.Get("/ref").Text); n != 1 || err != nil {
				w.t.Errorf("got %d, %v, want 1", n, err)
			}
		}},
		{"a new password on this device", func(w *world, b *browser.Browser) {
			b.Post("/again").Want(w.t, 200, "")
		}},
		{"an outage of the store over all deadlines but the absolute", func(w *world, b *browser.Browser) {
			pass(50 * time.Minute)
			b.Get("/me").Want(w.t, 200, "joe")
			w.store.fail(errOutage)
			pass(50 * time.Minute)
			w.store.fail(nil)
		}},
		{"an outage of the users' table", func(w *world, _ *browser.Browser) {
			w.table.fail(errOutage)
			pass(30 * time.Minute)
			w.table.fail(nil)
		}},
		{"notices of what did not happen", func(w *world, _ *browser.Browser) {
			w.store.mu.Lock()
			ids := slices.Clone(w.store.ids)
			w.store.mu.Unlock()
			for _, id := range ids {
				for _, notice := range []string{session.EndNotice(id, nil, ""), session.EndNotice(id, []byte("x"), "next"), session.EndManyNotice(id), "", "x", id} {
					w.store.tell(notice)
				}
			}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				here, there := processes(t)
				b := here.loggedIn("joe@test.com")
				streams := []*live{here.watch(b, "/stream"), there.watch(there.in(b), "/stream")}
				synctest.Wait()
				row.do(here, b)
				pass(45 * time.Second)
				b.Get("/me").Want(t, 200, "joe")
				synctest.Wait()
				for i, l := range streams {
					if l.err != nil || l.cause() != "" {
						t.Errorf("stream %d: got %q, %v, want it to go on", i+1, l.cause(), l.err)
					}
				}
				b.Post("/logout").Want(t, 200, "")
				synctest.Wait()
				for i, l := range streams {
					if got := l.cause(); got != guard.ReasonLogOut {
						t.Errorf("stream %d, after a final log-out: got cause %q", i+1, got)
					}
				}
			})
		})
	}
}

// TestWhatAWatchCosts: one read of the store when it begins, and one in each round for all of them.
func TestWhatAWatchCosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, _ := processes(t)
		b := here.loggedIn("joe@test.com")
		here.watch(b, "/stream")
		synctest.Wait()
		here.store.asked()
		for range 10 {
			here.watch(b, "/stream")
			synctest.Wait()
		}
		if got := strings.Count(here.store.asked(), "GetMany"); got != 10 {
			t.Errorf("10 streams that began: got %d reads by Watch, want 10", got)
		}
		lookUps := func() int {
			here.table.mu.Lock()
			defer here.table.mu.Unlock()
			return here.table.found
		}
		before := lookUps()
		pass(30*time.Second + time.Millisecond)
		synctest.Wait()
		if got := here.store.asked(); got != "[GetMany]" {
			t.Errorf("a round of the clock: got %s, want one read", got)
		}
		if got := lookUps() - before; got != 1 {
			t.Errorf("a round of the clock: got %d look-ups of the user, want 1", got)
		}
	})
}

// TestWatchSaysWhatIsMissing if there is no log-in that could end.
func TestWatchSaysWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	stateless, err := guard.New[*User](guard.Config{Logger: w.logger()}, nil, w.token)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name    string
		g       *guard.Guard[*User]
		around  func(http.Handler) http.Handler
		matches error
		text    string
	}{
		{"a stateless guard", stateless, stateless.Authenticate(), nil, "set Config.Sessions"},
		{"no middleware", w.Guard, func(h http.Handler) http.Handler { return h }, session.ErrNoHandler, "watch"},
		{"nobody is logged in", w.Guard, w.Restore, strategy.ErrUnauthenticated, "session"},
		{"a token", w.Guard, w.Authenticate("token"), nil, "LogInUser"},
	} {
		w.token.user, w.token.err = joe, nil
		got := errors.New("the handler did not run")
		browser.New(t, row.around(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, got = row.g.Watch(r.Context()) }))).Get("/")
		if got == nil || !strings.Contains(got.Error(), row.text) || row.matches != nil && !errors.Is(got, row.matches) {
			t.Errorf("%s: got %v, want %v with %q", row.name, got, row.matches, row.text)
		}
	}
}

// TestWatchOfALogInThatIsNotStoredYet begins when the response starts.
func TestWatchOfALogInThatIsNotStoredYet(t *testing.T) {
	for _, row := range []struct {
		name, want string
		down       error
	}{{"it is stored", guard.ReasonLogOut, nil}, {"an outage", errOutage.Error(), errOutage}} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, _ := processes(t)
				w.mux.Handle("/in", w.Restore(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					if err := w.LogInUser(r, joe); err != nil {
						t.Error(err)
					}
					events(w.Watch).ServeHTTP(rw, r)
				})))
				b := w.open()
				w.store.fail(row.down)
				l := w.watch(b, "/in")
				w.store.fail(nil)
				synctest.Wait()
				if row.down == nil {
					if l.err != nil || l.cause() != "" {
						t.Fatalf("got %q, %v, want a stream", l.cause(), l.err)
					}
					if _, err := w.LogOutEverywhere(t.Context(), joe); err != nil {
						t.Error(err)
					}
					row.want = guard.ReasonRevoked
					synctest.Wait()
				}
				if got := l.cause(); !strings.Contains(got, row.want) {
					t.Errorf("got %q, want %q", got, row.want)
				}
			})
		})
	}
}

// TestAHandlerThatWatchesIsTestedWithoutASession by guardtest.WithUser.
func TestAHandlerThatWatchesIsTestedWithoutASession(t *testing.T) {
	w := newWorld(t)
	var err error
	h := w.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, err = w.Watch(r.Context()) }))
	r := guardtest.WithUser(httptest.NewRequest("GET", "/", nil), w.Guard, joe)
	if h.ServeHTTP(httptest.NewRecorder(), r); err != nil {
		t.Errorf("got %v, want none", err)
	}
}
