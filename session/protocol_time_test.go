package session_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// short is a configuration whose times are easy to calculate with.
func short(c *session.Config) {
	c.IdleTimeout, c.AbsoluteTimeout, c.RefreshAfter = time.Hour, 5*time.Hour, 10*time.Minute
}

func TestS12_ARefreshThatFailsIsNotNoticed(t *testing.T) {
	for _, row := range []struct {
		name string
		fate sessiontest.Fate
	}{{"not executed", sessiontest.Fail}, {"answer lost", sessiontest.LoseReply}} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newScripted()
				b := open(t, newManager(t, st, short))
				b.Get(path("login 1")).Want(t, 200, "")
				st.ops()
				time.Sleep(20 * time.Minute)
				st.before = func(_ context.Context, c call) sessiontest.Fate {
					if c.Op == "Update" {
						return row.fate
					}
					return sessiontest.Pass
				}
				b.Get(path("slot")).Want(t, 200, `"user":1`)
				if got := strings.Join(st.ops(), " "); strings.Count(got, "Update") > 1 {
					t.Errorf("the refresh was tried again: %s", got)
				}
			})
		})
	}
}

func TestS12_SaveRefreshesASessionThatIsHeldForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newScripted()
		m := newManager(t, st, short)
		open(t, m).Get(path("set text v")).Want(t, 200, "")
		s, err := m.Open(t.Context(), st.ids()[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"", "Update", "", "Update"} {
			st.ops()
			time.Sleep(6 * time.Minute)
			if err := s.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(st.ops(), " "); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
}

func TestS12_RefreshIsOneUpdateWhenItsTimeHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newScripted()
		b := open(t, newManager(t, st, short))
		b.Get(path("login 1", "set text v")).Want(t, 200, "")
		id := st.ids()[0]
		for _, step := range []struct {
			wait time.Duration
			want string
		}{
			{9 * time.Minute, "Get"},
			{time.Minute, "Get Update AddLabel"},
			{9 * time.Minute, "Get"},
			{2 * time.Minute, "Get Update AddLabel"},
		} {
			time.Sleep(step.wait)
			st.ops()
			a := b.Get(path("slot"))
			if got := strings.Join(st.ops(), " "); got != step.want {
				t.Errorf("after %v: %q, want %q", step.wait, got, step.want)
			}
			if len(a.Header["Set-Cookie"]) != 0 {
				t.Error("the refresh changed the cookie")
			}
		}
		if got := st.ids(); len(got) != 1 || got[0] != id {
			t.Error("refresh changed the id")
		}
		time.Sleep(5 * time.Hour) // this store never expires records: the limit must end the session
		b.Get(path("slot")).Want(t, 503, "nobody")
	})
}

func TestS12_RefreshLosesToAConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newScripted()
		b := open(t, newManager(t, st, short))
		b.Get(path("login 1")).Want(t, 200, "")
		other := browserOf(t, b, newManager(t, st, short))
		time.Sleep(20 * time.Minute)
		st.hold(t, on("Update")).during(
			func() { b.Get(path("slot")).Want(t, 200, "") },
			func() { other.Get(path("set text v")).Want(t, 200, "") })
		b.Get(path()).Want(t, 200, `"text":"v"`)
	})
}

func TestS13_OnlyTheNamedOccasionsTouchTheCookie(t *testing.T) {
	for _, row := range []struct {
		name    string
		ops     []string
		touched bool
	}{
		{"reading", []string{"slot"}, false},
		{"writing", []string{"set a 1"}, false},
		{"log-in", []string{"login 1"}, true},
		{"renewal", []string{"renew"}, true},
		{"regenerate", []string{"regenerate"}, true},
		{"a label", []string{"link x"}, true},
		{"log-out", []string{"logout"}, true},
		{"destroy", []string{"destroy"}, true},
		{"an own lifetime", []string{"age 1h"}, false},
		{"revoking", []string{"revoke"}, false},
		{"saving in between", []string{"set a 1", "save", "set a 2"}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newScripted()
			b, _ := visitor(t, st, "login 1")
			a := b.Get(path(row.ops...))
			if a.StatusCode != 200 {
				t.Fatalf("got %d %s", a.StatusCode, a.Text)
			}
			if got := len(a.Header["Set-Cookie"]) > 0; got != row.touched {
				t.Errorf("cookie touched: %v, want %v", got, row.touched)
			}
		})
	}
}

func TestS13_ARecordThatVanishedIsNotReplaced(t *testing.T) {
	st := newScripted()
	b, _ := visitor(t, st, "login 1")
	st.hold(t, on("Update")).during(
		func() {
			a := b.Get(path("set a 1"))
			a.Want(t, http.StatusConflict, "")
			if len(a.Header["Set-Cookie"]) != 0 {
				t.Error("the cookie was changed")
			}
		},
		func() { st.mu.Lock(); clear(st.records); st.mu.Unlock() })
	if got := len(st.ids()); got != 0 {
		t.Errorf("%d records appeared", got)
	}
	a := b.Get(path("slot"))
	if a.StatusCode == 200 || len(a.Header["Set-Cookie"]) != 0 || b.Cookie(cookieName) == "" {
		t.Errorf("the next request: %d, cookies %q", a.StatusCode, a.Header["Set-Cookie"])
	}
	// A visitor who sent no live session may start one, but under a new id.
	was := b.Cookie(cookieName)
	b.Get(path("set a 1")).Want(t, 200, "")
	if b.Cookie(cookieName) == was {
		t.Error("the id that the client sent was adopted")
	}
}

func TestS13_TwoResponsesInEitherOrderKeepTheLogIn(t *testing.T) {
	for _, logInLast := range []bool{true, false} {
		st := newScripted()
		b, other := visitor(t, st, "set keep 1")
		read := func() { other.Get(path("set text x")) }
		login := func() { b.Get(path("login 1")).Want(t, 200, "") }
		if logInLast {
			read()
			login()
		} else {
			login()
			read() // arrives with the old cookie after the log-in was answered
		}
		b.Get(path("slot")).Want(t, 200, "")
	}
}

func TestS13_ReissueKeepsTheIdAndCostsNoCommand(t *testing.T) {
	st := newScripted()
	node := open(t, express(t, st))
	node.Get(path("login 1")).Want(t, 200, "")
	id := st.ids()[0]
	b := open(t, accepting(t, st, true))
	b.SetCookie("connect.sid", node.Cookie("connect.sid"))
	st.ops()
	a := b.Get(path("slot"))
	a.Want(t, 200, "")
	if got := strings.Join(st.ops(), " "); got != "Get" {
		t.Errorf("re-issue sent %q, want one Get", got)
	}
	if !strings.HasPrefix(a.Header.Get("Set-Cookie"), cookieName+"=") {
		t.Fatalf("no cookie of ours: %q", a.Header["Set-Cookie"])
	}
	a = b.Get(path("slot"))
	a.Want(t, 200, "")
	if len(a.Header["Set-Cookie"]) != 0 {
		t.Error("the cookie was sent again although the primary cookie was received")
	}
	if got := st.ids(); len(got) != 1 || got[0] != id {
		t.Error("the id changed")
	}
}

func TestS13_PersistentCookieLastsToTheAbsoluteDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newScripted()
		b := open(t, newManager(t, st, short, func(c *session.Config) { c.Persistent = true }))
		a := b.Get(path("login 1"))
		want := time.Now().Add(5 * time.Hour).UTC().Format(http.TimeFormat)
		if got := a.Header.Get("Set-Cookie"); !strings.Contains(got, "; Expires="+want+";") {
			t.Errorf("Set-Cookie %q, want Expires %s", got, want)
		}
		if got := st.record(st.ids()[0]); !strings.HasPrefix(got, `{"cookie":{"originalMaxAge":3600000,"expires":"`+time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05.000Z")+`"`) {
			t.Errorf("record %s", got)
		}
		time.Sleep(20 * time.Minute)
		if a := b.Get(path("slot")); len(a.Header["Set-Cookie"]) != 0 {
			t.Error("refresh sent a cookie")
		}
	})
}

func TestS13_RollingSendsTheIdleDeadlineAtEachRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, newManager(t, newScripted(), short, func(c *session.Config) { c.Persistent, c.Rolling = true, true }))
		b.Get(path("login 1")).Want(t, 200, "")
		time.Sleep(20 * time.Minute)
		want := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
		if got := b.Get(path("slot")).Header.Get("Set-Cookie"); !strings.Contains(got, "; Expires="+want+";") {
			t.Errorf("Set-Cookie %q, want Expires %s", got, want)
		}
	})
}

// TestRollingIsOfUseWithoutPersistent: whether a cookie outlives the browser is decided for each session.
// In the last row the cookie is sent again, but ends with the browser.
func TestRollingIsOfUseWithoutPersistent(t *testing.T) {
	for _, row := range []struct {
		name    string
		ops     []string
		change  func(record string) string
		expires time.Duration
	}{
		{"SetMaxAge", []string{"login 1", "age 2h"}, nil, 2 * time.Hour},
		{"Node's maxAge", []string{"login 1"}, func(record string) string {
			return strings.Replace(record, `"originalMaxAge":null`, `"originalMaxAge":1800000`, 1)
		}, 30 * time.Minute},
		{"neither", []string{"login 1"}, nil, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			st := newScripted()
			b := open(t, newManager(t, st, short, func(c *session.Config) { c.Rolling = true }))
			b.Get(path(row.ops...)).Want(t, 200, "")
			if id := st.ids()[0]; row.change != nil {
				st.put(id, row.change(st.record(id)))
			}
			time.Sleep(20 * time.Minute)
			want := ""
			if row.expires > 0 {
				want = "; Expires=" + time.Now().Add(row.expires).UTC().Format(http.TimeFormat)
			}
			got := b.Get(path("slot")).Header.Get("Set-Cookie")
			if got == "" || !strings.Contains(got, want) || want == "" && strings.Contains(got, "Expires") {
				t.Errorf("%s: got the cookie %q, want %q in it", row.name, got, want)
			}
		})
	}
}

func TestS14_TheAbsoluteLimitBelongsToTheLogIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newScripted()
		b := open(t, newManager(t, st, short))
		b.Get(path("login 1")).Want(t, 200, "")
		for range 9 { // in use all the time
			time.Sleep(30 * time.Minute)
			b.Get(path("slot", "renew")).Want(t, 200, "")
		}
		time.Sleep(30 * time.Minute)
		b.Get(path("slot")).Want(t, 503, "nobody")
		if got := len(st.ids()); got != 0 {
			t.Errorf("%d records outlive their deadline", got)
		}
		b.Get(path("login 1")).Want(t, 200, "")
		time.Sleep(30 * time.Minute)
		b.Get(path("slot")).Want(t, 200, "")
	})
}

func TestS14_EachGuardsLogInHasItsOwnLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newScripted()
		b := open(t, newManager(t, st, short))
		b.Get(path("login 1")).Want(t, 200, "")
		time.Sleep(3 * time.Hour)
		b.Get(path("login 9 admin")).Want(t, 200, "")
		time.Sleep(2*time.Hour - time.Millisecond)
		b.Get(path("slot", "slot admin")).Want(t, 200, "")
		time.Sleep(time.Millisecond)
		b.Get(path("slot admin")).Want(t, 200, "")
		b.Get(path("slot")).Want(t, 503, "nobody")
		time.Sleep(3 * time.Hour)
		b.Get(path("slot admin")).Want(t, 503, "nobody")
	})
}

func TestS14_TheTTLIsTheShorterOfIdleAndDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newScripted()
		b := open(t, newManager(t, st, short))
		b.Get(path("login 1")).Want(t, 200, "")
		id := st.ids()[0]
		for _, step := range []struct{ at, want time.Duration }{
			{0, time.Hour},
			{4 * time.Hour, time.Hour},
			{30 * time.Minute, 30 * time.Minute},
			{29*time.Minute + 59*time.Second + 999*time.Millisecond + 999*time.Microsecond, 0},
		} {
			time.Sleep(step.at)
			a := b.Get(path("inc"))
			if step.want == 0 {
				a.Want(t, http.StatusConflict, "")
				if st.record(id) != "" {
					t.Error("a record with under a millisecond to live was not ended")
				}
				return
			}
			a.Want(t, 200, "")
			if got := st.ttls[id]; got != step.want {
				t.Errorf("ttl %v, want %v", got, step.want)
			}
		}
	})
}

func TestS14_NodesRecordGetsItsBirthAtOurFirstWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newScripted()
		m := newManager(t, st, short, func(c *session.Config) { c.Codec = session.Express(secret) })
		b := open(t, m)
		b.Get(path("set a 1")).Want(t, 200, "")
		id := st.ids()[0]
		st.put(id, `{"cookie":{"originalMaxAge":7200000,"expires":"2001-01-01T00:00:00.000Z","httpOnly":true,"path":"/"},"passport":{"user":1},"cart":[1.0]}`)
		time.Sleep(2 * time.Hour)
		b.Get(path("slot")).Want(t, 200, `"cart":[1.0]`)
		if got := st.record(id); !strings.Contains(got, `,"passport":{"user":1},"cart":[1.0],"_go":{"b":`) {
			t.Errorf("record %s", got)
		}
		if got := st.ttls[id]; got != 2*time.Hour {
			t.Errorf("ttl %v, want the record's own 2h", got)
		}
		for range 4 { // Node's EXPIRE may prolong the key for ever
			time.Sleep(time.Hour)
			b.Get(path("slot")).Want(t, 200, "")
		}
		time.Sleep(time.Hour)
		b.Get(path("slot")).Want(t, 503, "nobody")
	})
}

func TestS14_AnAnonymousSessionIsLimitedFromItsBirth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newScripted()
		b := open(t, newManager(t, st, short))
		b.Get(path("set keep 1")).Want(t, 200, "")
		for range 9 {
			time.Sleep(30 * time.Minute)
			b.Get(path("renew")).Want(t, 200, `"keep"`)
		}
		b.Get(path("login 1")).Want(t, 200, "")
		time.Sleep(45 * time.Minute)
		b.Get(path("slot")).Want(t, 200, "") // the log-in's own limit counts now
	})
}

func TestS18_EndedAndChangedAre409AndNoOutage(t *testing.T) {
	st := newScripted()
	var seen error
	m := newManager(t, st, func(c *session.Config) {
		c.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) {
			seen = err
			w.WriteHeader(http.StatusTeapot)
		}
	})
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	other := browserOf(t, b, newManager(t, st))
	st.hold(t, on("Update")).during(
		func() { b.Get(path("set a 1")).Want(t, http.StatusTeapot, "") },
		func() { other.Get(path("logout")).Want(t, 200, "") })
	if seen != session.ErrSessionEnded {
		t.Errorf("the error handler saw %v, want ErrSessionEnded", seen)
	}
	b.Get(path("set a 1")).Want(t, 200, "") // no outage: the visitor is anonymous
}
