package guard_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
)

// TestAStreamMayCountAsUse: the session stays live while it is open, until its absolute timeout.
func TestAStreamMayCountAsUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := processes(t)
		b := here.loggedIn("joe@test.com")
		game, page := here.watch(b, "/game"), there.watch(there.in(b), "/stream")
		pia := here.watch(here.loggedIn("pia@test.com"), "/stream")
		synctest.Wait()
		here.store.asked()
		pass(2 * time.Hour)
		if got := strings.Count(here.store.asked(), "Update"); got < 18 || got > 21 {
			t.Errorf("got %d writes in two hours, want one in each tenth of the idle timeout of one", got)
		}
		if got := pia.cause(); got != guard.ReasonIdle {
			t.Errorf("a stream of Watch in another session: got %q, want %q", got, guard.ReasonIdle)
		}
		for name, l := range map[string]*live{"the stream": game, "a stream of Watch beside it": page} {
			if got := l.cause(); got != "" {
				t.Errorf("%s: got %q, want it to go on", name, got)
			}
		}
		pass(time.Hour)
		synctest.Wait()
		if got := game.cause(); got != guard.ReasonAbsolute {
			t.Errorf("after the absolute timeout: got %q, want %q", got, guard.ReasonAbsolute)
		}
		b.Get("/me").Want(t, 401, "")
	})
}

// TestTheIdleTimeoutEndsWhatNoStreamUsesAnyMore.
func TestTheIdleTimeoutEndsWhatNoStreamUsesAnyMore(t *testing.T) {
	for _, row := range []struct {
		after time.Duration
		want  int
		says  string
	}{{50 * time.Minute, 200, "joe"}, {61 * time.Minute, 401, "Unauthorized"}} {
		t.Run(fmt.Sprint(row.after), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, _ := processes(t)
				b := w.loggedIn("joe@test.com")
				game := w.watch(b, "/game")
				pass(90 * time.Minute)
				game.leave()
				pass(row.after)
				b.Get("/me").Want(t, row.want, row.says)
			})
		})
	}
}

// TestAStreamThatCountsAsUseEndsWithTheLogIn like every other, and does not bring the session back.
func TestAStreamThatCountsAsUseEndsWithTheLogIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := processes(t)
		b := here.loggedIn("joe@test.com")
		game := there.watch(there.in(b), "/game")
		pass(7 * time.Minute)
		writes, release := here.store.holdFirst("Update")
		pass(6 * time.Minute)
		<-writes // it is about to restart the idle timeout
		b.Post("/logout").Want(t, 200, "")
		release()
		synctest.Wait()
		if got := game.cause(); got != guard.ReasonLogOut {
			t.Errorf("got %q, want %q", got, guard.ReasonLogOut)
		}
		b.Get("/me").Want(t, 401, "")
		there.in(b).Get("/me").Want(t, 401, "")
	})
}

// TestAnIdleTimeoutShorterThanTheLooks causes additional looks.
func TestAnIdleTimeoutShorterThanTheLooks(t *testing.T) {
	for _, idle := range []time.Duration{10 * time.Second, 30 * time.Second, 31 * time.Second, 50 * time.Second} {
		t.Run(fmt.Sprint(idle), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newProcess(t, newTable(), newStore(t), session.Config{IdleTimeout: idle, AbsoluteTimeout: time.Hour})
				w.mux.Handle("/game", w.RequireAuth(events(w.WatchAsUse)))
				game := w.watch(w.loggedIn("joe@test.com"), "/game")
				pass(50 * time.Minute)
				synctest.Wait()
				if got := game.cause(); got != "" {
					t.Errorf("got %q, want it to go on", got)
				}
				w.store.fail(errOutage)
				pass(time.Hour)
				w.store.fail(nil)
				pass(31 * time.Second)
				synctest.Wait()
				if got := game.cause(); got != guard.ReasonAbsolute && got != guard.ReasonIdle {
					t.Errorf("after an outage longer than its deadlines: got %q", got)
				}
			})
		})
	}
}
