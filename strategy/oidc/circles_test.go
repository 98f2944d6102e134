//go:build integration

package oidc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// town is a shop with pages behind its log-in, and another site that links to it.
type town struct {
	*shop
	op    *certified
	other string // the other site's address
}

func newTown(t *testing.T, loginURL string, edit ...func(*session.Config)) *town {
	t.Helper()
	s := &town{shop: newShop(t, edit...)}
	s.op = startCertified(t, "0", s.url)
	logger := slog.New(slog.NewTextHandler(s.log, nil))
	cfg := oidc.Config{
		Name: "op", Issuer: s.op.issuer, ClientID: "rsa", ClientSecret: clientSecret, RedirectURL: s.url + "/callback/rsa",
		CookieSecrets: []string{cookieSecret}, InsecureHTTP: true, Logger: logger,
	}
	st, err := oidc.New(cfg, func(_ context.Context, id oidc.Identity) (*User, error) {
		if id.Subject == "mallory" {
			return nil, strategy.ErrUnauthenticated
		}
		return &User{Key: id.Subject}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(loginURL, "//") {
		loginURL = s.url + loginURL[1:] // absolute
	}
	users := serializer.ByID(func(u *User) string { return u.Key }, func(_ context.Context, key string) (*User, error) { return &User{Key: key}, nil })
	auth, err := guard.New(guard.Config{Sessions: s.sessions, Logger: logger, LoginURL: loginURL}, users, st)
	if err != nil {
		t.Fatal(err)
	}
	page := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if u, ok := auth.User(r.Context()); ok {
				text := text + ", hello " + u.Key
				fmt.Fprintf(w, "<!doctype html><p>%s</p>", text)
				return
			}
			fmt.Fprintf(w, `<!doctype html><p>%s</p><a id="login" href="/login/op?return_to=/me">log in</a>`, text)
		})
	}
	login := auth.Authenticate("op")(auth.LogInWith(guard.LogInOptions{ReturnTo: true, SuccessRedirect: "/me"})(nil))
	s.mux.Handle("GET /login/op", login)
	s.mux.Handle("GET /callback/rsa", login)
	s.mux.Handle("GET /login", page("log in here"))
	s.mux.Handle("GET /guarded", auth.RequireAuth(page("guarded")))
	s.mux.Handle("GET /me", auth.RequireAuth(page("me")))
	s.mux.Handle("GET /pay", auth.RequireFresh(time.Hour)(page("paid")))
	s.mux.Handle("GET /{$}", auth.Restore(page("home")))
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><a id="me" href="%s/me">me</a> <a id="start" href="%[1]s/login/op?return_to=/me">log in</a>`, s.url)
	}))
	t.Cleanup(other.Close)
	s.other = other.URL
	return s
}

// scene is steps, and the text of the page at their end.
type scene struct {
	name  string
	steps [][]string
	want  string
}

// play runs the scenes with one Chromium.
func play(t *testing.T, scenes []scene) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("install Debian's package chromium: %v", err)
	}
	var all [][]string
	for _, sc := range scenes {
		all = append(all, sc.steps...)
	}
	arg, err := json.Marshal(map[string]any{"chromium": chromium, "steps": all})
	if err != nil {
		t.Fatal(err)
	}
	cmd := node(t, scriptLimit, "steps.mjs", string(arg))
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v, after these steps:\n%s", err, &log)
	}
	var stops []struct{ URL, Text string }
	if err := json.Unmarshal(out, &stops); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	at := -1
	for _, sc := range scenes {
		at += len(sc.steps)
		if at >= len(stops) {
			t.Fatalf("%s: not reached: %+v", sc.name, stops[len(stops)-1])
		}
		if !strings.Contains(stops[at].Text, sc.want) {
			t.Errorf("%s: got %+v, want %q", sc.name, stops[at], sc.want)
		}
	}
}

// atProvider returns the steps of a person on the provider's pages.
func (s *town) atProvider(name, answer string) [][]string {
	steps := [][]string{{"fill", "input[name=login]", name}, {"click", "button[value=" + answer + "]"}}
	if answer == "yes" {
		steps = append(steps, []string{"click", `button:text("consent")`})
	}
	return append(steps, []string{"wait", s.url})
}

// TestChromiumGoesInNoCircle: a callback the first time, the second time, and by a user who is logged in.
func TestChromiumGoesInNoCircle(t *testing.T) {
	for _, row := range []struct {
		login string // two slashes make it absolute
		mode  http.SameSite
	}{
		{"", http.SameSiteLaxMode}, {"/login", http.SameSiteLaxMode}, {"//login", http.SameSiteLaxMode}, {"/guarded", http.SameSiteLaxMode},
		{"//guarded", http.SameSiteLaxMode}, {"/login/op", http.SameSiteLaxMode}, {"//login/op", http.SameSiteLaxMode},
		{"", http.SameSiteStrictMode}, {"/login", http.SameSiteStrictMode}, {"//login/op", http.SameSiteStrictMode},
	} {
		t.Run(fmt.Sprintf("LoginURL %q, SameSite %d", row.login, row.mode), func(t *testing.T) {
			s := newTown(t, row.login, func(c *session.Config) { c.SameSite = row.mode })
			logIn := func(name, answer string) [][]string {
				return append([][]string{{"stranger"}, {"goto", s.url + "/login"}, {"click", "#login"}}, s.atProvider(name, answer)...)
			}
			again := [][]string{{"goto", "callback"}}
			play(t, []scene{
				{"the user says no", logIn("jen", "no"), "Unauthorized"},
				{"the user says no, again", again, "Unauthorized"},
				{"the application refuses the user", logIn("mallory", "yes"), "Unauthorized"},
				{"the application refuses the user, again", again, "Unauthorized"},
				{"a log-in", logIn("jen", "yes"), "me, hello jen"},
				{"its callback again", again, "me, hello jen"},
				{"a page that needs a fresh log-in", [][]string{{"goto", s.url + "/pay"}}, "paid, hello jen"},
				{"from another site", [][]string{{"goto", s.other}, {"click", "#me"}}, "me, hello jen"},
				{"a log-in that another site begins", [][]string{{"goto", s.other}, {"click", "#start"}}, "Another site sent you here"},
				{"goes on if the user says so", [][]string{{"click", `a:text("Go on")`}}, "me, hello jen"},
			})
		})
	}
}
