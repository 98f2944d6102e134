package guard_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
)

// TestUsersWhoCannotBeAskedForKeepNoEndWaiting: the users table hangs for minutes, which delays no end of a
// stream.
func TestUsersWhoCannotBeAskedForKeepNoEndWaiting(t *testing.T) {
	for _, row := range []struct {
		name, want string
		end        func(w *world)
		within     time.Duration
	}{
		{"Node's log-out", guard.ReasonGone, func(w *world) { w.store.forget(w.t, "nobody's") }, 30 * time.Second},
		{"the idle timeout", guard.ReasonIdle, func(*world) {}, time.Hour - 40*time.Second + time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, _ := processes(t)
				var streams []*live
				for id := 10; id < 50; id++ {
					email := fmt.Sprintf("u%d@test.com", id)
					w.table.set(User{ID: id, Email: email, Pass: password})
					streams = append(streams, w.watch(w.loggedIn(email), "/stream"))
				}
				w.table.mu.Lock()
				w.table.hangs = true
				w.table.mu.Unlock()
				pass(40 * time.Second)
				row.end(w)
				pass(row.within)
				synctest.Wait()
				for i, l := range streams {
					if got := l.cause(); got != row.want {
						t.Fatalf("stream %d: got %q, want %q", i, got, row.want)
					}
				}
			})
		})
	}
}

// TestASessionThatWentOnIsExceptedUnderItsOldIDToo: a process that missed a renewal ends all other
// sessions, and the index still has the previous id.
func TestASessionThatWentOnIsExceptedUnderItsOldIDToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := processes(t)
		here.store.mute = true
		b := here.loggedIn("joe@test.com")
		old := here.store.ids[0]
		l := here.watch(b, "/stream")
		synctest.Wait()
		other := there.in(b)
		other.Get("/renew").Want(t, 200, "")
		if err := here.store.AddLabel(t.Context(), "passport:1", old, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		logIn(there.open(), "joe@test.com").Want(t, 200, "joe")
		if n, err := here.LogOutEverywhere(t.Context(), joe, other.Get("/ref").Text); n != 1 || err != nil {
			t.Fatalf("got %d, %v, want 1", n, err)
		}
		synctest.Wait()
		other.Get("/me").Want(t, 200, "joe")
		if got := l.cause(); got != "" {
			t.Errorf("the stream of the session that stays: got %q, want it to go on", got)
		}
	})
}

// TestAStreamThatLeavesDuringItsLookHidesNothing: a session is renewed, and all its streams leave while a
// look finds that out. The next stream, of its successor, ends like any other.
func TestAStreamThatLeavesDuringItsLookHidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := processes(t)
		here.store.mute = true
		b, pia := here.loggedIn("joe@test.com"), here.loggedIn("pia@test.com")
		other := there.in(b)
		l, stays := here.watch(b, "/stream"), here.watch(pia, "/stream")
		synctest.Wait()
		other.Get("/renew").Want(t, 200, "")
		follows, release := here.store.holdFirst("End")
		pass(31 * time.Second)
		<-follows // the clock's look asks for the successor
		l.leave()
		looks, on := here.store.holdFirst("GetMany")
		also := here.watch(pia, "/stream")
		<-looks // and the other one is busy
		release()
		synctest.Wait()
		stays.leave()
		also.leave()
		on()
		synctest.Wait()
		last := here.watch(here.in(other), "/stream")
		synctest.Wait()
		here.in(other).Post("/logout").Want(t, 200, "")
		synctest.Wait()
		if got := last.cause(); got != guard.ReasonLogOut {
			t.Errorf("after a log-out: got %q, want %q", got, guard.ReasonLogOut)
		}
	})
}
