package guard_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
)

// TestASessionThatCannotBeFollowedKeepsNobodyWaiting, and its own stream continues, since the result is
// unknown.
func TestASessionThatCannotBeFollowedKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := processes(t)
		var streams []*live
		for range 5 {
			streams = append(streams, w.watch(w.loggedIn("joe@test.com"), "/stream"))
		}
		synctest.Wait()
		w.store.mu.Lock()
		w.store.stuck = w.store.ids[2]
		w.store.mu.Unlock()
		w.store.forget(t, "nobody's")
		pass(40 * time.Second)
		synctest.Wait()
		for i, l := range streams {
			want := guard.ReasonGone
			if i == 2 {
				want = ""
			}
			if got := l.cause(); got != want {
				t.Errorf("stream %d: got %q, want %q", i, got, want)
			}
		}
	})
}

// TestAMalformedRecordEndsItsStreams, as it makes the next request anonymous.
func TestAMalformedRecordEndsItsStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := processes(t)
		b := w.loggedIn("joe@test.com")
		l := w.watch(b, "/stream")
		synctest.Wait()
		w.store.rewrite(t, func(string) string { return "{" })
		pass(31 * time.Second)
		synctest.Wait()
		b.Get("/me").Want(t, 401, "")
		if got := l.cause(); got != guard.ReasonGone {
			t.Errorf("got %q, want %q", got, guard.ReasonGone)
		}
	})
}

// TestAStoreThatDoesNotTellIsSaidOnceAMinute: that is logged, and streams end by the clock's looks.
func TestAStoreThatDoesNotTellIsSaidOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := processes(t)
		w.store.mu.Lock()
		w.store.mute = true
		w.store.mu.Unlock()
		b := w.loggedIn("joe@test.com")
		l := w.watch(b, "/stream")
		pass(90 * time.Second)
		if got := strings.Count(w.logged(), "logged once a minute"); got != 2 {
			t.Errorf("in a minute and a half: got %d lines, want 2", got)
		}
		w.store.forget(t, "nobody's")
		pass(31 * time.Second)
		synctest.Wait()
		if got := l.cause(); got != guard.ReasonGone {
			t.Errorf("got %q, want %q", got, guard.ReasonGone)
		}
	})
}

// TestALookThatMeetsAnOutageIsRepeated soon, without waiting for the clock.
func TestALookThatMeetsAnOutageIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := processes(t)
		b := w.loggedIn("joe@test.com")
		l := w.watch(b, "/stream")
		synctest.Wait()
		w.store.failOn("GetMany")
		b.Post("/logout").Want(t, 200, "")
		pass(5 * time.Second)
		if got := l.cause(); got != "" {
			t.Errorf("in an outage: got %q, want it to go on", got)
		}
		w.store.failOn("")
		pass(time.Second)
		synctest.Wait()
		if got := l.cause(); got != guard.ReasonLogOut {
			t.Errorf("a second later: got %q, want %q", got, guard.ReasonLogOut)
		}
	})
}

// TestALookThatIsOvertakenByTheEndSaysWhy: the notice comes during the look.
func TestALookThatIsOvertakenByTheEndSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, _ := processes(t)
		b := here.loggedIn("joe@test.com")
		looks, release := here.store.holdFirst("GetMany")
		l := here.watch(b, "/stream")
		<-looks // the first look of the stream
		b.Post("/logout").Want(t, 200, "")
		release()
		synctest.Wait()
		if got := l.cause(); got != guard.ReasonLogOut {
			t.Errorf("got %q, want %q", got, guard.ReasonLogOut)
		}
	})
}

// TestALookBeforeTheNoticeSaysWhy: the clock's look in another process comes between the end and its
// notice.
func TestALookBeforeTheNoticeSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := processes(t)
		here.store.deliver = func(tell func()) { time.AfterFunc(100*time.Millisecond, tell) }
		b := here.loggedIn("joe@test.com")
		l := there.watch(there.in(b), "/stream")
		synctest.Wait()
		pass(30*time.Second - 10*time.Millisecond)
		b.Post("/logout").Want(t, 200, "")
		pass(time.Second)
		synctest.Wait()
		if got := l.cause(); got != guard.ReasonLogOut {
			t.Errorf("got %q, want %q", got, guard.ReasonLogOut)
		}
	})
}

// TestAStorePanicsWhileItIsLookedAt: that counts as an outage and is logged; the program does not end.
func TestAStorePanicsWhileItIsLookedAt(t *testing.T) {
	for _, method := range []string{"GetMany", "End", "Listen", "Update"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				here, there := processes(t)
				broken := func(panics bool) {
					here.store.mu.Lock()
					defer here.store.mu.Unlock()
					here.store.hold = func(c string) {
						if panics && c == method {
							panic("made up")
						}
					}
				}
				here.store.mute = method == "Listen"
				b := here.loggedIn("joe@test.com")
				other := there.in(b)
				l := here.watch(b, "/game")
				synctest.Wait()
				if method == "End" { // with which a look asks for the successor
					here.store.deliver = func(func()) {}
					other.Get("/renew").Want(t, 200, "")
				}
				broken(true)
				pass(10 * time.Minute)
				synctest.Wait()
				if got := l.cause(); got != "" {
					t.Errorf("while the store panics: got %q, want the stream to continue", got)
				}
				if got := here.logged(); !strings.Contains(got, "the store panicked: made up") || !strings.Contains(got, "harness_test.go") {
					t.Errorf("the log does not say what panicked and where: %s", got)
				}
				broken(false)
				pass(31 * time.Second)
				other.Post("/logout").Want(t, 200, "")
				pass(31 * time.Second)
				synctest.Wait()
				if got := l.cause(); got == "" {
					t.Error("after a log-out: it goes on")
				}
			})
		})
	}
}

// TestWatchOfALogInThatIsNeverStored ends like any other: the log-in was logged out in the request that
// made it.
func TestWatchOfALogInThatIsNeverStored(t *testing.T) {
	w := newWorld(t)
	var cause error
	w.mux.Handle("/in", w.Restore(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		err := w.LogInUser(r, joe)
		ctx, failed := w.Watch(r.Context())
		if err = errors.Join(err, failed, w.LogOutUser(r), http.NewResponseController(rw).Flush()); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done() // by the commit, before the first byte
		cause = context.Cause(ctx)
	})))
	w.open().Get("/in").Want(t, 200, "")
	if ended, ok := errors.AsType[*guard.LogInEnded](cause); !ok || ended.Reason != guard.ReasonGone {
		t.Errorf("got the cause %v, want %s", cause, guard.ReasonGone)
	}
}

// holdFirst holds the next call of that name until release is called.
func (s *switchable) holdFirst(call string) (reached <-chan bool, release func()) {
	here, on := make(chan bool, 1), make(chan bool)
	var taken atomic.Bool
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = func(c string) {
		if c == call && taken.CompareAndSwap(false, true) {
			here <- true
			<-on
		}
	}
	return here, func() { close(on) }
}

// loseAnswers executes the next n calls of Update, and returns an error for each.
func (s *switchable) loseAnswers(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = n
}

// TestALogOutWhoseAnswerIsLostIsTold: another guard's user stays, so no record ends. The store executes the
// command that takes the log-in out of the record, and its answers are lost: one of them, which the log-out
// finds out, or all, which leaves the outcome unknown.
func TestALogOutWhoseAnswerIsLostIsTold(t *testing.T) {
	for _, row := range []struct {
		name   string
		lost   int
		status int
	}{{"one answer", 1, 200}, {"all answers", 9, 503}} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				here, there := processes(t)
				b := here.loggedIn("joe@test.com")
				b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(t, 200, "")
				old := b.Twin()
				b.Get("/renew").Want(t, 200, "")
				l := there.watch(there.in(b), "/stream")
				synctest.Wait()
				here.store.loseAnswers(row.lost)
				old.Post("/logout").Want(t, row.status, "")
				synctest.Wait()
				if got := l.cause(); got != guard.ReasonLogOut {
					t.Errorf("got %q, want %q", got, guard.ReasonLogOut)
				}
			})
		})
	}
}
