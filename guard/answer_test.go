package guard_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

const chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

func TestAnswersAreNegotiated(t *testing.T) {
	g := statelessGuard(t, guard.Config{}, &fake{name: "a", err: strategy.ErrUnauthenticated})
	h := g.Authenticate()(whoami(g))
	for _, row := range []struct {
		name, accept string
		html         bool
	}{
		{"nothing", "", false},
		{"curl", "*/*", false},
		{"Chrome", chrome, true},
		{"a page alone", "text/html", true},
		{"any text", "text/*", true},
		{"a page, or less gladly JSON", "application/json;q=0.5, text/html", true},
		{"JSON, or less gladly a page", "application/json, text/html;q=0.9", false},
		{"a problem document, or less gladly a page", "text/html;q=0.9, application/problem+json", false},
		{"both alike", "text/html, application/json", false},
		{"a page refused", "text/html;q=0, */*;q=0.1", false},
		{"capitals", "TEXT/HTML", true},
		{"a weight that is none", "text/html;q=x", false},
		{"a weight over one", "text/html;q=2", false},
		{"a weight that is no number", "text/html;q=NaN", false},
		{"another version of a page", "text/html;level=1", false},
		{"empty items", ",,text/html;,", true},
	} {
		rec := serve(h, "GET", "/", "Accept", row.accept)
		want := "application/problem+json"
		if row.html {
			want = "text/html; charset=utf-8"
		}
		if got := rec.Header().Get("Content-Type"); rec.Code != 401 || got != want {
			t.Errorf("%s: got %d %q, want 401 %q", row.name, rec.Code, got, want)
		}
		if got := rec.Header().Get("Vary"); got != "Accept" {
			t.Errorf("%s: got Vary %q, want Accept", row.name, got)
		}
	}
}

func TestRFC9457_AProblemDocument(t *testing.T) {
	g := statelessGuard(t, guard.Config{}, &fake{name: "a", err: &strategy.Failure{Reason: "wrong password"}})
	rec := serve(g.Authenticate()(whoami(g)), "GET", "/")
	var got map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got["type"] != guard.ProblemLogIn || got["title"] != "Unauthorized" || got["status"] != 401.0 || got["detail"] == "" || len(got) != 4 {
		t.Errorf("got %v, want type ProblemLogIn, title Unauthorized, status 401 and a detail", got)
	}
}

// TestASVS_16_5_1_AnswersAreGeneric: no cause reaches a client.
func TestASVS_16_5_1_AnswersAreGeneric(t *testing.T) {
	for _, err := range []error{
		errOutage, &strategy.Failure{Reason: "refused because of X"}, fmt.Errorf("refused: %w", strategy.ErrUnauthenticated),
		fmt.Errorf("refused: %w", guard.ErrForbidden), fmt.Errorf("refused: %w", session.ErrSessionEnded),
	} {
		for _, accept := range []string{"*/*", chrome} {
			g := statelessGuard(t, guard.Config{}, &fake{name: "a", err: err})
			rec := serve(g.Authenticate()(whoami(g)), "GET", "/", "Accept", accept)
			for _, secret := range []string{"refused because", "refused:", "connection refused"} {
				if strings.Contains(rec.Body.String(), secret) {
					t.Errorf("%v: got %q, want nothing of the cause", err, rec.Body)
				}
			}
		}
	}
}

func TestASVS_6_3_8_AbsentAndWrongCredentialsGetTheSameAnswer(t *testing.T) {
	w := newWorld(t)
	answer := func(email, pass string) string {
		a := w.open().Post("/login", "email", email, "password", pass)
		return fmt.Sprint(a.StatusCode, a.Header, a.Text)
	}
	want := answer("joe@test.com", "wrong")
	for _, row := range []struct{ name, email, pass string }{
		{"an unknown user", "nobody@test.com", password}, {"another's password", "jen@test.com", "wrong"},
	} {
		if got := answer(row.email, row.pass); got != want {
			t.Errorf("%s: got %s, want %s", row.name, got, want)
		}
	}
}

func TestBrowsersAreSentToTheLogInPage(t *testing.T) {
	for _, row := range []struct {
		name, login, method, target, accept string
		status                              int
		location                            string
	}{
		{"a page", "/login", "GET", "/me?a=1", chrome, 303, "/login?return_to=%2Fme%3Fa%3D1"},
		{"a HEAD", "/login", "HEAD", "/me", chrome, 303, "/login?return_to=%2Fme"},
		{"a form gets a page with a link", "/login", "POST", "/me", chrome, 401, ""},
		{"a program", "/login", "GET", "/me", "*/*", 401, ""},
		{"no log-in page", "", "GET", "/me", chrome, 401, ""},
		{"a log-in page with a query", "/login?app=x", "GET", "/me", chrome, 303, "/login?app=x&return_to=%2Fme"},
		{"a log-in page with a fragment", "/login#form", "GET", "/me", chrome, 303, "/login?return_to=%2Fme#form"},
		{"a log-in page elsewhere", "https://id.example/in", "GET", "/me", chrome, 303, "https://id.example/in?return_to=%2Fme"},
		{"a page that is not safe to return to", "/login", "GET", "/a//b", chrome, 303, "/login"},
		{"the log-in page itself, guarded by mistake", "/login", "GET", "/login?return_to=%2Fme", chrome, 401, ""},
	} {
		g := statelessGuard(t, guard.Config{LoginURL: row.login}, &fake{name: "a"})
		rec := serve(g.RequireAuth(whoami(g)), row.method, row.target, "Accept", row.accept)
		if got := rec.Header().Get("Location"); rec.Code != row.status || got != row.location {
			t.Errorf("%s: got %d to %q, want %d to %q", row.name, rec.Code, got, row.status, row.location)
		}
	}
	g := statelessGuard(t, guard.Config{LoginURL: `/login?a="b"`}, &fake{name: "a"})
	if got := serve(g.RequireAuth(whoami(g)), "POST", "/me", "Accept", chrome).Body.String(); !strings.Contains(got, `<a href="/login?a=&#34;b&#34;">`) {
		t.Errorf("got page %q, want an escaped link to the log-in page", got)
	}
}

func TestTheAddressBeforeStripPrefixIsReturnedTo(t *testing.T) {
	g := statelessGuard(t, guard.Config{LoginURL: "/login"}, &fake{name: "a"})
	rec := serve(http.StripPrefix("/app", g.RequireAuth(whoami(g))), "GET", "/app/me", "Accept", chrome)
	if got, want := rec.Header().Get("Location"), "/login?return_to=%2Fapp%2Fme"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r := httptest.NewRequest("GET", "http://app.example/me", nil) // the absolute form, as to a proxy
	r.Header.Set("Accept", chrome)
	rec = httptest.NewRecorder()
	g.RequireAuth(whoami(g)).ServeHTTP(rec, r)
	if got, want := rec.Header().Get("Location"), "/login?return_to=%2Fme"; got != want {
		t.Errorf("absolute form: got %q, want %q", got, want)
	}
}

func TestStatusOfErrors(t *testing.T) {
	for _, row := range []struct {
		name string
		err  error
		want int
	}{
		{"no error", nil, 500},
		{"a refusal", strategy.ErrUnauthenticated, 401},
		{"a failure", &strategy.Failure{Status: 429}, 429},
		{"a refusal of several", &guard.Refusal{Failures: []guard.Failure{{Err: strategy.ErrUnauthenticated}, {Err: &strategy.Failure{Status: 400}}}}, 400},
		{"a log-in that is too old", &guard.Insufficient{}, 401},
		{"forbidden", guard.ErrForbidden, 403},
		{"another site", guard.ErrCrossSite, 403},
		{"a session that ended", session.ErrSessionEnded, 409},
		{"a session that changed", session.ErrSessionChanged, 409},
		{"an id of another type", serializer.ErrIDType, 500},
		{"no session Handler", session.ErrNoHandler, 500},
		{"too late", session.ErrCommitted, 500},
		{"a nil user", strategy.ErrNilUser, 500},
		{"a full queue", strategy.ErrBusy, 503},
		{"a redirect", &strategy.Redirect{URL: "/", Code: 303}, 303},
		{"anything else", errOutage, 503},
	} {
		if got := guard.Status(row.err); got != row.want {
			t.Errorf("%s: got %d, want %d", row.name, got, row.want)
		}
		if row.err == nil {
			continue
		}
		if got := guard.Status(fmt.Errorf("wrapped: %w", row.err)); got != row.want {
			t.Errorf("%s, wrapped: got %d, want %d", row.name, got, row.want)
		}
	}
}

func TestConfigErrorAnswersInPlaceOfTheDefault(t *testing.T) {
	var seen []error
	var g *guard.Guard[*User]
	cfg := guard.Config{Error: func(w http.ResponseWriter, r *http.Request, err error) {
		seen = append(seen, err)
		if errors.Is(err, errOutage) {
			g.Error(w, r, err)
			return
		}
		w.WriteHeader(http.StatusTeapot)
	}}
	a := &fake{name: "a", err: strategy.ErrUnauthenticated}
	g = statelessGuard(t, cfg, a)
	h := g.Authenticate()(whoami(g))
	if got := serve(h, "GET", "/").Code; got != http.StatusTeapot {
		t.Errorf("got %d, want the hook's answer", got)
	}
	a.err = errOutage
	if got := serve(h, "GET", "/").Code; got != 503 || len(seen) != 2 {
		t.Errorf("got %d, and %d errors were passed to Config.Error, want 503 and 2", got, len(seen))
	}
	if got, want := seen[1].Error(), "guard: strategy a: connection refused"; got != want {
		t.Errorf("got error %q, want %q", got, want)
	}
}

func TestErrorReplacesWhatAHandlerBegan(t *testing.T) {
	g := statelessGuard(t, guard.Config{}, &fake{name: "a", user: &User{}})
	rec := serve(g.Authenticate()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "3")
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Cache-Control", "max-age=60")
		g.Error(w, r, errOutage)
	})), "GET", "/")
	h := rec.Header()
	if h.Get("Content-Length") != "" || h.Get("Content-Encoding") != "" || h.Get("Cache-Control") != "no-store" {
		t.Errorf("got header %v, want nothing of the handler's answer", h)
	}
}

func TestErrorsAreReadableForOperators(t *testing.T) {
	for _, row := range []struct {
		err  error
		want string
	}{
		{&guard.Refusal{Failures: []guard.Failure{{Strategy: "local", Err: &strategy.Failure{Reason: "wrong password"}}, {Strategy: "token", Err: strategy.ErrUnauthenticated}}}, "guard: refused: local (wrong password): token"},
		{&guard.Insufficient{}, "guard: the log-in is not fresh enough"},
		{&guard.Insufficient{Factor: "totp"}, "guard: the factor totp is missing or too old"},
	} {
		if got := row.err.Error(); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
		if !errors.Is(row.err, strategy.ErrUnauthenticated) {
			t.Errorf("%v: want it to match ErrUnauthenticated", row.err)
		}
	}
}
