package guardtest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/guard/guardtest"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

// newSite is an application whose users all have an authenticator app, and are remembered.
func newSite(t testing.TB) (*guard.Guard[*user], http.Handler) {
	t.Helper()
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(session.Config{Store: memory.Sessions, Codec: session.SecureCookie("a made-up secret of 32 bytes or more")})
	if err != nil {
		t.Fatal(err)
	}
	me, err := remember.New(remember.Config{Cells: memory.Cells, Secrets: []string{"another made-up secret of 32 bytes"}})
	if err != nil {
		t.Fatal(err)
	}
	totp := func(context.Context, *user) ([]string, error) { return []string{"totp"}, nil }
	users := serializer.ByID(func(u *user) string { return u.name }, func(_ context.Context, name string) (*user, error) { return &user{name}, nil })
	nobody := func(http.ResponseWriter, *http.Request) (*user, error) { return nil, strategy.ErrUnauthenticated }
	g, err := guard.New(guard.Config{Sessions: sessions, LoginURL: "/login", StepUpURL: "/second", RememberMe: me, Factors: guard.FactorsOf(totp)},
		users, strategy.Func("local", nobody), strategy.Func("totp", nobody))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /me", g.RequireAuth(greet(g)))
	mux.Handle("GET /fresh", g.RequireFresh(time.Minute)(greet(g)))
	mux.Handle("POST /name", g.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/done?"+r.PostFormValue("name"))
		w.WriteHeader(http.StatusSeeOther)
	})))
	for _, path := range []string{"GET /login", "GET /second", "GET /done"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the page ", r.URL.Path) })
	}
	mux.Handle("/away", http.RedirectHandler("https://elsewhere.example/x", http.StatusFound))
	mux.Handle("/again", http.RedirectHandler("/again2", http.StatusPermanentRedirect))
	mux.HandleFunc("/again2", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Method, " ", r.PostFormValue("a")) })
	mux.Handle("/circle", http.RedirectHandler("/circle", http.StatusFound))
	return g, mux
}

func TestALogInIsAsATestWants(t *testing.T) {
	for _, row := range []struct {
		name string
		o    guardtest.Options
		want map[string]string // where each page ends
	}{
		{"no factor", guardtest.Options{}, map[string]string{"/me": "/second?return_to=%2Fme"}},
		{"another factor", guardtest.Options{Factors: []string{"local"}}, map[string]string{"/me": "/second?return_to=%2Fme"}},
		{"all factors", guardtest.Options{Factors: []string{"local", "totp"}}, map[string]string{"/me": "/me", "/fresh": "/fresh"}},
		{"an old log-in", guardtest.Options{Factors: []string{"totp"}, Age: time.Hour}, map[string]string{"/me": "/me", "/fresh": "/login?max_age=60&return_to=%2Ffresh"}},
		{"remembered", guardtest.Options{Factors: []string{"totp"}, Remembered: true}, map[string]string{"/me": "/second?return_to=%2Fme"}},
	} {
		for path, want := range row.want {
			g, app := newSite(t)
			b := guardtest.NewBrowser(t, app, "https://app.example")
			b.Add(guardtest.LogInWith(t, g, &user{"joe"}, row.o))
			if got := b.Get(path); got.URL != want || got.StatusCode != 200 {
				t.Errorf("%s: %s: got %d at %s, want it at %s", row.name, path, got.StatusCode, got.URL, want)
			}
		}
	}
	g, _ := newSite(t)
	cookies := guardtest.LogInWith(t, g, &user{"joe"}, guardtest.Options{Remembered: true})
	if len(cookies) != 1 || !strings.Contains(cookies[0].Name, "remember") {
		t.Errorf("got the cookies %v, want only that of the remembered browser", cookies)
	}
}

func TestABrowserFollowsItsSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, app := newSite(t)
		b := guardtest.NewBrowser(t, app, "https://app.example")
		if got := b.Get("/me"); got.URL != "/login?return_to=%2Fme" || got.Text != "the page /login" {
			t.Errorf("nobody: got %q at %s", got.Text, got.URL)
		}
		b.Add(guardtest.LogInWith(t, g, &user{"joe"}, guardtest.Options{Factors: []string{"totp"}}))
		if got := b.Submit("/name", "name", "kim"); got.URL != "/done?kim" || got.Text != "the page /done" {
			t.Errorf("a form: got %q at %s", got.Text, got.URL)
		}
		if got := b.Get("/away"); got.URL != "https://elsewhere.example/x" || got.StatusCode != 302 {
			t.Errorf("away: got %d at %s", got.StatusCode, got.URL)
		}
		if got := b.Submit("/again", "a", "b"); got.Text != "POST b" {
			t.Errorf("308: got %q, want the form once more", got.Text)
		}
	})
}

// TestABrowserDoesNotGoInCircles: it fails the test instead.
func TestABrowserDoesNotGoInCircles(t *testing.T) {
	_, app := newSite(t)
	failing := &failing{TB: t}
	func() {
		defer func() { _ = recover() }()
		guardtest.NewBrowser(failing, app, "https://app.example").Get("/circle")
	}()
	if !strings.Contains(failing.text, "redirects in circles") {
		t.Errorf("got %q", failing.text)
	}
}

// failing is a testing.TB that records its failure.
type failing struct {
	testing.TB
	text string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.text = fmt.Sprintf(format, args...)
	panic("failed")
}

// TestARequestIsAsAServerGetsIt: an application gets the address for return_to from it in the usual way.
func TestARequestIsAsAServerGetsIt(t *testing.T) {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/from" {
			http.Redirect(w, r, "/to?a=b#c", http.StatusSeeOther)
			return
		}
		fmt.Fprint(w, r.RequestURI, " ", r.URL, " ", r.Host, " ", r.TLS != nil)
	})
	for origin, want := range map[string]string{"https://app.example": "/to?a=b /to?a=b app.example true", "http://localhost:80": "/to?a=b /to?a=b localhost:80 false"} {
		if got := guardtest.NewBrowser(t, app, origin).Get("/from"); got.Text != want {
			t.Errorf("got %q, want %q", got.Text, want)
		}
	}
}
