package guard_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestTheErrorPage is written where the guard would write its own: what its visitor is told, and where the
// button leads.
func TestTheErrorPage(t *testing.T) {
	const site = "https://app.example"
	for _, row := range []struct {
		name           string
		err            error
		method, header string // the header's name and value
		want           string // kind, title and URL
	}{
		{"a form, nobody is logged in", strategy.ErrUnauthenticated, "POST", "Referer: " + site + "/orders?token=1",
			"ProblemLogIn Unauthorized /login?return_to=%2Forders"},
		{"a form, the log-in is too old", &guard.Insufficient{MaxAge: 60e9}, "POST", "Referer: " + site + "/orders",
			"ProblemFresh Unauthorized /login?max_age=60&return_to=%2Forders"},
		{"a form, a factor is missing", &guard.Insufficient{Factor: "totp"}, "POST", "Referer: " + site + "/orders",
			"ProblemFactor Unauthorized /second?return_to=%2Forders"},
		{"a form whose page is not told", &guard.Insufficient{Factor: "totp"}, "POST", "", "ProblemFactor Unauthorized /second"},
		{"a form whose page is no address", &guard.Insufficient{Factor: "totp"}, "POST", "Referer: %", "ProblemFactor Unauthorized /second"},
		{"a form whose page is not safe", &guard.Insufficient{Factor: "totp"}, "POST", "Referer: https://evil.example//x",
			"ProblemFactor Unauthorized /second"},
		{"the form of the log-in page", strategy.ErrUnauthenticated, "POST", "Referer: " + site + "/login", "ProblemLogIn Unauthorized /login"},
		{"a page, the answer of a provider is refused", refusedAt("callback"), "GET", "", "ProblemLogIn Unauthorized /login"},
		{"a page to which another site led", guard.ErrCrossSite, "GET", "", "ProblemCrossSite Go on? /here?a=b"},
		{"a user who may not", guard.ErrForbidden, "GET", "", " Forbidden "},
		{"an outage", errOutage, "GET", "", " Service Unavailable "},
		{"a page, nobody is logged in", strategy.ErrUnauthenticated, "GET", "", ""},
		{"a script", strategy.ErrUnauthenticated, "POST", "Accept: application/json", ""},
		{"a script of the site", strategy.ErrUnauthenticated, "POST", "Sec-Fetch-Mode: cors", ""},
	} {
		w, got := newWorld(t), ""
		own := func(c *guard.Config) {
			c.LoginURL, c.StepUpURL = "/login", "/second"
			c.ErrorPage = func(rw http.ResponseWriter, _ *http.Request, p guard.Problem) {
				got = fmt.Sprintf("%s %s %s", p.Kind(), p.Title, p.URL)
				h := rw.Header()
				if h.Get("ETag")+h.Get("Content-Type") != "" || h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" {
					t.Errorf("%s: got the headers %v", row.name, h)
				}
				http.Error(rw, "our own page", p.Status)
			}
		}
		g := w.guard("pages", own)
		w.mux.Handle("/here", g.Handle(func(rw http.ResponseWriter, _ *http.Request) error {
			rw.Header().Set("ETag", "of a page that is not sent")
			rw.Header().Set("Content-Type", "text/csv")
			return row.err
		}))
		b := w.open()
		b.Header("Accept", chrome)
		if name, value, ok := strings.Cut(row.header, ": "); ok {
			b.Header(name, value)
		}
		a := b.Do(b.Request(row.method, "/here?a=b", ""))
		if got != row.want || (got != "") != strings.Contains(a.Text, "our own page") || got != "" && a.StatusCode != guard.Status(row.err) {
			t.Errorf("%s: got %q, and %d %q, want %q", row.name, got, a.StatusCode, a.Text, row.want)
		}
	}
}

// refusedAt is the refusal of what a provider answered.
func refusedAt(name string) error {
	return &guard.Refusal{Failures: []guard.Failure{{Strategy: name, Err: &strategy.CallbackRefusal{Err: strategy.ErrUnauthenticated}}}}
}

// TestAnErrorPageThatWritesNothing leaves the answer to the guard, and is not asked for the page by which a
// browser sends cookies that SameSite=Strict withheld.
func TestAnErrorPageThatWritesNothing(t *testing.T) {
	w, asked := newWorld(t), 0
	sessions, err := session.New(session.Config{Store: w.store, Codec: session.SecureCookie(secret), SameSite: http.SameSiteStrictMode})
	if err != nil {
		t.Fatal(err)
	}
	g, err := guard.New(guard.Config{
		Sessions: sessions, Logger: w.logger(),
		ErrorPage: func(http.ResponseWriter, *http.Request, guard.Problem) { asked++ },
	}, w.table.stamped())
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle("/strict", g.RequireAuth(w.hello()))
	b := w.open()
	b.Header("Accept", chrome)
	b.Get("/strict").Want(t, http.StatusUnauthorized, "<h1>Unauthorized</h1>")
	for name, value := range map[string]string{"Site": "cross-site", "Mode": "navigate", "Dest": "document"} {
		b.Header("Sec-Fetch-"+name, value)
	}
	again := b.Get("/strict")
	again.Want(t, http.StatusOK, "One moment")
	if got := again.Header.Get("X-Content-Type-Options"); got != "nosniff" {
		t.Errorf("X-Content-Type-Options: got %q, want nosniff", got)
	}
	if asked != 1 {
		t.Errorf("asked %d times, want once", asked)
	}
}
