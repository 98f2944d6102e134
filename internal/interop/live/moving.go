package live

import (
	"net/http"

	"github.com/seed-6f34412b/passport/session"
)

// MovingForGood goes through docs/MIGRATING.md: Node alone, Go beside it, Go with its own cookie, Node
// switched off, the old cookie no longer accepted. Two users log in at the beginning, one on each side, and
// nobody logs in again. It switches the world's Node off.
func MovingForGood(w *World) {
	express := w.express(options{})
	joes, jens := newVisitor(w.T), newVisitor(w.T)
	joes.logIn(express, joe)
	joes.post(express, "/set", map[string]any{"cart": []int{7}}).ok(w.T, "set")

	beside := w.goApp(goOptions{}) // with the same cookie and the same records
	jens.logIn(beside.peer, jen)
	for _, p := range []peer{express, beside.peer} {
		joes.isUser(p, "beside", "1")
		jens.isUser(p, "beside", "2")
	}

	moving := w.goApp(goOptions{edit: func(c *session.Config) {
		c.Codec = session.SecureCookie("a new secret, which Node never had")
		c.AlsoAccept = []session.Accept{{Codec: session.Express(secrets[0]), Reissue: true}}
	}})
	keys := w.ids()
	for id, v := range map[string]*visitor{"1": joes, "2": jens} {
		a := v.get(moving.peer, "/whoami")
		a.want(w.T, "moving", id)
		if c := a.Cookies(); len(c) != 1 || c[0].Name != "sid" {
			w.Fatalf("cookies of the first answer: %v, want sid", c)
		}
		v.isUser(express, "Node, while it is still there", id)
		if a := v.get(moving.peer, "/whoami"); len(a.Cookies()) != 0 {
			w.Errorf("cookies of the second answer: %v, want none", a.Cookies())
		}
	}
	if after := w.ids(); len(after) != len(keys) || after[0] != keys[0] || after[1] != keys[1] {
		w.Errorf("sessions are %q, want the same as before: %q", after, keys)
	}

	w.node.stop()
	if _, err := joes.try(http.MethodGet, express, "/", nil); err == nil {
		w.Fatal("Node still answers")
	}
	joes.isUser(moving.peer, "Node is off", "1")

	alone := w.goApp(goOptions{edit: func(c *session.Config) {
		c.Codec = session.SecureCookie("a new secret, which Node never had")
	}})
	joes.isUser(alone.peer, "Go alone", "1")
	jens.isUser(alone.peer, "Go alone", "2")
	joes.get(alone.peer, "/get?key=cart").want(w.T, "what was put into the cart in Node", "[7]")
	late := newVisitor(w.T)
	late.client.Transport = headers{"Cookie": {"connect.sid=" + joes.cookie("connect.sid")}}
	late.isNobody(alone.peer, "the old cookie alone")

	joes.logOut(alone.peer)
	joes.isNobody(alone.peer, "after log-out")
	joes.isNobody(moving.peer, "after log-out, for a program that still takes the old cookie")
}

// MovingCanBeRolledBack shows that going back to Node alone is possible as long as the old cookie is still
// accepted. Only log-ins that Go made under its own cookie are unknown to Node.
func MovingCanBeRolledBack(w *World) {
	express := w.express(options{})
	moving := w.goApp(goOptions{edit: func(c *session.Config) {
		c.Codec = session.SecureCookie("a new secret, which Node never had")
		c.AlsoAccept = []session.Accept{{Codec: session.Express(secrets[0]), Reissue: true}}
	}})
	joes, jens := newVisitor(w.T), newVisitor(w.T)
	joes.logIn(express, joe)
	joes.isUser(moving.peer, "Go", "1")
	jens.logIn(moving.peer, jen)
	joes.isUser(express, "rolled back", "1")
	jens.isNobody(express, "rolled back, logged in under the new cookie")
	jens.logIn(express, jen)
	jens.isUser(express, "logged in again", "2")
}
