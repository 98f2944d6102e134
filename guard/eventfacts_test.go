package guard_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/strategy"
)

// behindProxy trusts httptest's client address as a proxy.
func behindProxy(c *guard.Config) {
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
}

// TestAnEventSaysFromWhereAndForWhichRoute, before and after the commit, and without sessions.
func TestAnEventSaysFromWhereAndForWhichRoute(t *testing.T) {
	w := newWorld(t, behindProxy)
	w.mux.Handle("POST /everywhere", w.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := w.LogOutEverywhere(r.Context(), &User{ID: 1}); err != nil {
			t.Error(err)
		}
	})))
	stateless, err := guard.New(guard.Config{Logger: w.logger(), OnEvent: w.note, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}}, nil, strategy.NewBasic("r", w.table.check))
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle("GET /api/{id}", stateless.Authenticate()(w.hello()))
	b := w.open()
	b.Header("X-Forwarded-For", "198.51.100.7")
	for _, row := range []struct {
		do   func()
		want []string // the events' names, each with its route
	}{
		{func() { b.Post("/login", "email", "joe@test.com", "password", "x") }, []string{"authn_login_fail POST /login"}},
		{func() { logIn(b, "joe@test.com") }, []string{"authn_login_success POST /login", "session_created POST /login"}},
		{func() { b.Post("/everywhere") }, []string{"session_expired POST /everywhere"}},
		{func() { b.Header("Authorization", "Basic am9lQHRlc3QuY29tOng="); b.Get("/api/7") }, []string{"authn_login_fail GET /api/{id}"}},
		{func() { w.table.fail(errOutage); b.Post("/login", "email", "x", "password", "x") }, []string{"guard_error POST /login"}},
	} {
		row.do()
		var got []string
		for _, e := range w.events {
			if got = append(got, string(e.Name)+" "+e.Route); e.Address != "198.51.100.7" {
				t.Errorf("%s: got address %q, want 198.51.100.7", e.Name, e.Address)
			}
		}
		if strings.Join(got, ", ") != strings.Join(row.want, ", ") {
			t.Errorf("got events %q, want %q", got, row.want)
		}
		w.saw()
	}
	if _, err := w.LogOutEverywhere(t.Context(), &User{ID: 1}); err != nil || w.events[0].Address != "" || w.events[0].Route != "" {
		t.Errorf("without a request: got %+v and %v, want neither address nor route", w.events[0], err)
	}
}

// TestARouteIsKnownBelowACopyOfTheRequest, made by a middleware around the mux.
func TestARouteIsKnownBelowACopyOfTheRequest(t *testing.T) {
	w := newWorld(t)
	w.mux.Handle("POST /totp", w.Authenticate("totp")(w.StepUp(w.hello())))
	app := w.sessions.Handler(http.TimeoutHandler(w.mux, time.Minute, ""))
	b := browser.New(t, app)
	for _, row := range []struct {
		path string
		do   func()
		want []guard.EventName
	}{
		{"/login", func() {}, []guard.EventName{guard.EventLogInSuccess, guard.EventSessionCreated}},
		{"/totp", func() { w.second.user, w.second.err = &User{ID: 1, Email: "joe@test.com"}, nil }, []guard.EventName{guard.EventLogInSuccess, guard.EventSessionRenewed}},
		{"/login", func() {}, []guard.EventName{guard.EventLogInSuccess, guard.EventSessionCreated}},
		{"/logout", func() {}, []guard.EventName{guard.EventSessionExpired}},
		{"/login", func() {}, []guard.EventName{guard.EventLogInSuccess, guard.EventSessionCreated}},
		{"/me", func() { w.table.remove(1) }, []guard.EventName{guard.EventSessionExpired}},
	} {
		row.do()
		b.Post(row.path, "email", "joe@test.com", "password", password)
		var got []guard.EventName
		for _, e := range w.events {
			if got = append(got, e.Name); !strings.HasSuffix(e.Route, row.path) {
				t.Errorf("%s: got %s for the route %q", row.path, e.Name, e.Route)
			}
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: got events %q, want %q", row.path, got, row.want)
		}
		w.saw()
	}
}

// TestAnEventSaysWhoWasClaimed, in the spelling that was looked up, without characters that cannot be
// shown.
func TestAnEventSaysWhoWasClaimed(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct{ name, want string }{
		{"Nobody@test.com ", "nobody@test.com"},
		{strings.Repeat("x", 300), strings.Repeat("x", 256)},
	} {
		w.open().Post("/login", "email", row.name, "password", "wr0ng")
		if got := w.events[0].Account; got != row.want {
			t.Errorf("got account %q, want %q", got, row.want)
		}
		w.saw()
	}
	logIn(w.open(), "joe@test.com")
	for _, e := range w.events {
		if e.Account != "" {
			t.Errorf("got %s with account %q, want only the user", e.Name, e.Account)
		}
	}
}

// TestACrossSiteEventSaysWhatToTrust: the value for Config.TrustedOrigins, if the site is one's own.
func TestACrossSiteEventSaysWhatToTrust(t *testing.T) {
	w := newWorld(t)
	b := w.loggedIn("joe@test.com")
	from(b, "https://shop.example", "POST", "/me", "")
	e := w.events[0]
	if e.Origin != "https://shop.example" || e.FetchSite != "cross-site" || e.Host != "app.example" {
		t.Errorf("got origin %q, site %q, host %q, want https://shop.example, cross-site, app.example", e.Origin, e.FetchSite, e.Host)
	}
	const line = `level=WARN msg=malicious_cors guard=passport outcome=failure address=192.0.2.1 route=/me origin=https://shop.example sec_fetch_site=cross-site host=app.example`
	if got := w.logged(); !strings.Contains(got, line) {
		t.Errorf("got log %q, want it to contain %q", got, line)
	}
}

// TestWhatAClientSentIsPlainAndBounded, also in the fields about another site's request.
func TestWhatAClientSentIsPlainAndBounded(t *testing.T) {
	w := newWorld(t)
	long := "a\x1b\nb" + strings.Repeat("x", 300)
	r := w.loggedIn("joe@test.com").Request("POST", "/me", "")
	w.saw()
	r.Header["Origin"], r.Header["Sec-Fetch-Site"], r.Host = []string{long}, []string{long}, long
	w.mux.ServeHTTP(httptest.NewRecorder(), r)
	if len(w.events) != 1 || w.events[0].Name != guard.EventCrossSite {
		t.Fatalf("got events %+v, want malicious_cors", w.events)
	}
	want := "ab" + strings.Repeat("x", 254)
	for name, got := range map[string]string{"origin": w.events[0].Origin, "site": w.events[0].FetchSite, "host": w.events[0].Host} {
		if got != want {
			t.Errorf("got the %s %q, want %q", name, got, want)
		}
	}
}

// TestAProgramsKeyIsLoggedAtDebug, and costs no Serialize if that level is off; a refused key is still a
// warning.
func TestAProgramsKeyIsLoggedAtDebug(t *testing.T) {
	var log bytes.Buffer
	calls := 0
	g, err := guard.New[*User](guard.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, counting{&calls},
		strategy.NewBearer("r", func(_ context.Context, token string) (*User, error) {
			if token != "good" {
				return nil, strategy.ErrUnauthenticated
			}
			return &User{ID: 1}, nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	h := g.Authenticate()(whoami(g))
	if rec := serve(h, "GET", "/", "Authorization", "Bearer good"); rec.Code != 200 || log.Len() != 0 || calls != 0 {
		t.Errorf("got %d, log %q and %d calls of Serialize, want 200 and none", rec.Code, log.String(), calls)
	}
	if rec := serve(h, "GET", "/", "Authorization", "Bearer bad"); rec.Code != 401 || !strings.Contains(log.String(), "level=WARN msg=authn_login_fail") {
		t.Errorf("got %d and log %q, want 401 and a warning", rec.Code, log.String())
	}
}

// TestLinkingIsAnEventOfItsOwn: an account is proved, which logs nobody in unless LogIn is called.
func TestLinkingIsAnEventOfItsOwn(t *testing.T) {
	w := newWorld(t)
	w.token.user, w.token.err, w.token.info = &User{ID: 7}, nil, &strategy.Info{Linking: true}
	w.mux.Handle("/link", w.Authenticate("token")(w.hello()))
	w.open().Get("/link")
	if got, want := w.saw(), "[account_proved]"; got != want {
		t.Errorf("got events %s, want %s", got, want)
	}
	w.mux.Handle("/in", w.Authenticate("token")(w.LogIn(w.hello())))
	w.mux.Handle("/in/handler", w.Authenticate("token")(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := w.LogInUser(r, &User{ID: 7}); err != nil {
			t.Error(err)
		}
	})))
	for _, path := range []string{"/in", "/in/handler"} {
		w.open().Get(path).Want(t, 200, "")
		if got, want := w.saw(), "[account_proved authn_login_success session_created]"; got != want {
			t.Errorf("%s: got events %s, want %s", path, got, want)
		}
	}
}

func TestTrustedProxiesAreProxies(t *testing.T) {
	for _, bad := range []string{"0.0.0.0/0", "::ffff:192.0.2.0/120"} {
		_, err := guard.New[*User](guard.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix(bad)}}, nil)
		if err == nil || !strings.Contains(err.Error(), "Config.TrustedProxies has "+bad+": give the addresses of your own proxies") {
			t.Errorf("%s: got %v, want the cure", bad, err)
		}
	}
}
