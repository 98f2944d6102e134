package guard_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
)

// TestASessionThatCannotBeFollowedKeepsNobodyWaiting, and its own stream goes on, since nobody knows.
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

// TestAStoreThatDoesNotTellIsSaidOnceAMinute, and streams end by the clock.
func TestAStoreThatDoesNotTellIsSaidOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := processes(t)
		w.store.mu.Lock()
		w.store.mute = true
		w.store.mu.Unlock()
		b := w.loggedIn("joe@test.com")
		l := w.watch(b, "/stream")
		pass(90 * time.Second)
		if got := strings.Count(w.logged(), "told once a minute"); got != 2 {
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

// TestALookThatMeetsAnOutageIsRepeated soon after, and not with the clock alone.
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

// TestALookThatIsOvertakenByTheEndSaysWhy.
func TestALookThatIsOvertakenByTheEndSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, _ := processes(t)
		b := here.loggedIn("joe@test.com")
		looks, release := here.store.holdFirst("GetMany")
		l := here.watch(b, "/stream")
		<-looks // the one with which a stream begins
		b.Post("/logout").Want(t, 200, "")
		release()
		synctest.Wait()
		if got := l.cause(); got != guard.ReasonLogOut {
			t.Errorf("got %q, want %q", got, guard.ReasonLogOut)
		}
	})
}
