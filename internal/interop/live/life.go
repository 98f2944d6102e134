package live

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

const day = 24 * time.Hour

// lifeScenarios: use on one side keeps the session alive for the other.
var lifeScenarios = []scenario{
	{"Node's touch keeps Go's session alive", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(goApp.peer, joe)
		w.letTouch(express, v)
		id, before := w.record()
		w.shorten(id, time.Minute)
		v.isUser(express, "Node", "1")
		w.eventually("touch", func() bool { return w.left(id) > day-time.Minute })
		if _, after := w.record(); after != before {
			w.Errorf("touch changed the record from %s to %s", before, after)
		}
		v.isUser(goApp.peer, "Go", "1")
	}},
	{"Go's refresh keeps Node's session alive", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(express, joe)
		id, _ := w.record()
		w.shorten(id, time.Minute)
		v.isUser(goApp.peer, "Go", "1")
		if left := w.left(id); left < day-time.Minute {
			w.Errorf("the session lives for %v more, want about a day", left)
		}
		v.isUser(express, "Node", "1")
	}},
	{"an expires that touch left in the past ends nothing", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(express, joe)
		id, _ := w.record()
		past := `{"cookie":{"originalMaxAge":3600000,"expires":"2020-01-01T00:00:00.000Z","httpOnly":true,"path":"/"},"passport":{"user":1}}`
		w.place.Put(w.T, id, past)
		v.isUser(goApp.peer, "Go", "1")
		if _, data := w.record(); strings.Contains(data, "2020") {
			w.Errorf("Go left a date in the past in the record: %s", data)
		}
		v.isUser(express, "Node", "1")
	}},
	{"a maxAge that Node gave is honoured by Go's refresh", func(w *World) {
		express := w.express(options{Session: map[string]any{"cookie": map[string]any{"maxAge": 3600000}}})
		goApp := w.goApp(goOptions{edit: func(c *session.Config) { c.RefreshAfter = time.Millisecond }})
		v := newVisitor(w.T)
		v.logIn(express, joe)
		id, _ := w.record()
		w.shorten(id, time.Minute)
		v.isUser(goApp.peer, "Go", "1")
		if left := w.left(id); left < 59*time.Minute || left > time.Hour+time.Second {
			w.Errorf("the session lives for %v more, want an hour", left)
		}
		if expires := w.expires(); time.Until(expires) < 59*time.Minute || time.Until(expires) > time.Hour {
			w.Errorf("expires is in %v, want in an hour", time.Until(expires))
		}
		v.isUser(express, "Node", "1")
	}},
	{"a maxAge that Go gave is honoured by Node's touch", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(goApp.peer, joe)
		v.post(goApp.peer, "/age?ms=3600000", nil).ok(w.T, "age")
		id, _ := w.record()
		w.shorten(id, time.Minute)
		v.isUser(express, "Node", "1")
		w.eventually("touch", func() bool { left := w.left(id); return left > 59*time.Minute && left <= time.Hour+time.Second })
	}},
	{"a maxAge that Node gave one session", func(w *World) {
		express := w.express(options{})
		goApp := w.goApp(goOptions{edit: func(c *session.Config) { c.RefreshAfter = time.Millisecond }})
		v := newVisitor(w.T)
		v.logIn(express, joe)
		v.post(express, "/age?ms=7200000", nil).ok(w.T, "age")
		id, _ := w.record()
		w.shorten(id, time.Minute)
		v.isUser(goApp.peer, "Go", "1")
		if left := w.left(id); left < 119*time.Minute || left > 2*time.Hour+time.Second {
			w.Errorf("the session lives for %v more, want two hours", left)
		}
	}},
	{"both take turns, and the session outlives its first life", func(w *World) {
		express := w.express(options{Session: map[string]any{"cookie": map[string]any{"maxAge": 3600000}}})
		goApp := w.goApp(goOptions{edit: func(c *session.Config) { c.RefreshAfter = time.Millisecond }})
		v := newVisitor(w.T)
		v.logIn(express, joe)
		id, _ := w.record()
		for range 4 {
			w.place.Advance(w.T, 50*time.Minute)
			v.isUser(goApp.peer, "Go", "1")
			w.place.Advance(w.T, 50*time.Minute)
			v.isUser(express, "Node", "1")
			w.eventually("touch", func() bool { return w.left(id) > 59*time.Minute })
		}
		w.place.Advance(w.T, 61*time.Minute)
		v.isNobody(goApp.peer, "Go, after an hour unused")
		v.isNobody(express, "Node, after an hour unused")
	}},
	{"what is over is removed by either side, and nothing else", func(w *World) {
		express, goApp := w.pair()
		for _, pruner := range []peer{express, goApp.peer} {
			var left string
			for _, p := range []peer{express, goApp.peer, express} {
				v := newVisitor(w.T)
				v.logIn(p, joe)
				if left == "" {
					left = w.idOf(v)
					continue
				}
				w.shorten(w.idOf(v), -time.Hour)
				v.isNobody(goApp.peer, "Go, when the session is over")
				v.isNobody(express, "Node, when the session is over")
			}
			switch s, ok := goApp.store.(sweeper); {
			case pruner == express:
				for _, method := range []string{"pruneSessions", "clearExpiredSessions", "dbCleanup"} {
					if w.has(method) {
						newVisitor(w.T).post(express, "/store/"+method, nil).ok(w.T, method)
					}
				}
			case ok:
				if n, err := s.Sweep(w.Context()); n < 2 || err != nil {
					w.Errorf("Go removed %d, %v; want the two sessions at least", n, err)
				}
			}
			if ids := w.ids(); !slices.Equal(ids, []string{left}) {
				w.Errorf("sessions left: %q, want %q", ids, left)
			}
			w.place.Empty(w.T)
		}
	}},
	{"Node's touch does not extend Go's absolute limit", func(w *World) {
		const limit = 10 * time.Minute
		express := w.express(options{})
		goApp := w.goApp(goOptions{edit: func(c *session.Config) { c.IdleTimeout, c.AbsoluteTimeout = limit, limit }})
		v := newVisitor(w.T)
		v.logIn(goApp.peer, joe)
		w.letTouch(express, v)
		id, _ := w.record()
		v.isUser(express, "Node", "1")
		w.eventually("touch", func() bool { return w.left(id) > time.Hour })
		v.isUser(goApp.peer, "Go, before the limit", "1")
		w.age(limit)
		v.isNobody(goApp.peer, "Go, at the limit")
	}},
}

// age makes the only session, and its log-in, begin d earlier: all times in Go's notes are changed.
func (w *World) age(d time.Duration) {
	w.Helper()
	id, data := w.record()
	began := regexp.MustCompile(`"(at|b|s)":[0-9]{13}`)
	if !strings.Contains(strings.Join(began.FindAllString(data, -1), ""), `"b":`) {
		w.Fatalf("want the time at which Go began the session, got the record %s", data)
	}
	w.place.Put(w.T, id, began.ReplaceAllStringFunc(data, func(member string) string {
		name, ms, _ := strings.Cut(member, ":")
		at, _ := strconv.ParseInt(ms, 10, 64)
		return fmt.Sprint(name, ":", at-d.Milliseconds())
	}))
}

// expires returns the cookie.expires of the only session.
func (w *World) expires() time.Time {
	w.Helper()
	_, data := w.record()
	var record struct{ Cookie struct{ Expires time.Time } }
	if err := json.Unmarshal([]byte(data), &record); err != nil {
		w.Fatal(err)
	}
	return record.Cookie.Expires
}

// letTouch gives a session a maxAge of a day, if Node's store touches no others.
func (w *World) letTouch(express peer, v *visitor) {
	w.Helper()
	if !w.place.TouchesAll() {
		v.post(express, "/age?ms=86400000", nil).ok(w.T, "age")
	}
}
