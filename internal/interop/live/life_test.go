//go:build integration

package live_test

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

const day = 24 * time.Hour

// lifeScenarios: use on one side keeps the session alive for the other.
var lifeScenarios = []scenario{
	{"Node's touch keeps Go's session alive", func(w *world) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(goApp.peer, joe)
		key, before := w.record()
		w.shorten(key, time.Minute)
		v.isUser(express, "Node", "1")
		w.eventually("touch", func() bool { return w.left(key) > day-time.Minute })
		if _, after := w.record(); after != before {
			w.Errorf("touch changed the record from %s to %s", before, after)
		}
		v.isUser(goApp.peer, "Go", "1")
	}},
	{"Go's refresh keeps Node's session alive", func(w *world) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(express, joe)
		key, _ := w.record()
		w.shorten(key, time.Minute)
		v.isUser(goApp.peer, "Go", "1")
		if left := w.left(key); left < day-time.Minute {
			w.Errorf("the session lives for %v more, want about a day", left)
		}
		v.isUser(express, "Node", "1")
	}},
	{"an expires that touch left in the past ends nothing", func(w *world) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(express, joe)
		key, _ := w.record()
		past := `{"cookie":{"originalMaxAge":3600000,"expires":"2020-01-01T00:00:00.000Z","httpOnly":true,"path":"/"},"passport":{"user":1}}`
		if err := w.client.SetArgs(w.Context(), key, past, keepTTL).Err(); err != nil {
			w.Fatal(err)
		}
		v.isUser(goApp.peer, "Go", "1")
		if _, data := w.record(); strings.Contains(data, "2020") {
			w.Errorf("Go left the past in the record: %s", data)
		}
		v.isUser(express, "Node", "1")
	}},
	{"a maxAge that Node gave is honoured by Go's refresh", func(w *world) {
		express := w.express(options{Session: map[string]any{"cookie": map[string]any{"maxAge": 3600000}}})
		goApp := w.goApp(goOptions{edit: func(c *session.Config) { c.RefreshAfter = time.Millisecond }})
		v := newVisitor(w.T)
		v.logIn(express, joe)
		key, _ := w.record()
		w.shorten(key, time.Minute)
		v.isUser(goApp.peer, "Go", "1")
		if left := w.left(key); left < 59*time.Minute || left > time.Hour {
			w.Errorf("the session lives for %v more, want an hour", left)
		}
		if expires := w.expires(); time.Until(expires) < 59*time.Minute || time.Until(expires) > time.Hour {
			w.Errorf("expires is in %v, want in an hour", time.Until(expires))
		}
		v.isUser(express, "Node", "1")
	}},
	{"a maxAge that Go gave is honoured by Node's touch", func(w *world) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(goApp.peer, joe)
		v.post(goApp.peer, "/age?ms=3600000", nil).ok(w.T, "age")
		key, _ := w.record()
		w.shorten(key, time.Minute)
		v.isUser(express, "Node", "1")
		w.eventually("touch", func() bool { left := w.left(key); return left > 59*time.Minute && left <= time.Hour })
	}},
	{"a maxAge that Node gave one session", func(w *world) {
		express := w.express(options{})
		goApp := w.goApp(goOptions{edit: func(c *session.Config) { c.RefreshAfter = time.Millisecond }})
		v := newVisitor(w.T)
		v.logIn(express, joe)
		v.post(express, "/age?ms=7200000", nil).ok(w.T, "age")
		key, _ := w.record()
		w.shorten(key, time.Minute)
		v.isUser(goApp.peer, "Go", "1")
		if left := w.left(key); left < 119*time.Minute || left > 2*time.Hour {
			w.Errorf("the session lives for %v more, want two hours", left)
		}
	}},
	{"both take turns, and the session outlives its first life", func(w *world) {
		express := w.express(options{Session: map[string]any{"cookie": map[string]any{"maxAge": 3600000}}})
		goApp := w.goApp(goOptions{edit: func(c *session.Config) { c.RefreshAfter = time.Millisecond }})
		v := newVisitor(w.T)
		v.logIn(express, joe)
		key, _ := w.record()
		for range 4 {
			w.redis.Advance(w.T, 50*time.Minute)
			v.isUser(goApp.peer, "Go", "1")
			w.redis.Advance(w.T, 50*time.Minute)
			v.isUser(express, "Node", "1")
			w.eventually("touch", func() bool { return w.left(key) > 59*time.Minute })
		}
		w.redis.Advance(w.T, 61*time.Minute)
		v.isNobody(goApp.peer, "Go, after an hour unused")
		v.isNobody(express, "Node, after an hour unused")
	}},
	{"Node's touch does not extend Go's absolute limit", func(w *world) {
		express := w.express(options{})
		goApp := w.goApp(goOptions{edit: func(c *session.Config) { c.IdleTimeout, c.AbsoluteTimeout = time.Second, time.Second }})
		v := newVisitor(w.T)
		v.logIn(goApp.peer, joe)
		key, _ := w.record()
		v.isUser(express, "Node", "1")
		w.eventually("touch", func() bool { return w.left(key) > time.Hour })
		w.eventually("the limit", func() bool { return v.get(goApp.peer, "/protected").StatusCode == 401 })
	}},
}

// expires is the cookie.expires of the only session.
func (w *world) expires() time.Time {
	w.Helper()
	_, data := w.record()
	var record struct{ Cookie struct{ Expires time.Time } }
	if err := json.Unmarshal([]byte(data), &record); err != nil {
		w.Fatal(err)
	}
	return record.Cookie.Expires
}
