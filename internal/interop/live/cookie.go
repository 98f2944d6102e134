package live

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

// send requests path with exactly this Cookie header.
func send(w *World, p peer, path, header string) answer {
	w.Helper()
	v := newVisitor(w.T)
	v.client.Jar = nil
	v.client.Transport = headers{"Cookie": {header}}
	return v.get(p, path)
}

// headers is a transport that adds itself to every request.
type headers http.Header

func (h headers) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	maps.Copy(r.Header, h)
	return http.DefaultTransport.RoundTrip(r)
}

// cookieScenarios: both sides use the same cookie.
var cookieScenarios = []scenario{
	{"the secret rotates, Go first", func(w *World) { rotate(w, "Go") }},
	{"the secret rotates, Node first", func(w *World) { rotate(w, "Node") }},
	{"percent-encoded and raw cookies", func(w *World) {
		express, goApp := w.pair()
		for _, from := range []peer{express, goApp.peer} {
			v := newVisitor(w.T)
			v.logIn(from, joe)
			encoded := v.cookie("connect.sid")
			raw, err := url.PathUnescape(encoded)
			if err != nil || !strings.HasPrefix(encoded, "s%3A") || !strings.HasPrefix(raw, "s:") {
				w.Fatalf("the cookie is %q, want it percent-encoded", encoded)
			}
			for _, header := range []string{encoded, raw, strings.Replace(encoded, "s%3A", "s%3a", 1), `"` + raw + `"`} {
				for _, to := range []peer{express, goApp.peer} {
					send(w, to, "/whoami", "a=b; connect.sid="+header+"; c=d").want(w.T, header, "1")
				}
			}
		}
	}},
	{"a cookie that Node wrote by cookie 2.x", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(express, joe)
		v.get(express, "/raw").ok(w.T, "raw")
		if c := v.cookie("connect.sid"); !strings.HasPrefix(c, "s:") {
			w.Fatalf("the cookie is %q, want it raw", c)
		}
		v.isUser(goApp.peer, "Go", "1")
		v.isUser(express, "Node", "1")
	}},
	{"a stale cookie before the live one", func(w *World) {
		express, goApp := w.pair()
		stale, live := newVisitor(w.T), newVisitor(w.T)
		stale.logIn(express, joe)
		live.logIn(express, jen)
		old := stale.cookie("connect.sid")
		stale.post(express, "/destroy", nil).ok(w.T, "destroy")
		send(w, goApp.peer, "/whoami", "connect.sid="+old+"; connect.sid="+live.cookie("connect.sid")).want(w.T, "Go tries both", "2")
	}},
	{"a forged cookie is nobody's on both sides", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(express, joe)
		id, _, _ := strings.Cut(v.cookie("connect.sid"), ".")
		for _, p := range []peer{express, goApp.peer} {
			if a := send(w, p, "/whoami", "connect.sid="+id+".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"); a.StatusCode != http.StatusUnauthorized {
				w.Errorf("%s: got %d, want 401", p, a.StatusCode)
			}
		}
	}},
	{"rolling cookies of Node", func(w *World) {
		express := w.express(options{Session: map[string]any{"rolling": true, "cookie": map[string]any{"maxAge": 3600000}}})
		goApp := w.goApp(goOptions{})
		v := newVisitor(w.T)
		v.logIn(goApp.peer, joe)
		v.post(goApp.peer, "/age?ms=3600000", nil).ok(w.T, "age")
		for range 3 {
			a := v.get(express, "/whoami")
			a.want(w.T, "Node", "1")
			if c := a.Cookies(); len(c) != 1 || time.Until(c[0].Expires) < 59*time.Minute {
				w.Errorf("Node's cookie: %v, want one that lives for an hour", c)
			}
			v.isUser(goApp.peer, "Go", "1")
		}
	}},
	{"rolling cookies of Go", func(w *World) {
		express := w.express(options{})
		goApp := w.goApp(goOptions{edit: func(c *session.Config) {
			c.Rolling, c.Persistent, c.RefreshAfter = true, true, time.Millisecond
		}})
		v := newVisitor(w.T)
		v.logIn(express, joe)
		v.post(express, "/age?ms=3600000", nil).ok(w.T, "age")
		for range 3 {
			a := v.get(goApp.peer, "/whoami")
			a.want(w.T, "Go", "1")
			if c := a.Cookies(); len(c) != 1 || time.Until(c[0].Expires) < 59*time.Minute {
				w.Errorf("Go's cookie: %v, want one that lives for an hour", c)
			}
			v.isUser(express, "Node", "1")
		}
	}},
	{"the cookie's attributes are what both were told", func(w *World) {
		express := w.express(options{Session: map[string]any{"cookie": map[string]any{"sameSite": "lax", "httpOnly": true, "path": "/"}}})
		goApp := w.goApp(goOptions{})
		var lines []string
		for _, p := range []peer{express, goApp.peer} {
			a := newVisitor(w.T).logIn(p, joe)
			_, attributes, _ := strings.Cut(a.Header.Get("Set-Cookie"), "; ")
			list := strings.Split(attributes, "; ")
			slices.Sort(list)
			lines = append(lines, strings.Join(list, "; "))
		}
		if lines[0] != lines[1] {
			w.Errorf("Node's %q, Go's %q", lines[0], lines[1])
		}
	}},
}
