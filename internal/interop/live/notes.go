package live

import (
	"net/http"
	"testing"
)

// NotesThatNodeCopies makes Node's passport log out and in again in a session that Go made, with and
// without keepSessionInfo, and checks which of its notes Go still uses.
func NotesThatNodeCopies(w *World) {
	for _, row := range []struct {
		name          string
		logOut, logIn string // "" means none
	}{
		{"log-out, log-in", "/auth/logout", "/auth/login"},
		{"log-out that keeps, log-in that keeps", "/auth/logout?keep", "/auth/login-and-keep"},
		{"log-out that keeps, log-in", "/auth/logout?keep", "/auth/login"},
		{"log-in that keeps, over the other", "", "/auth/login-and-keep"},
		{"all members copied by hand", "/copy", ""},
	} {
		w.Run(row.name, func(t *testing.T) { nodeCopies(w.Fresh(t), row.logOut, row.logIn) })
	}
	w.Run("a log-in that keeps over what an anonymous visitor had", func(t *testing.T) {
		w := w.Fresh(t)
		express, goApp := w.pair()
		v := newVisitor(t)
		v.post(goApp.peer, "/set", map[string]any{"cart": "full"}).ok(t, "set")
		v.post(express, "/auth/login-and-keep", joe).ok(t, "log in")
		v.isUser(goApp.peer, "Go", "1")
		v.get(goApp.peer, "/get?key=cart").want(t, "what was kept", `"full"`)
		wantOut(w, goApp, v, 1)
	})
}

func nodeCopies(w *World, logOut, logIn string) {
	stamp := "the first password"
	express, goApp := w.express(options{}), w.goApp(goOptions{stamp: func() string { return stamp }})
	v := newVisitor(w.T)
	v.logIn(goApp.peer, joe)
	v.get(goApp.peer, "/proved").ok(w.T, "proved")
	v.get(goApp.peer, "/fresh").ok(w.T, "fresh")
	if logOut != "" {
		v.post(express, logOut, nil).ok(w.T, "log out")
	}
	if logIn != "" {
		v.post(express, logIn, joe).ok(w.T, "log in")
	}
	if logOut == "" && w.oldPassport() {
		// The same user in the same place of the same record: no byte shows that anything happened, and
		// whoever has the cookie had it before.
		v.isUser(goApp.peer, "Go", "1")
		return
	}
	for range 2 {
		for _, path := range []string{"/proved", "/fresh"} {
			if a := v.get(goApp.peer, path); a.StatusCode != http.StatusUnauthorized {
				w.Errorf("%s by a log-in of Node: got %d %s, want 401", path, a.StatusCode, a.text)
			}
		}
		v.isUser(goApp.peer, "Go", "1")
	}
	stamp = "the second password"
	v.isUser(goApp.peer, "Go, after a change that concerns log-ins by Go", "1")
	wantOut(w, goApp, v, 1)
}

// wantOut logs Joe out everywhere, which must end n sessions, including the visitor's.
func wantOut(w *World, goApp *goApp, v *visitor, n int) {
	w.Helper()
	if got, err := goApp.auth.LogOutEverywhere(w.Context(), users[0]); got != n || err != nil {
		w.Errorf("LogOutEverywhere() = %d, %v; want %d", got, err, n)
	}
	v.isNobody(goApp.peer, "Go, after LogOutEverywhere")
}
