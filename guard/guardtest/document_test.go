package guardtest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/guard/guardtest"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

// newApp is the application of the package's documentation.
func newApp(t *testing.T) (*guard.Guard[*user], http.Handler) {
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
	users := serializer.ByID(func(u *user) string { return u.name }, func(_ context.Context, name string) (*user, error) { return &user{name}, nil })
	nobody := func(http.ResponseWriter, *http.Request) (*user, error) { return nil, strategy.ErrUnauthenticated }
	auth, err := guard.New(guard.Config{Sessions: sessions, LoginURL: "/login", StepUpURL: "/second", RememberMe: me}, users,
		strategy.Func("password", nobody), strategy.Func("totp", nobody))
	if err != nil {
		t.Fatal(err)
	}
	name := "Joe"
	profile := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "I am ", name) })
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(http.ResponseWriter, *http.Request) {})
	mux.Handle("GET /profile", auth.RequireAuth(profile))
	mux.Handle("POST /profile", auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name = r.PostFormValue("name")
		http.Redirect(w, r, "/profile", http.StatusSeeOther)
	})))
	mux.Handle("PUT /api/name", auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if text, _ := io.ReadAll(r.Body); r.Header.Get("Content-Type") != "application/json" || string(text) != `{"name":"Jo"}` {
			t.Errorf("got the body %s of type %q", text, r.Header.Get("Content-Type"))
		}
		w.WriteHeader(http.StatusNoContent)
	})))
	mux.Handle("GET /password", auth.RequireFresh(10*time.Minute)(profile))
	mux.Handle("GET /vault", auth.RequireFactor("password", 0)(auth.RequireFactor("totp", 0)(profile)))
	return auth, mux
}

func TestTheDocumentation(t *testing.T) {
	auth, app := newApp(t)
	joe := &user{"joe"}
	profile := greet(auth)
	r := guardtest.WithUser(httptest.NewRequest("GET", "/profile", nil), auth, joe)
	w := httptest.NewRecorder()
	profile.ServeHTTP(w, r)
	if got := w.Body.String(); got != "hello joe" {
		t.Errorf("got %q, want joe's page", got)
	}

	b := guardtest.NewBrowser(t, app, "https://app.example")
	if page := b.Get("/profile"); page.URL != "/login?return_to=%2Fprofile" {
		t.Errorf("a stranger is at %s, want the log-in page", page.URL)
	}
	b.Add(guardtest.LogIn(t, auth, joe))
	if page := b.Submit("/profile", "name", "Joseph"); page.URL != "/profile" || page.Text != "I am Joseph" {
		t.Errorf("after the form: got %q at %s", page.Text, page.URL)
	}
	if page := b.Fetch("PUT", "/api/name", `{"name":"Jo"}`); page.StatusCode != http.StatusNoContent {
		t.Errorf("a script: got %d %s, want 204", page.StatusCode, page.Text)
	}

	old := guardtest.NewBrowser(t, app, "https://app.example")
	old.Add(guardtest.LogInWith(t, auth, joe, guardtest.Options{Age: time.Hour}))
	if page := old.Get("/password"); page.URL != "/login?max_age=600&return_to=%2Fpassword" {
		t.Errorf("an old log-in is at %s, want the log-in page", page.URL)
	}

	factors := guardtest.NewBrowser(t, app, "https://app.example")
	factors.Add(guardtest.LogInWith(t, auth, joe, guardtest.Options{Factors: []string{"password", "totp"}}))
	if page := factors.Get("/vault"); page.StatusCode != http.StatusOK {
		t.Errorf("with both factors: got %d at %s, want 200", page.StatusCode, page.URL)
	}

	remembered := guardtest.NewBrowser(t, app, "https://app.example")
	remembered.Add(guardtest.LogInWith(t, auth, joe, guardtest.Options{Remembered: true}))
	if page := remembered.Get("/profile"); page.StatusCode != http.StatusOK {
		t.Errorf("a remembered browser: got %d at %s, want 200", page.StatusCode, page.URL)
	}
}

// TestTheDocumentationIsTested: the code in the package's doc is in the test above, line by line.
func TestTheDocumentationIsTested(t *testing.T) {
	text := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	doc, _, _ := strings.Cut(text("guardtest.go"), "\npackage ")
	blocks := regexp.MustCompile(`(?m)(?:^//\t.*\n(?://\n)?)+`).FindAllString(doc, -1)
	if len(blocks) != 3 {
		t.Errorf("got %d blocks of code, want 3", len(blocks))
	}
	test := text("document_test.go")
	for _, block := range blocks {
		lines := strings.ReplaceAll("\n"+strings.TrimSuffix(block, "//\n"), "\n//", "\n")
		if !strings.Contains(test, lines) {
			t.Errorf("no test has these lines:\n%s", lines)
		}
	}
}

// TestAScriptIsAnsweredAsAProgram, and follows a redirect as browsers do.
func TestAScriptIsAnsweredAsAProgram(t *testing.T) {
	_, app := newApp(t)
	b := guardtest.NewBrowser(t, app, "https://app.example")
	page := b.Fetch("GET", "/profile", "")
	if page.StatusCode != http.StatusUnauthorized || page.Header.Get("Content-Type") != "application/problem+json" || page.URL != "/profile" {
		t.Errorf("got %d of type %s at %s, want a problem document with 401", page.StatusCode, page.Header.Get("Content-Type"), page.URL)
	}

	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %q %q %s", r.Method, body, r.Header.Get("Accept"), r.Header.Get("Origin"), r.Header.Get("Content-Type"))
	})
	for _, row := range []struct {
		method, accept string
		status         int
		want           string
	}{
		{"PUT", "", 200, `PUT {} "*/*" "https://app.example" application/json`},
		{"PUT", "application/json", 200, `PUT {} "application/json" "https://app.example" application/json`},
		{"PUT", "", 303, `GET  "*/*" "" `},
		{"PUT", "", 302, `PUT {} "*/*" "https://app.example" application/json`},
		{"POST", "", 302, `GET  "*/*" "" `},
		{"POST", "", 307, `POST {} "*/*" "https://app.example" application/json`},
	} {
		mux := http.NewServeMux()
		mux.Handle("/to", echo)
		path := "/to"
		if row.status != 200 {
			path = "/from"
			mux.Handle("/from", http.RedirectHandler("/to", row.status))
		}
		b := guardtest.NewBrowser(t, mux, "https://app.example")
		if row.accept != "" {
			b.Header.Set("Accept", row.accept)
		}
		if got := b.Fetch(row.method, path, "{}"); got.Text != row.want {
			t.Errorf("%s, %d: got %s, want %s", row.method, row.status, got.Text, row.want)
		}
	}
}
