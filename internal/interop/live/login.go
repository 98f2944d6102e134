package live

import (
	"net/http"

	"github.com/seed-6f34412b/passport/session"
)

// logInScenarios: who is logged in on one side is logged in on the other.
var logInScenarios = []scenario{
	{"Node logs in, Go sees the user", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.isNobody(goApp.peer, "Go, before")
		v.logIn(express, joe)
		v.isUser(goApp.peer, "Go", "1")
		v.isUser(express, "Node, after Go wrote", "1")
	}},
	{"Go logs in, Node sees the user", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.isNobody(express, "Node, before")
		v.logIn(goApp.peer, jen)
		v.isUser(express, "Node", "2")
		v.isUser(goApp.peer, "Go", "2")
	}},
	{"Node logs out, Go says 401", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(goApp.peer, joe)
		late := v.twin()
		v.isUser(express, "Node", "1")
		v.logOut(express)
		v.isNobody(goApp.peer, "Go")
		late.isNobody(goApp.peer, "Go with the cookie of before")
	}},
	{"Go logs out, Node says 401", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(express, joe)
		late := v.twin()
		v.isUser(goApp.peer, "Go", "1")
		v.logOut(goApp.peer)
		v.isNobody(express, "Node")
		late.isNobody(express, "Node with the cookie of before")
		if ids := w.ids(); len(ids) != 0 {
			w.Errorf("sessions left: %q", ids)
		}
	}},
	{"Node destroys the session, Go says 401", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(goApp.peer, joe)
		v.post(express, "/destroy", nil).ok(w.T, "destroy")
		v.isNobody(goApp.peer, "Go")
	}},
	{"Go destroys the session, Node says 401", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(express, joe)
		v.post(goApp.peer, "/destroy", nil).ok(w.T, "destroy")
		v.isNobody(express, "Node")
	}},
	{"Go logs another user in over Node's session", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(express, joe)
		v.post(express, "/set", map[string]any{"cart": "Joe's"}).ok(w.T, "set")
		late := v.twin()
		v.logIn(goApp.peer, jen)
		v.isUser(express, "Node", "2")
		v.get(express, "/get?key=cart").want(w.T, "what Joe had", "null")
		late.isNobody(express, "Node with Joe's cookie")
		late.isNobody(goApp.peer, "Go with Joe's cookie")
	}},
	{"Node logs another user in over Go's session", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(goApp.peer, joe)
		late := v.twin()
		v.logIn(express, jen)
		v.isUser(goApp.peer, "Go", "2")
		if w.oldPassport() { // passport before 0.6 keeps the id
			late.isUser(goApp.peer, "Go with the cookie of before", "2")
			return
		}
		late.isNobody(goApp.peer, "Go with Joe's cookie")
	}},
	{"a new id by Go, Node follows", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(express, joe)
		late := v.twin()
		v.post(goApp.peer, "/renew", nil).ok(w.T, "renew")
		v.isUser(express, "Node", "1")
		late.isNobody(express, "Node with the old id")
	}},
	{"a new id by Node, Go follows", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(goApp.peer, joe)
		late := v.twin()
		v.post(express, "/regenerate", nil).ok(w.T, "regenerate")
		v.post(express, "/set", map[string]any{"n": 1}).ok(w.T, "set")
		v.isNobody(goApp.peer, "Go: regenerate drops the log-in")
		v.get(goApp.peer, "/get?key=n").want(w.T, "n", "1")
		late.isNobody(goApp.peer, "Go with the old id")
	}},
	{"a user whom Node forgot about is anonymous in Go", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(express, joe)
		id, _ := w.record()
		record := `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"passport":{"user":99}}`
		w.place.Put(w.T, id, record)
		v.isNobody(goApp.peer, "Go")
		if ids := w.ids(); len(ids) != 0 {
			w.Errorf("the record of a user who no longer exists stays: %q", ids)
		}
	}},
	{"users as strings", func(w *World) { identity(w, "string", `"1"`) }},
	{"users as objects", func(w *World) { identity(w, "object", `{"id":1,"role":"admin"}`) }},
	{"a user of another JSON type is no log-in and no log-out", func(w *World) {
		express := w.express(options{})
		goApp := w.goApp(goOptions{identity: "string"})
		v := newVisitor(w.T)
		v.logIn(express, joe)
		if a := v.get(goApp.peer, "/protected"); a.StatusCode != http.StatusInternalServerError {
			w.Errorf("Go: got %d %s, want 500: a mistake of the program", a.StatusCode, a.text)
		}
		v.isUser(express, "Node still", "1")
	}},
	{"Go's log-in goes back to the page that Node noted", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.post(express, "/set", map[string]any{"returnTo": "/protected?from=node"}).ok(w.T, "set")
		v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		if a := v.post(goApp.peer, "/auth/login-and-return", joe); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/protected?from=node" {
			w.Errorf("got %d to %q, want 303 to the page", a.StatusCode, a.Header.Get("Location"))
		}
		v.isUser(express, "Node", "1")
		v.get(express, "/get?key=returnTo").want(w.T, "returnTo, used up", "null")
	}},
	{"log-out everywhere ends sessions that Node made, once Go wrote them", func(w *World) {
		express, goApp := w.pair()
		phone, laptop, fresh := newVisitor(w.T), newVisitor(w.T), newVisitor(w.T)
		phone.logIn(express, joe)
		laptop.logIn(goApp.peer, joe)
		fresh.logIn(express, joe)
		phone.post(goApp.peer, "/renew", nil).ok(w.T, "renew") // now it is a session by Go
		phone.isUser(goApp.peer, "Go", "1")
		if _, err := goApp.auth.LogOutEverywhere(w.Context(), users[0]); err != nil {
			w.Fatal(err)
		}
		laptop.isNobody(express, "Node: Go's session")
		phone.isNobody(express, "Node: its own session, taken over by Go")
		fresh.isUser(express, "Node: a session that Go never saw is not in the index", "1")
	}},
}

// identity tests users whom the session remembers by something other than a number. Nest has its own
// serializer and stores a number.
func identity(w *World, name, id string) {
	if w.onNest() {
		name, id = "number", "1"
	}
	express := w.express(options{Identity: name})
	goApp := w.goApp(goOptions{identity: name})
	one, other := newVisitor(w.T), newVisitor(w.T)
	one.logIn(express, joe)
	one.isUser(goApp.peer, "Go", id)
	other.logIn(goApp.peer, joe)
	other.isUser(express, "Node", id)
}

// rotate replaces a secret in the order in which nobody is logged out: first everyone accepts the new one,
// then everyone signs with it, then the old one is removed.
func rotate(w *World, first string) {
	old, both, turned, fresh := secrets[:1], secrets, []string{secrets[1], secrets[0]}, secrets[1:]
	steps := [][2][]string{{old, old}, {both, old}, {both, both}, {turned, both}, {turned, turned}, {fresh, turned}, {fresh, fresh}}
	visitors := map[string]*visitor{}
	for i, step := range steps {
		goSecrets, nodeSecrets := step[0], step[1]
		if first == "Node" {
			goSecrets, nodeSecrets = nodeSecrets, goSecrets
		}
		express := w.express(options{Session: map[string]any{"secret": nodeSecrets}})
		goApp := w.goApp(goOptions{edit: func(c *session.Config) { c.Codec = session.Express(goSecrets...) }})
		for name, v := range visitors {
			if i >= len(steps)-2 { // one side has dropped the old secret: only new cookies count
				break
			}
			v.isUser(goApp.peer, "Go: "+name, "1")
			v.isUser(express, "Node: "+name, "1")
		}
		for _, p := range []peer{express, goApp.peer} {
			v := newVisitor(w.T)
			v.logIn(p, joe)
			v.isUser(goApp.peer, "Go, at once", "1")
			v.isUser(express, "Node, at once", "1")
			visitors[v.cookie("connect.sid")] = v
		}
	}
	if want := 2 * len(steps); len(visitors) != want {
		w.Errorf("%d log-ins, want %d", len(visitors), want)
	}
}
