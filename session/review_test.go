package session_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

func TestS14_ASessionInUseDoesNotExpireUnderAShortLifetimeOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newMemory(t)
		b := open(t, newManager(t, st)) // RefreshAfter is 2.4 h
		b.Get(path("login 1", "age 1h")).Want(t, 200, "")
		for range 20 {
			time.Sleep(20 * time.Minute)
			b.Get(path("slot")).Want(t, 200, "")
		}
		time.Sleep(time.Hour)
		b.Get(path("slot")).Want(t, 503, "nobody")
	})
}

func TestS13_RollingSendsTheCookieWithAWriteToo(t *testing.T) {
	b := open(t, newManager(t, newScripted(), func(c *session.Config) { c.Persistent, c.Rolling = true, true }))
	b.Get(path("login 1")).Want(t, 200, "")
	if a := b.Get(path("inc")); len(a.Header["Set-Cookie"]) != 1 {
		t.Errorf("cookies %q, want the one with a later Expires", a.Header["Set-Cookie"])
	}
}

func TestS8_LogOutOfOneGuardLeavesNoSecondWayIn(t *testing.T) {
	st := newScripted()
	node := open(t, express(t, st))
	node.Get(path("login 1")).Want(t, 200, "")
	m := accepting(t, st, false)
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	b.Get(path("login 9 admin")).Want(t, 200, "")
	b.SetCookie("connect.sid", node.Cookie("connect.sid"))
	b.Get(path("logout")).Want(t, 200, "")
	b.Get(path("slot admin")).Want(t, 200, "")
	b.SetCookie(cookieName, "gone")
	b.Get(path("slot")).Want(t, 503, "nobody")
}

func TestS8_LogInStopsBeforeItsOwnNewSession(t *testing.T) {
	st := newScripted()
	m := accepting(t, st, false)
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	old := b.Cookie(cookieName)
	b.Get(path("renew")).Want(t, 200, "") // leaves a note under the old id
	r := b.Request("GET", path("login 9 admin"), "")
	r.Header.Add("Cookie", cookieName+"="+old)
	b.Do(r).Want(t, 200, "")
	b.Get(path("slot", "slot admin")).Want(t, 200, "")
}

func TestReloadKeepsAPlannedLogOut(t *testing.T) {
	for _, before := range [][]string{{"login 1"}, {"login 1", "login 9 admin"}} {
		st := newScripted()
		b, _ := visitor(t, st, before...)
		was := browserOf(t, b, newManager(t, st))
		b.Get(path("logout", "reload")).Want(t, 200, "")
		b.Get(path("slot")).Want(t, 503, "nobody")
		was.Get(path("slot")).Want(t, 503, "nobody")
	}
}

func TestASessionMadeAndEndedInOneRequestLeavesNoCookie(t *testing.T) {
	st := newScripted()
	b, _ := visitor(t, st)
	st.before = func(_ context.Context, c call) sessiontest.Fate {
		if c.Op == "End" {
			return sessiontest.Fail
		}
		return sessiontest.Pass
	}
	a := b.Get(path("login 1", "save", "logout"))
	if a.StatusCode != http.StatusServiceUnavailable || len(a.Header["Set-Cookie"]) != 0 {
		t.Errorf("got %d, cookies %q: want no cookie of a session whose end failed", a.StatusCode, a.Header["Set-Cookie"])
	}
}

func TestAnotherGuardsLogInByNodeStays(t *testing.T) {
	st := newScripted()
	b, _ := visitor(t, st, "login 8 admin")
	id := st.ids()[0]
	st.put(id, strings.Replace(st.record(id), `"admin":`, `"passport":{"user":1},"admin":`, 1))
	b.Get(path("login 9 admin")).Want(t, 200, `"admin":{"user":9}`)
	b.Get(path("slot")).Want(t, 200, `"passport":{"user":1}`)
}

func TestARefusedReplayCommitsNothing(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	id := st.ids()[0]
	with(t, m, b, func(ctx context.Context, slots reqstate.Slots) {
		if err := do(ctx, m, "set other 1"); err != nil {
			t.Error(err)
		}
		if err := do(ctx, m, "inc"); err != nil {
			t.Error(err)
		}
		st.put(id, strings.Replace(st.record(id), `,"_go"`, `,"n":"no number","_go"`, 1))
		if slots.Reread(ctx) == nil {
			t.Error("Reread accepted a value that the change refuses")
		}
	})
	if got := st.record(id); strings.Contains(got, "other") {
		t.Errorf("half of the changes were committed: %s", got)
	}
}

func TestS13_AStaleReadDoesNotReplaceALiveSession(t *testing.T) {
	st := newMemory(t)
	b := open(t, newManager(t, st))
	b.Get(path("login 1")).Want(t, 200, "")
	lagging := browserOf(t, b, newManager(t, lags{st}))
	a := lagging.Get(path("set text x"))
	if a.StatusCode != http.StatusConflict || len(a.Header["Set-Cookie"]) != 0 {
		t.Errorf("got %d, cookies %q", a.StatusCode, a.Header["Set-Cookie"])
	}
	lagging.Get(path("login 2")).Want(t, 200, "")
}

// lags is a store whose Get asks a replica that is still empty.
type lags struct{ session.Store }

func (lags) Get(context.Context, string) ([]byte, error) { return nil, session.ErrNotFound }

func (l lags) GetPrimary(ctx context.Context, id string) ([]byte, error) { return l.Store.Get(ctx, id) }
