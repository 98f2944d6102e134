package guard_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy"
)

func TestSuccessOptions(t *testing.T) {
	w := newWorld(t)
	w.record()
	local := func(o guard.LogInOptions) http.Handler { return w.Authenticate("local")(w.LogInWith(o)(nil)) }
	w.mux.Handle("POST /redirect", local(guard.LogInOptions{SuccessRedirect: "/home"}))
	w.mux.Handle("POST /back", local(guard.LogInOptions{SuccessRedirect: "/home", ReturnTo: true}))
	w.mux.Handle("POST /flash", local(guard.LogInOptions{SuccessRedirect: "/home", SuccessFlash: "Welcome", SuccessMessage: "Hi"}))
	w.mux.Handle("POST /code", w.Authenticate("totp")(w.LogInWith(guard.LogInOptions{SuccessRedirect: "/home", ReturnTo: true})(nil)))
	for _, row := range []struct {
		name, returnTo, path, want, record string
	}{
		{"a redirect", "", "/redirect", "/home", `"passport"`},
		{"the parameter is ignored unless asked for", "", "/redirect?return_to=/page", "/home", `"passport"`},
		{"back to the page in the query", "", "/back?return_to=/page%3Fa%3Db", "/page?a=b", `"passport"`},
		{"back to the page in the session", "/kept", "/back", "/kept", `"passport"`},
		{"the session goes before the query", "/kept", "/back?return_to=/page", "/kept", `"passport"`},
		{"an unsafe page in the session is passed over", "//evil.example", "/back?return_to=/page", "/page", `"passport"`},
		{"no safe page is the fall-back", "", "/back?return_to=//evil.example", "/home", `"passport"`},
		{"flash and message", "", "/flash", "/home", `"flash":{"success":["Welcome"]},"messages":["Hi"]`},
	} {
		b := w.open()
		if row.returnTo != "" {
			b.Get("/put?k=returnTo&v="+row.returnTo).Want(t, 200, "")
		}
		a := b.Post(row.path, "email", "joe@test.com", "password", password)
		if got := a.Header.Get("Location"); a.StatusCode != 303 || got != row.want {
			t.Errorf("%s: got %d to %q, want 303 to %q", row.name, a.StatusCode, got, row.want)
		}
		text := b.Get("/record").Text
		if !strings.Contains(text, row.record) || strings.Contains(text, "returnTo") {
			t.Errorf("%s: got record %s, want %s in it, and no returnTo", row.name, text, row.record)
		}
	}

	w.second.user, w.second.err = &User{ID: 1}, nil
	w.second.info = &strategy.Info{ReturnTo: "/flow"}
	if got := w.open().Post("/code?return_to=/page").Header.Get("Location"); got != "/flow" {
		t.Errorf("the strategy's own page: got %q, want /flow", got)
	}
}

func TestReturnToComesFromTheForm(t *testing.T) {
	w := newWorld(t)
	back := w.Authenticate("local")(w.LogInWith(guard.LogInOptions{SuccessRedirect: "/home", ReturnTo: true})(nil))
	w.mux.Handle("POST /back", back)
	w.mux.Handle("POST /parsed", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		back.ServeHTTP(rw, r)
	}))
	for _, path := range []string{"/back", "/parsed"} {
		for _, row := range []struct{ page, want string }{{"/page", "/page"}, {"https://evil.example/", "/home"}} {
			a := w.open().Post(path, "email", "joe@test.com", "password", password, "return_to", row.page)
			if got := a.Header.Get("Location"); got != row.want {
				t.Errorf("%s, return_to %q: got %q, want %q", path, row.page, got, row.want)
			}
		}
	}
}

func TestRememberMe(t *testing.T) {
	remember := func(r *http.Request) (time.Duration, bool) {
		return 7 * 24 * time.Hour, r.URL.Query().Get("remember") == "on"
	}
	w := newWorld(t)
	w.record()
	w.mux.Handle("POST /in", w.Authenticate("local")(w.LogInWith(guard.LogInOptions{Remember: remember})(w.hello())))
	for _, row := range []struct {
		path       string
		persistent bool
		record     string
	}{
		{"/in", false, `"originalMaxAge":null`},
		{"/in?remember=on", true, `"originalMaxAge":604800000`},
	} {
		b := w.open()
		a := b.Post(row.path, "email", "joe@test.com", "password", password)
		a.Want(t, 200, "hello joe")
		if got := !a.Cookies()[0].Expires.IsZero(); got != row.persistent {
			t.Errorf("%s: got a persistent cookie %v, want %v", row.path, got, row.persistent)
		}
		b.Get("/record").Want(t, 200, row.record)
	}
}
