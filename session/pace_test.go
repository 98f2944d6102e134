package session_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

const day = 24 * time.Hour

// TestAMaxAgeOfNodeThatNoBrowserKeepsIsClamped: if Node lets a session live longer than a cookie can, it
// lives as long as a cookie can, also after Go has read it, and its cookie stays persistent.
func TestAMaxAgeOfNodeThatNoBrowserKeepsIsClamped(t *testing.T) {
	for _, row := range []struct {
		maxAge string
		want   time.Duration // the time to live, with an absolute limit of 400 days
	}{
		{"86400000", day},
		{"34560000000", 400 * day},
		{"34560000001", 400 * day},
		{"315360000000", 400 * day}, // ten years
		{"1e12", 400 * day},
		{"1e300", 400 * day},
		{"99999999999999999999", 400 * day},
		{"0", 7 * day},
		{"-1", 7 * day},
		{"null", 7 * day},
		{`"tomorrow"`, 7 * day},
	} {
		synctest.Test(t, func(t *testing.T) {
			st := newScripted()
			m := newManager(t, st, func(c *session.Config) {
				c.AbsoluteTimeout, c.IdleTimeout = 400*day, 7*day
				c.AlsoAccept = []session.Accept{{Name: "old", Codec: session.Express(secret), Reissue: true}}
			})
			st.put("ID", `{"cookie":{"originalMaxAge":`+row.maxAge+`,"expires":null,"httpOnly":true,"path":"/"},"text":"v"}`)
			b := open(t, m)
			b.SetCookie("old", expressValue(t, secret, "ID"))
			a := b.Get(path())
			a.Want(t, 200, `"text":"v"`)
			if got := st.ttls["ID"]; got != row.want {
				t.Errorf("originalMaxAge %s: time to live %v after a read, want %v", row.maxAge, got, row.want)
			}
			persistent := strings.Contains(a.Header.Get("Set-Cookie"), "; Expires=")
			if want := row.want != 7*day; persistent != want {
				t.Errorf("originalMaxAge %s: sent %q, want a persistent cookie: %t", row.maxAge, a.Header.Get("Set-Cookie"), want)
			}
			if got := st.record("ID"); !strings.Contains(got, `"originalMaxAge":`+row.maxAge) {
				t.Errorf("Node's own value changed: %s", got)
			}
		})
	}
}

// TestRefreshAfterIsHonouredWithPersistent: the record of a persistent cookie contains the idle timeout,
// which is the configured one.
func TestRefreshAfterIsHonouredWithPersistent(t *testing.T) {
	for _, persistent := range []bool{false, true} {
		for _, row := range []struct {
			age  string // a lifetime of its own; "" for none
			want int    // refreshes in ten reads, one per hour
		}{{"", 0}, {"720h", 0}, {"10h", 10}, {"5m", 10}} {
			synctest.Test(t, func(t *testing.T) {
				st := newScripted()
				m := newManager(t, st, func(c *session.Config) {
					c.Persistent, c.RefreshAfter = persistent, 12*time.Hour
				})
				b := open(t, m)
				ops := []string{"set text v"}
				if row.age != "" {
					ops = append(ops, "age "+row.age)
				}
				b.Get(path(ops...)).Want(t, 200, "")
				st.ops()
				for range 10 {
					time.Sleep(time.Hour)
					b.Get(path()).Want(t, 200, `"text":"v"`)
				}
				if got := strings.Count(strings.Join(st.ops(), " "), "Update"); got != row.want {
					t.Errorf("persistent %t, a lifetime of its own %q: %d refreshes, want %d", persistent, row.age, got, row.want)
				}
			})
		}
	}
}

// TestAFailedRefreshIsALineNowAndThen: while the store refuses writes, sessions expire although they are
// used. The operator should see that, but not for every request.
func TestAFailedRefreshIsALineNowAndThen(t *testing.T) {
	for _, row := range []struct {
		name string
		what sessiontest.Fate
		rest func(st *scripted) // what another request does between load and refresh; nil for nothing
		want int                // lines in ten minutes
	}{
		{"an outage", sessiontest.Fail, nil, 10},
		{"lost answers", sessiontest.LoseReply, nil, 10},
		{"another request writes", sessiontest.Pass, func(st *scripted) {
			for _, id := range st.ids() {
				st.put(id, strings.Replace(st.record(id), `"text":"v`, `"text":"vv`, 1))
			}
		}, 0},
		{"the session ends", sessiontest.Pass, func(st *scripted) { clear(st.records) }, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st, log := newScripted(), new(logText)
				m := newManager(t, st, func(c *session.Config) {
					c.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
					c.RefreshAfter = time.Second
				})
				var visitors []func() int
				for range 3 {
					b := open(t, m)
					b.Get(path("set text v")).Want(t, 200, "")
					visitors = append(visitors, func() int { return b.Get("/?op=slot").StatusCode })
				}
				st.before = func(_ context.Context, c call) sessiontest.Fate {
					if c.Op != "Update" {
						return sessiontest.Pass
					}
					if row.rest != nil {
						row.rest(st)
					}
					return row.what
				}
				for range 100 {
					time.Sleep(6 * time.Second)
					for _, visit := range visitors {
						visit()
					}
				}
				lines := strings.Count(log.String(), "level=WARN")
				if lines != row.want {
					t.Errorf("%d lines, want %d: %s", lines, row.want, log)
				}
			})
		})
	}
}
