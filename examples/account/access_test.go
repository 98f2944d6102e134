package main_test

import (
	"context"
	"html"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	main "github.com/seed-6f34412b/passport/examples/account"
	"github.com/seed-6f34412b/passport/internal/browser"
)

// routes says who may pass each route. everybody: no log-in is needed. user: a user, or an administrator who
// acts as one. own: only the user. fresh: the same, after a recent log-in. admin: an administrator. fresh
// admin: the same, after a recent log-in. api: a user or a key. credentials: only requests with credentials.
var routes = map[string]string{
	"GET /{$}": "everybody", "GET /static/": "everybody", "GET /mailed": "everybody", "/": "everybody", "GET /outbox": "everybody",
	"GET /register": "everybody", "POST /register": "everybody", "GET /register/finish": "everybody", "POST /register/finish": "everybody",
	"GET /forgot": "everybody", "POST /forgot": "everybody", "GET /reset": "everybody", "POST /reset": "everybody",
	"GET /email/old": "everybody", "POST /email/old": "everybody", "GET /email/new": "own", "POST /email/new": "own",
	"GET /login": "everybody", "POST /login/link": "everybody", "GET /login/link": "everybody", "POST /login/passkey/options": "everybody",
	"GET /login/provider": "everybody", "POST /logout": "everybody", "GET /second": "everybody",
	"POST /login": "credentials", "POST /login/link/use": "credentials", "POST /login/passkey": "credentials", "GET /login/provider/callback": "everybody",
	"POST /second": "credentials", "POST /second/passkey": "credentials", "POST /second/passkey/options": "credentials",
	"GET /account": "user", "POST /account/name": "user",
	"GET /account/live": "own", "GET /account/live/stream": "own", "GET /account/devices": "own", "POST /account/devices/end": "own", "POST /account/devices/others": "own",
	"GET /account/kept": "fresh", "POST /account/kept": "fresh",
	"GET /account/password": "fresh", "POST /account/password": "fresh", "GET /account/email": "fresh", "POST /account/email": "fresh",
	"GET /account/security": "fresh", "POST /account/authenticator": "fresh", "GET /account/authenticator": "fresh",
	"POST /account/authenticator/confirm": "fresh", "POST /account/authenticator/remove": "fresh",
	"GET /account/recovery": "fresh", "POST /account/recovery": "fresh", "POST /account/recovery/saved": "fresh",
	"POST /account/passkeys/options": "fresh", "POST /account/passkeys": "fresh", "POST /account/passkeys/rename": "fresh", "POST /account/passkeys/remove": "fresh",
	"GET /account/keys": "fresh", "POST /account/keys": "fresh", "POST /account/keys/revoke": "fresh",
	"GET /account/linked": "fresh", "POST /account/linked/start": "fresh", "GET /account/linked/callback": "fresh", "POST /account/linked/confirm": "fresh", "POST /account/linked/remove": "fresh",
	"GET /account/delete": "fresh", "POST /account/delete": "fresh",
	"GET /api/me": "api",
	"GET /admin":  "fresh admin", "POST /admin/act": "fresh admin", "POST /admin/stop": "admin",
}

// visitor is a browser that calls the site's handler, without a network.
type visitor struct {
	*browser.Browser
	t      testing.TB
	origin string
}

func visit(t testing.TB, site http.Handler) visitor { return visitAt(t, site, main.Origin) }

func visitAt(t testing.TB, site http.Handler, origin string) visitor {
	b := browser.At(t, site, origin)
	b.Header("Accept", "text/html")
	return visitor{b, t, origin}
}

// link returns the link in the newest mail to an address.
func (v visitor) link(to string) string {
	v.t.Helper()
	_, text, _ := strings.Cut(v.Get("/outbox").Text, "To "+to)
	found := regexp.MustCompile(`href="` + v.origin + `([^"]*)"`).FindStringSubmatch(text)
	if found == nil {
		v.t.Fatalf("no mail to %s: %s", to, text)
	}
	return html.UnescapeString(found[1])
}

// hidden returns the value of a hidden field in a page.
func (v visitor) hidden(page, name string) string {
	v.t.Helper()
	found := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page)
	if found == nil {
		v.t.Fatalf("no field %s in %s", name, page)
	}
	return html.UnescapeString(found[1])
}

const secret = "four words nobody says"

// register makes an account; the visitor is logged in then.
func (v visitor) register(email string) visitor {
	v.t.Helper()
	v.Post("/register", "email", email).Want(v.t, http.StatusSeeOther, "")
	page := v.Get(v.link(email)).Text
	v.Post("/register/finish", "token", v.hidden(page, "token"), "password", secret).Want(v.t, http.StatusSeeOther, "")
	return v
}

// token returns the token in the newest mail to an address, from the page behind its link.
func (v visitor) token(to string) string {
	v.t.Helper()
	return v.hidden(v.Get(v.link(to)).Text, "token")
}

// changePassword sends the page's form.
func (v visitor) changePassword(current, chosen string) browser.Answer {
	v.t.Helper()
	stamp := v.hidden(v.Get("/account/password").Text, "stamp")
	return v.Post("/account/password", "stamp", stamp, "current", current, "password", chosen)
}

// TestNobodyPassesWhoMayNot requests every route of app.go as every kind of visitor.
func TestNobodyPassesWhoMayNot(t *testing.T) { walk(t) }

func walk(t *testing.T, args ...string) {
	t.Helper()
	source, err := os.ReadFile("app.go")
	if err != nil {
		t.Fatal(err)
	}
	var patterns []string
	for _, found := range regexp.MustCompile(`mux\.Handle\("([^"]*)"(?:\+host\+"([^"]*)")?`).FindAllSubmatch(source, -1) {
		pattern := string(found[1]) + string(found[2]) // without the host
		if routes[pattern] == "" {
			t.Errorf("app.go has the route %q, and this test does not know who may pass", pattern)
		}
		patterns = append(patterns, pattern)
	}
	if len(patterns) != len(routes) {
		t.Errorf("app.go has %d routes, this test %d", len(patterns), len(routes))
	}

	site, stale := untilItStreams(main.Site(t, time.Hour, args...)), untilItStreams(main.Site(t, time.Nanosecond))
	nobody, user := visit(t, site), visit(t, site).register("user@test.example")
	admin := visit(t, site).register("admin@test.example")
	id := admin.hidden(admin.Get("/admin").Text, "id") // the user's id
	acting := visit(t, site)
	acting.Post("/login", "email", "admin@test.example", "password", secret).Want(t, http.StatusSeeOther, "")
	acting.Post("/admin/act", "id", id).Want(t, http.StatusSeeOther, "")
	key := visit(t, site).register("key@test.example")
	key.Post("/account/keys", "name", "test").Want(t, http.StatusSeeOther, "")
	text := regexp.MustCompile(`harbour_[0-9A-Za-z_]+`).FindString(key.Get("/account/keys").Text)
	key = visit(t, site)
	key.Header("X-API-Key", text)
	pending := visit(t, site).register("pending@test.example")
	addApp(t, pending)
	pending.Post("/logout")
	pending.Post("/login", "email", "pending@test.example", "password", secret).Want(t, http.StatusSeeOther, "")

	visitors := []struct {
		name    string
		v       visitor
		classes []string // the classes of routes that they pass
	}{
		{"nobody", nobody, []string{"everybody"}},
		{"pending", pending, []string{"everybody"}},
		{"key", key, []string{"everybody", "api"}},
		{"user", user, []string{"everybody", "user", "own", "fresh", "api"}},
		{"admin", admin, []string{"everybody", "user", "own", "fresh", "api", "admin", "fresh admin"}},
		{"acting", acting, []string{"everybody", "user", "api", "admin", "fresh admin"}},
		{"stale user", visit(t, stale).register("user@test.example"), []string{"everybody", "user", "own", "api"}},
		{"stale admin", visit(t, stale).register("admin@test.example"), []string{"everybody", "user", "own", "api", "admin"}},
	}
	// Routes that change who the visitor is come last.
	slices.SortStableFunc(patterns, func(a, b string) int { return last(a) - last(b) })
	for _, pattern := range patterns {
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			method, path = http.MethodGet, "/nothing"
		}
		path = strings.ReplaceAll(path, "{$}", "")
		if path == "/static/" {
			path += "style.css"
		}
		for _, x := range visitors {
			class := routes[pattern]
			var got browser.Answer
			if method == http.MethodGet {
				got = x.v.Get(path)
			} else {
				got = x.v.Post(path, "id", id)
			}
			to := got.Header.Get("Location")
			refused := got.StatusCode == http.StatusUnauthorized || got.StatusCode == http.StatusForbidden ||
				class != "everybody" && (strings.HasPrefix(to, "/login") || strings.HasPrefix(to, "/second"))
			switch {
			case got.StatusCode >= 500:
				t.Errorf("%s as %s: got %d", pattern, x.name, got.StatusCode)
			case class == "credentials":
				if got.StatusCode < 300 || got.StatusCode < 400 && !refused && to != "/account" {
					t.Errorf("%s as %s: got %d to %q, want a refusal", pattern, x.name, got.StatusCode, to)
				}
			case refused == slices.Contains(x.classes, class) && path != "/account/linked/callback":
				t.Errorf("%s as %s: got %d to %q, want it refused: %v", pattern, x.name, got.StatusCode, to, !refused)
			case path == "/account/linked/callback" && got.StatusCode == http.StatusOK:
				t.Errorf("%s as %s: got a page without an answer of the provider", pattern, x.name)
			}
		}
	}
}

// untilItStreams ends a stream of events at its first byte; it would not end otherwise.
func untilItStreams(site http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/account/live/stream" {
			ctx, stop := context.WithCancel(r.Context())
			defer stop()
			w, r = &leaves{w, stop}, r.WithContext(ctx)
		}
		site.ServeHTTP(w, r)
	})
}

// leaves is a browser that disconnects after the first bytes.
type leaves struct {
	http.ResponseWriter
	stop func()
}

func (l *leaves) Write(b []byte) (int, error) {
	defer l.stop()
	return l.ResponseWriter.Write(b)
}

// Unwrap serves [http.ResponseController].
func (l *leaves) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// last sorts the routes that change who the visitor is to the end.
func last(pattern string) int {
	return slices.Index([]string{"POST /admin/act", "POST /admin/stop", "POST /account/kept", "POST /account/devices/others", "POST /logout"}, pattern) + 1
}

// TestThereIsOneAdministrator: who is named no more by -admin is a user again, and without it all stay as
// they are.
func TestThereIsOneAdministrator(t *testing.T) {
	db := t.TempDir() + "/account.db"
	boss := func(args ...string) int {
		v := visit(t, main.Site(t, time.Hour, append(args, "-db", db)...))
		if v.Post("/login", "email", "admin@test.example", "password", secret).Header.Get("Location") != "/account" {
			v.register("admin@test.example")
		}
		return v.Get("/admin").StatusCode
	}
	for _, row := range []struct {
		admin string
		want  int
	}{{"Admin@test.example", 200}, {"", 200}, {"kim@test.example", 403}, {"admin@test.example", 200}} {
		if got := boss("-admin", row.admin); got != row.want {
			t.Errorf("-admin %q: /admin is answered %d, want %d", row.admin, got, row.want)
		}
	}
}

// TestAnAdministratorWhoActsLogsInAsThemself: when the log-in is too old, the page shows the administrator's
// address, not the user's.
func TestAnAdministratorWhoActsLogsInAsThemself(t *testing.T) {
	site := main.Site(t, time.Hour)
	visit(t, site).register("kim@test.example")
	admin := visit(t, site).register("admin@test.example")
	admin.Post("/admin/act", "id", admin.hidden(admin.Get("/admin").Text, "id")).Want(t, http.StatusSeeOther, "")
	page := admin.Get("/login?max_age=0")
	page.Want(t, http.StatusOK, "You act as")
	page.Want(t, http.StatusOK, `value="admin@test.example"`)
}

// TestAColumnThatIsAddedStopsNobody: a migration runs before the new program does.
func TestAColumnThatIsAddedStopsNobody(t *testing.T) {
	site := main.SiteOfThieves(t)
	kim := visit(t, site).register("kim@test.example")
	site.Exec("ALTER TABLE users ADD COLUMN later TEXT NOT NULL DEFAULT ''")
	kim.Get("/account").Want(t, http.StatusOK, "")
}

// TestTheHeadersOfEveryAnswer: pages, refusals, answers to programs, and files.
func TestTheHeadersOfEveryAnswer(t *testing.T) {
	site := main.Site(t, time.Hour)
	user := visit(t, site).register("kim@test.example")
	for _, row := range []struct {
		v           visitor
		path, cache string
	}{
		{user, "/", "no-store"}, {user, "/account", "no-store"}, {user, "/nothing", "no-store"}, {user, "/admin", "no-store"},
		{user, "/api/me", "no-store"}, {visit(t, site), "/account", "no-store"}, {visit(t, site), "/outbox", "no-store"},
		{visit(t, site), "/static/style.css", "max-age=60"},
	} {
		h := row.v.Get(row.path).Header
		if got := h.Get("Cache-Control"); got != row.cache {
			t.Errorf("%s: got Cache-Control %q, want %q", row.path, got, row.cache)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff",
		} {
			if got := h.Get(name); !strings.HasPrefix(got, want) {
				t.Errorf("%s: got %s %q, want %q", row.path, name, got, want)
			}
		}
	}
}

// TestAFormOfAnotherTabIsNotForSomebodyElse: an administrator has a form open, and acts as a user in another
// tab.
func TestAFormOfAnotherTabIsNotForSomebodyElse(t *testing.T) {
	site := main.Site(t, time.Hour)
	visit(t, site).register("kim@test.example")
	admin := visit(t, site).register("admin@test.example")
	own := admin.hidden(admin.Get("/account").Text, "user")
	admin.Post("/admin/act", "id", admin.hidden(admin.Get("/admin").Text, "id")).Want(t, http.StatusSeeOther, "")
	admin.Post("/account/name", "user", own, "name", "The boss").Want(t, http.StatusSeeOther, "")
	page := admin.Get("/account")
	page.Want(t, http.StatusOK, "Nothing was changed.")
	if strings.Contains(page.Text, "The boss") {
		t.Errorf("the user has the administrator's name: %s", page.Text)
	}
	admin.Post("/account/name", "user", admin.hidden(page.Text, "user"), "name", "Kim").Want(t, http.StatusSeeOther, "")
	admin.Get("/account").Want(t, http.StatusOK, `value="Kim"`)
}
