package session_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// visitor returns a browser that has done ops, and one with the same cookies at a second process of the
// same site.
func visitor(t *testing.T, st *scripted, ops ...string) (b, other *browser.Browser) {
	t.Helper()
	b = open(t, newManager(t, st))
	for _, o := range ops {
		b.Get(path(o)).Want(t, 200, "")
	}
	return b, browserOf(t, b, newManager(t, st))
}

func TestS5_AnAcknowledgedWriteUnderTheOldIdIsCarried(t *testing.T) {
	for _, row := range []struct{ name, before, move string }{
		{"log-in carries what is on its list", "set keep 0", "login 1"},
		{"log-in of the same user carries all", "login 1", "login 1"},
		{"renewal carries all", "login 1", "renew"},
		{"a label carries all", "login 1", "link x"},
		{"another guard's log-in carries all", "login 1", "login 9 admin"},
		{"regenerate carries what it is told to keep", "login 1", "regenerate keep"},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newScripted()
			b, other := visitor(t, st, row.before)
			st.hold(t, on("End")).during(
				func() { b.Get(path(row.move)).Want(t, 200, "") },
				func() { other.Get(path("set keep 1")).Want(t, 200, "") })
			b.Get(path()).Want(t, 200, `"keep":"1"`)
			if got := len(st.ids()); got != 1 {
				t.Errorf("%d records are left, want 1", got)
			}
		})
	}
}

func TestS5_AnOutageOnTheWayLeavesNoNewRecordAndNoCookie(t *testing.T) {
	for _, op := range []string{"Create", "AddLabel", "End"} {
		t.Run(op, func(t *testing.T) {
			st := newScripted()
			b, _ := visitor(t, st, "set keep 0")
			st.before = func(_ context.Context, c call) sessiontest.Fate {
				if c.Op == op {
					return sessiontest.Fail
				}
				return sessiontest.Pass
			}
			was := b.Cookie(cookieName)
			a := b.Get(path("login 1"))
			a.Want(t, http.StatusServiceUnavailable, "")
			if b.Cookie(cookieName) != was || len(a.Header["Set-Cookie"]) != 0 {
				t.Error("the cookie was changed")
			}
			st.before = nil
			b.Get(path()).Want(t, 200, `"keep":"0"`)
			if got := len(st.ids()); got != 1 {
				t.Errorf("%d records are left, want only the old one", got)
			}
		})
	}
}

func TestS6_TwoLogInsAtOnceBothSucceed(t *testing.T) {
	st := newScripted()
	b, other := visitor(t, st, "set keep 1")
	st.hold(t, on("End")).during(
		func() { b.Get(path("login 1")).Want(t, 200, "") },
		func() { other.Get(path("login 2")).Want(t, 200, "") })
	b.Get(path("slot")).Want(t, 200, `"user":1`)
	other.Get(path("slot")).Want(t, 200, `"user":2`)
}

func TestS6_RenewalOfAGoneSessionFails(t *testing.T) {
	for _, row := range []struct{ name, meanwhile string }{
		{"it was logged out", "logout"},
		{"it was renewed", "renew"},
		{"it was replaced by a log-in", "login 1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newScripted()
			b, other := visitor(t, st, "login 1")
			was := b.Cookie(cookieName)
			st.hold(t, on("End")).during(
				func() { b.Get(path("renew")).Want(t, http.StatusConflict, "") },
				func() { other.Get(path(row.meanwhile)).Want(t, 200, "") })
			if b.Cookie(cookieName) != was {
				t.Error("the cookie was changed")
			}
			if got, want := len(st.ids()), map[bool]int{true: 0, false: 1}[row.meanwhile == "logout"]; got != want {
				t.Errorf("%d records are left, want %d", got, want)
			}
		})
	}
}

func TestS6_AWriteUnderTheEndedIdIsRefusedNotRedirected(t *testing.T) {
	st := newScripted()
	b, other := visitor(t, st, "login 1")
	st.hold(t, on("Update")).during(
		func() { b.Get(path("set evil 1")).Want(t, http.StatusConflict, "") },
		func() { other.Get(path("renew")).Want(t, 200, "") })
	if got := other.Get(path()).Text; strings.Contains(got, "evil") {
		t.Errorf("a write through the old id is in the new session: %s", got)
	}
}

func TestS6_NothingOfAnotherUserIsCarried(t *testing.T) {
	st := newScripted()
	b, _ := visitor(t, st, "login 1", "set keep secret", "set cart secret")
	b.Get(path("login 2")).Want(t, 200, "")
	if got := b.Get(path()).Text; strings.Contains(got, "secret") {
		t.Errorf("the former user's values are in the new session: %s", got)
	}
}

func TestS7_LogOutIsFinalAgainstRenewalInEitherOrder(t *testing.T) {
	for _, row := range []struct{ name, first, at, second string }{
		{"log-out waits, renewal overtakes", "logout", "End", "renew"},
		{"renewal waits before its end, log-out overtakes", "renew", "End", "logout"},
		{"renewal waits before its Create, log-out overtakes", "renew", "Create", "logout"},
		{"renewal waits before its index entry, log-out overtakes", "renew", "AddLabel", "logout"},
		{"log-out waits, two renewals overtake", "logout", "End", "renew renew"},
		{"log-out waits, a step in rights overtakes", "logout", "End", "link x"},
		{"log-out of a guard waits, another guard's log-in overtakes", "logout", "End", "login 9 admin"},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newScripted()
			b, other := visitor(t, st, "login 1")
			st.hold(t, on(row.at)).during(
				func() { b.Get(path(row.first)) },
				func() {
					seconds := []string{row.second}
					if row.second == "renew renew" {
						seconds = []string{"renew", "renew"}
					}
					for _, o := range seconds {
						other.Get(path(o)).Want(t, 200, "")
					}
				})
			for _, w := range []*browser.Browser{b, other} {
				if a := w.Get(path("slot")); a.StatusCode == 200 {
					t.Errorf("somebody is logged in after the log-out: %s", a.Text)
				}
			}
			if row.second == "login 9 admin" {
				return
			}
			if got := st.ids(); len(got) != 0 {
				t.Errorf("%d records are left after the log-out", len(got))
			}
		})
	}
}

func TestS7_TheOldCookieIsAnonymousWhileThePointerLives(t *testing.T) {
	st := newScripted()
	b, other := visitor(t, st, "login 1")
	b.Get(path("renew")).Want(t, 200, "")
	if len(st.notes) != 1 {
		t.Fatalf("%d notes were left, want 1", len(st.notes))
	}
	other.Get(path("slot")).Want(t, 503, "nobody is logged in")
	b.Get(path("slot")).Want(t, 200, "")
	// A log-out with the old cookie still finds the session.
	other.Get(path("logout")).Want(t, 200, "")
	b.Get(path("slot")).Want(t, 503, "nobody is logged in")
}

func TestS7_NoPointerIsLeftByALogIn(t *testing.T) {
	st := newScripted()
	visitor(t, st, "set keep 1", "login 1", "login 1", "login 2")
	if len(st.notes) != 0 {
		t.Errorf("%d notes were left, want none", len(st.notes))
	}
}

func TestS7_AResentEndIsTheSameEnd(t *testing.T) {
	st := newScripted()
	b, _ := visitor(t, st, "login 1")
	lost := false
	st.before = func(_ context.Context, c call) sessiontest.Fate {
		if c.Op == "End" && !lost {
			lost = true
			return sessiontest.LoseReply
		}
		return sessiontest.Pass
	}
	b.Get(path("renew")).Want(t, 200, "")
	b.Get(path("slot")).Want(t, 200, "")
	if !lost {
		t.Error("no End was seen")
	}
}

// accepting returns a Manager that also accepts Express's cookie and a second one.
func accepting(t *testing.T, st session.Store, reissue bool) *session.Manager {
	t.Helper()
	return newManager(t, st, func(c *session.Config) {
		c.AlsoAccept = []session.Accept{{Codec: session.Express(secret), Reissue: reissue}, {Name: "old", Codec: session.SecureCookie(secret)}}
	})
}

// express returns a manager that issues connect.sid for the same store.
func express(t *testing.T, st session.Store) *session.Manager {
	t.Helper()
	return newManager(t, st, func(c *session.Config) { c.Codec = session.Express(secret) })
}

func TestS8_LogOutEndsEveryPresentedId(t *testing.T) {
	st := newScripted()
	node := open(t, express(t, st))
	node.Get(path("login 2")).Want(t, 200, "")
	b := open(t, accepting(t, st, false))
	b.Get(path("login 1")).Want(t, 200, "")
	b.SetCookie("connect.sid", node.Cookie("connect.sid"))
	a := b.Get(path("logout"))
	a.Want(t, 200, "")
	if got := len(st.ids()); got != 0 {
		t.Errorf("%d sessions are still live", got)
	}
	if got := len(a.Header["Set-Cookie"]); got != 2 {
		t.Errorf("%d cookies were expired, want 2: %q", got, a.Header["Set-Cookie"])
	}
	if b.Cookie(cookieName) != "" || b.Cookie("connect.sid") != "" {
		t.Error("a cookie is left in the jar")
	}
}

func TestS8_DuplicateCookiesOfOneNameAllEnd(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	one, two := open(t, m), open(t, m)
	one.Get(path("login 1")).Want(t, 200, "")
	two.Get(path("login 2")).Want(t, 200, "")
	r := one.Request("GET", path("logout"), "")
	r.Header.Add("Cookie", cookieName+"="+two.Cookie(cookieName))
	one.Do(r).Want(t, 200, "")
	if got := len(st.ids()); got != 0 {
		t.Errorf("%d sessions are still live", got)
	}
}

func TestS8_LogInEndsEveryPresentedIdToo(t *testing.T) {
	st := newScripted()
	node := open(t, express(t, st))
	node.Get(path("login 2")).Want(t, 200, "")
	b := open(t, accepting(t, st, false))
	b.SetCookie("connect.sid", node.Cookie("connect.sid"))
	b.Get(path("login 1")).Want(t, 200, `"user":1`)
	if got := len(st.ids()); got != 1 {
		t.Errorf("%d sessions are alive, want only the new one", got)
	}
}

func TestS8_NoSuccessUnlessAllEnded(t *testing.T) {
	for _, op := range []string{"Get", "End"} {
		t.Run(op+" fails", func(t *testing.T) {
			st := newScripted()
			node := open(t, express(t, st))
			node.Get(path("login 2")).Want(t, 200, "")
			b := open(t, accepting(t, st, false))
			b.Get(path("login 1")).Want(t, 200, "")
			b.SetCookie("connect.sid", node.Cookie("connect.sid"))
			second := ""
			st.before = func(_ context.Context, c call) sessiontest.Fate {
				if c.Op == "Get" && second == "" {
					second = "armed" // the first Get is the load
					return sessiontest.Pass
				}
				if c.Op == op {
					return sessiontest.Fail
				}
				return sessiontest.Pass
			}
			a := b.Get(path("logout"))
			a.Want(t, http.StatusServiceUnavailable, "")
			if len(a.Header["Set-Cookie"]) != 0 || b.Cookie(cookieName) == "" {
				t.Error("a cookie was changed")
			}
		})
	}
}

func TestS8_LogOutOfOneGuardKeepsTheOther(t *testing.T) {
	st := newScripted()
	b, other := visitor(t, st, "login 1", "set cart 1", "login 9 admin")
	b.Get(path("logout")).Want(t, 200, `"admin":{"user":9`)
	b.Get(path("slot")).Want(t, 503, "nobody")
	b.Get(path("slot admin")).Want(t, 200, `"cart":"1"`)
	other.Get(path("slot admin")).Want(t, 503, "nobody")
	b.Get(path("logout admin")).Want(t, 200, "")
	if got := len(st.ids()); got != 0 || b.Cookie(cookieName) != "" {
		t.Errorf("after the last log-out %d sessions are alive, cookie %v", got, b.Cookie(cookieName) != "")
	}
}

func TestS8_TwoGuardsLogOutAtOnce(t *testing.T) {
	for _, at := range []string{"Create", "AddLabel", "End"} {
		t.Run("the first waits at "+at, func(t *testing.T) {
			st := newScripted()
			b, _ := visitor(t, st, "login 1", "login 9 admin")
			other := browserOf(t, b, newManager(t, st))
			st.hold(t, on(at)).during(
				func() { b.Get(path("logout")).Want(t, 200, "") },
				func() { other.Get(path("logout admin")).Want(t, 200, "") })
			for _, w := range []*browser.Browser{b, other} {
				for _, key := range []string{"passport", "admin"} {
					if a := w.Get(path("slot " + key)); a.StatusCode == 200 {
						t.Errorf("%s is still logged in: %s", key, a.Text)
					}
				}
			}
		})
	}
}
