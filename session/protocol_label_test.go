package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
)

// linked returns the sessions under label.
func linked(t *testing.T, m *session.Manager, label string) []session.Info {
	t.Helper()
	var list []session.Info
	for i, err := range m.Linked(t.Context(), label) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, i)
	}
	return list
}

func TestS9_AFailedIndexEntryIsAFailedLogIn(t *testing.T) {
	st := newScripted()
	st.before = func(_ context.Context, c call) sessiontest.Fate {
		if c.Op == "AddLabel" {
			return sessiontest.Fail
		}
		return sessiontest.Pass
	}
	b := open(t, newManager(t, st))
	b.Get(path("login 1")).Want(t, http.StatusServiceUnavailable, "")
	if got := len(st.ids()); got != 0 || b.Cookie(cookieName) != "" {
		t.Errorf("%d sessions are alive, cookie %v", got, b.Cookie(cookieName) != "")
	}
}

func TestS9_AnEntryLeavesOnlyAfterItsRecordIsGone(t *testing.T) {
	st := newScripted()
	st.after = func(c call) {
		if c.Op == "RemoveLabel" && st.record(c.ID) != "" {
			t.Errorf("an entry was removed while its record lives")
		}
	}
	m := newManager(t, st)
	b, c := open(t, m), open(t, m)
	for _, o := range []string{"login 1", "renew", "link x", "logout", "login 1"} {
		b.Get(path(o)).Want(t, 200, "")
	}
	c.Get(path("login 1")).Want(t, 200, "")
	if n, err := m.DestroyLinked(t.Context(), "passport:1"); n != 2 || err != nil {
		t.Errorf("DestroyLinked() = %d, %v, want 2", n, err)
	}
}

func TestS9_ListingRacesWithALogIn(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	st.hold(t, on("AddLabel")).during(
		func() { b.Get(path("login 1")).Want(t, 200, "") },
		func() {
			if got := linked(t, m, "passport:1"); len(got) != 0 {
				t.Errorf("%d sessions are listed before the entry is there", len(got))
			}
		})
	if got := linked(t, m, "passport:1"); len(got) != 1 {
		t.Errorf("%d sessions are listed, want 1", len(got))
	}
}

func TestS9_RefreshHealsTheIndex(t *testing.T) {
	st := newScripted()
	m := newManager(t, st, func(c *session.Config) {
		c.IdleTimeout, c.RefreshAfter = time.Hour, time.Millisecond
	})
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	delete(st.labels, "passport:1") // evicted
	if got := linked(t, m, "passport:1"); len(got) != 0 {
		t.Fatalf("%d sessions are listed", len(got))
	}
	<-time.After(2 * time.Millisecond)
	b.Get(path("slot")).Want(t, 200, "")
	if got := linked(t, m, "passport:1"); len(got) != 1 {
		t.Errorf("%d sessions are listed after a refresh, want 1", len(got))
	}
}

func TestS9_ListShowsWhatIsTrue(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("login 1", "set text phone")).Want(t, 200, "")
	st.labels["passport:1"] = append(st.labels["passport:1"], "gone", "foreign", "broken")
	st.put("foreign", `{"cookie":{"originalMaxAge":null,"expires":null}}`)
	st.put("broken", `{`)
	list := linked(t, m, "passport:1")
	if len(list) != 1 {
		t.Fatalf("%d sessions are listed, want the real one", len(list))
	}
	var readers sync.WaitGroup
	for range 2 { // an Info may be shared
		readers.Go(func() {
			if v, ok, err := text.Of(list[0]); v != "phone" || !ok || err != nil {
				t.Errorf("its value is %q, %v, %v", v, ok, err)
			}
		})
	}
	readers.Wait()
	if i := list[0]; i.Created.IsZero() || i.Seen.Before(i.Created) || !i.Deadline.After(i.Seen) || len(i.Ref) != 16 {
		t.Errorf("its facts: %+v", i)
	}
	if got := len(st.labels["passport:1"]); got != 3 {
		t.Errorf("%d entries are left, want all but the one whose record is gone", got)
	}
}

// A log-in by Node gets the label that a guard would have given it at Go's first write, which is the
// refresh at the first read.
func TestS9_NodesLogInIsLinkedOnceGoHasSeenIt(t *testing.T) {
	for _, row := range []struct{ name, op, user, label string }{
		{"a read", "slot", `1`, "passport:1"},
		{"a write", "set text v", `"1"`, `passport:"1"`},
		{"a renewal", "renew", `{"id":1}`, `passport:{"id":1}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, store.RedisConfig{})
				b := open(t, f.m)
				f.byNode(b, strings.Replace(nodesLogIn, `"user":1`, `"user":`+row.user, 1))
				if n, err := f.m.DestroyLinked(t.Context(), row.label); n != 0 || err != nil {
					t.Fatalf("before: %d ended, %v, want 0: Go does not know it yet", n, err)
				}
				ops(row.op)(f, b)
				if n, err := f.m.DestroyLinked(t.Context(), row.label); n != 1 || err != nil {
					t.Fatalf("after: %d ended, %v, want 1", n, err)
				}
				b.Get(path("slot")).Want(t, 503, "nobody")
			})
		})
	}
}

func TestS10_DestroyLinkedAgainstARenewal(t *testing.T) {
	for _, at := range []string{"Create", "AddLabel", "End"} {
		t.Run("the renewal waits at "+at, func(t *testing.T) {
			st := newScripted()
			b, _ := visitor(t, st, "login 1")
			m := newManager(t, st)
			st.hold(t, on(at)).during(
				func() { b.Get(path("renew")) },
				func() {
					if _, err := m.DestroyLinked(t.Context(), "passport:1"); err != nil {
						t.Error(err)
					}
				})
			b.Get(path("slot")).Want(t, 503, "nobody")
			if got := len(st.ids()); got != 0 {
				t.Errorf("%d sessions are still live", got)
			}
		})
	}
}

func TestS10_ExceptedSessionsStay(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b, c := open(t, m), open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	c.Get(path("login 1")).Want(t, 200, "")
	s, err := m.Open(t.Context(), st.labels["passport:1"][0])
	if err != nil {
		t.Fatal(err)
	}
	if n, err := m.DestroyLinked(t.Context(), "passport:1", s.Ref()); n != 1 || err != nil {
		t.Errorf("DestroyLinked() = %d, %v, want 1", n, err)
	}
	b.Get(path("slot")).Want(t, 200, "")
	c.Get(path("slot")).Want(t, 503, "nobody")
}

func TestS10_PartialFailureIsAnError(t *testing.T) {
	for _, op := range []string{"Labelled", "Get", "End", "RemoveLabel"} {
		t.Run(op+" fails", func(t *testing.T) {
			st := newScripted()
			m := newManager(t, st)
			open(t, m).Get(path("login 1")).Want(t, 200, "")
			st.before = func(_ context.Context, c call) sessiontest.Fate {
				if c.Op == op {
					return sessiontest.Fail
				}
				return sessiontest.Pass
			}
			if _, err := m.DestroyLinked(t.Context(), "passport:1"); !errors.Is(err, errFault) {
				t.Errorf("DestroyLinked() = %v, want the fault", err)
			}
		})
	}
}

func TestS10_EndlessLogInsAreAnErrorNotALoop(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, newManager(t, st))
	open(t, m).Get(path("login 1")).Want(t, 200, "")
	busy := false
	n := 0
	st.before = func(_ context.Context, c call) sessiontest.Fate {
		if c.Op == "Labelled" && !busy {
			busy = true
			n++
			b.SetCookie(cookieName, fmt.Sprint(n))
			b.Get(path("login 1")).Want(t, 200, "")
			busy = false
		}
		return sessiontest.Pass
	}
	if _, err := m.DestroyLinked(t.Context(), "passport:1"); err == nil {
		t.Error("DestroyLinked() succeeded although a session was made before each listing")
	}
}

func TestS11_ARevokedLogInIsAnonymousAndGone(t *testing.T) {
	st := newScripted()
	b, _ := visitor(t, st, "login 1")
	a := b.Get(path("revoke", "slot"))
	a.Want(t, 503, "nobody")
	if len(a.Header["Set-Cookie"]) != 0 || b.Cookie(cookieName) == "" {
		t.Error("the cookie was changed")
	}
	if got := len(st.ids()); got != 0 {
		t.Errorf("%d records are left", got)
	}
}

func TestS11_FailureToDeleteNeverAdmits(t *testing.T) {
	st := newScripted()
	b, _ := visitor(t, st, "login 1")
	st.before = func(_ context.Context, c call) sessiontest.Fate {
		if c.Op == "End" {
			return sessiontest.Fail
		}
		return sessiontest.Pass
	}
	b.Get(path("revoke", "slot")).Want(t, 503, "nobody")
}

func TestS11_RevokingDoesNotTouchWhatCameAfter(t *testing.T) {
	st := newScripted()
	b, other := visitor(t, st, "login 1")
	// The device that changed the password logs in again while its parallel request still has the old
	// stamp.
	st.hold(t, on("End")).during(
		func() { other.Get(path("revoke", "slot")).Want(t, 503, "nobody") },
		func() { b.Get(path("login 1")).Want(t, 200, "") })
	b.Get(path("slot")).Want(t, 200, "")
}

func TestS11_NothingReplacesARevokedSessionWithinTheRequest(t *testing.T) {
	st := newScripted()
	b, _ := visitor(t, st, "login 1")
	a := b.Get(path("revoke", "set text x"))
	a.Want(t, 503, session.ErrSessionEnded.Error())
	if len(a.Header["Set-Cookie"]) != 0 || len(st.ids()) != 0 {
		t.Error("a new session replaced it")
	}
	b.Get(path("revoke", "login 2")).Want(t, 200, `"user":2`)
	b.Get(path("slot")).Want(t, 200, "")
}

func TestS11_AnotherGuardsLogInSurvivesTheRevoking(t *testing.T) {
	st := newScripted()
	b, _ := visitor(t, st, "login 1", "login 9 admin")
	b.Get(path("revoke", "slot admin")).Want(t, 200, "")
	b.Get(path("revoke", "slot")).Want(t, 503, "nobody")
	b.Get(path("slot admin")).Want(t, 200, "")
}
