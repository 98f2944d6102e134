package guard_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// statelessGuard returns a stateless guard with the given strategies.
func statelessGuard(t testing.TB, cfg guard.Config, list ...*fake) *guard.Guard[*User] {
	t.Helper()
	var all []strategy.Strategy[*User]
	for _, f := range list {
		all = append(all, f)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	g, err := guard.New(cfg, nil, all...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// serve sends one request to h.
func serve(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

// whoami answers with the user that g finds.
func whoami(g *guard.Guard[*User]) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, ok := g.User(r.Context())
		if !ok {
			fmt.Fprint(w, "nobody")
			return
		}
		fmt.Fprint(w, u.Email)
	})
}

// TestChainEndsAsPassportsDoes follows passport's lib/middleware/authenticate.js.
func TestChainEndsAsPassportsDoes(t *testing.T) {
	joe, jen := &User{Email: "joe"}, &User{Email: "jen"}
	refuse := func(f strategy.Failure) error { return &f }
	for _, row := range []struct {
		name       string
		a, b       fake
		status     int
		body       string
		challenges string
		asked      string
	}{
		{"the first success stops", fake{user: joe}, fake{user: jen}, 200, "joe", "[]", "1 0"},
		{"a refusal goes on", fake{err: strategy.ErrUnauthenticated}, fake{user: jen}, 200, "jen", "[]", "1 1"},
		{"a wrapped refusal goes on", fake{err: fmt.Errorf("x: %w", strategy.ErrUnauthenticated)}, fake{user: jen}, 200, "jen", "[]", "1 1"},
		{"anonymous stops without a user", fake{err: strategy.ErrAnonymous}, fake{user: jen}, 200, "nobody", "[]", "1 0"},
		{"a redirect stops", fake{err: &strategy.Redirect{URL: "https://id.example/?a=b"}}, fake{user: jen}, 302, "", "[]", "1 0"},
		{"a redirect has its own code", fake{err: &strategy.Redirect{URL: "/x", Code: 307}}, fake{user: jen}, 307, "", "[]", "1 0"},
		{"a redirect that is none becomes 302", fake{err: &strategy.Redirect{URL: "/x", Code: 200}}, fake{user: jen}, 302, "", "[]", "1 0"},
		{"a redirect to nowhere is a mistake", fake{err: &strategy.Redirect{}}, fake{user: jen}, 500, "Internal Server Error", "[]", "1 0"},
		{"an outage stops", fake{err: errOutage}, fake{user: jen}, 503, "Service Unavailable", "[]", "1 0"},
		{"a nil user is a mistake", fake{}, fake{user: jen}, 500, "Internal Server Error", "[]", "1 0"},
		{"a nil user beneath a decorator is one too", fake{err: fmt.Errorf("x: %w", strategy.ErrNilUser)}, fake{user: jen}, 500, "Internal Server Error", "[]", "1 0"},
		{"all refuse: 401 with every challenge", fake{err: refuse(strategy.Failure{Challenge: "A"})}, fake{err: refuse(strategy.Failure{Challenge: "B"})}, 401, "Unauthorized", "[A B]", "1 1"},
		{"the first defined status counts", fake{err: strategy.ErrUnauthenticated}, fake{err: refuse(strategy.Failure{Status: 400})}, 400, "Bad Request", "[]", "1 1"},
		{"of two statuses the first", fake{err: refuse(strategy.Failure{Status: 413})}, fake{err: refuse(strategy.Failure{Status: 400})}, 413, "Request Entity Too Large", "[]", "1 1"},
		{"no foreign challenge with another status than 401", fake{err: refuse(strategy.Failure{Status: 400})}, fake{err: refuse(strategy.Failure{Challenge: "B"})}, 400, "Bad Request", "[]", "1 1"},
		{"a status's own challenge stays with it", fake{err: refuse(strategy.Failure{Status: 403, Challenge: "A"})}, fake{err: refuse(strategy.Failure{Challenge: "B"})}, 403, "Forbidden", "[A]", "1 1"},
		{"a status that is no refusal counts as 401", fake{err: refuse(strategy.Failure{Status: 200})}, fake{err: strategy.ErrUnauthenticated}, 401, "Unauthorized", "[]", "1 1"},
		{"too many attempts", fake{err: refuse(strategy.Failure{Status: 429, RetryAfter: 1500 * time.Millisecond})}, fake{err: strategy.ErrUnauthenticated}, 429, "Too Many Requests", "[]", "1 1"},
		{"a session that ended meanwhile", fake{err: session.ErrSessionEnded}, fake{user: jen}, 409, "Conflict", "[]", "1 0"},
		{"a session that changed meanwhile", fake{err: session.ErrSessionChanged}, fake{user: jen}, 409, "Conflict", "[]", "1 0"},
	} {
		a, b := row.a, row.b
		a.name, b.name = "a", "b"
		g := statelessGuard(t, guard.Config{}, &a, &b)
		rec := serve(g.Authenticate()(whoami(g)), "GET", "/")
		if rec.Code != row.status || !strings.Contains(rec.Body.String(), row.body) {
			t.Errorf("%s: got %d %q, want %d %q", row.name, rec.Code, rec.Body, row.status, row.body)
		}
		if got := fmt.Sprint(rec.Header().Values("WWW-Authenticate")); got != row.challenges {
			t.Errorf("%s: got challenges %s, want %s", row.name, got, row.challenges)
		}
		if got := fmt.Sprint(a.asked, " ", b.asked); got != row.asked {
			t.Errorf("%s: the strategies were called %s times, want %s", row.name, got, row.asked)
		}
		if got := rec.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: got Cache-Control %q, want no-store", row.name, got)
		}
	}
}

func TestNamesChooseTheStrategiesAndTheirOrder(t *testing.T) {
	a, b := &fake{name: "a", user: &User{Email: "a"}}, &fake{name: "b", user: &User{Email: "b"}}
	g := statelessGuard(t, guard.Config{}, a, b)
	for _, row := range []struct {
		names []string
		want  string
	}{
		{nil, "a"}, {[]string{"b"}, "b"}, {[]string{"b", "a"}, "b"}, {[]string{"anonymous", "a"}, "nobody"},
	} {
		if got := serve(g.Authenticate(row.names...)(whoami(g)), "GET", "/").Body.String(); got != row.want {
			t.Errorf("Authenticate(%q): got %q, want %q", row.names, got, row.want)
		}
	}
}

func TestRetryAfterIsRoundedUpToSeconds(t *testing.T) {
	for _, row := range []struct {
		name string
		err  error
		code int
		want string
	}{
		{"a refusal", &strategy.Failure{Status: 429, RetryAfter: 1500 * time.Millisecond}, 429, "2"},
		{"a full queue", strategy.ErrBusy, 503, "5"},
		{"a wrapped full queue", fmt.Errorf("hash: %w", strategy.ErrBusy), 503, "5"},
		{"an outage promises nothing", errOutage, 503, ""},
	} {
		g := statelessGuard(t, guard.Config{}, &fake{name: "a", err: row.err})
		rec := serve(g.Authenticate()(whoami(g)), "GET", "/")
		if got := rec.Header().Get("Retry-After"); rec.Code != row.code || got != row.want {
			t.Errorf("%s: got %d, Retry-After %q, want %d, %q", row.name, rec.Code, got, row.code, row.want)
		}
	}
}

func TestAPanicOfAStrategyPropagates(t *testing.T) {
	boom := strategy.Func("boom", func(http.ResponseWriter, *http.Request) (*User, error) { panic("boom") })
	g, err := guard.New[*User](guard.Config{}, nil, boom)
	if err != nil {
		t.Fatal(err)
	}
	if got := panicText(func() { serve(g.Authenticate()(whoami(g)), "GET", "/") }); got != "boom" {
		t.Errorf("got panic %q, want the strategy's own", got)
	}
}

func TestHeadersThatAStrategySetsReachTheClient(t *testing.T) {
	rotating := strategy.Func("cookie", func(w http.ResponseWriter, _ *http.Request) (*User, error) {
		w.Header().Set("X-Rotated", "yes")
		return &User{Email: "joe"}, nil
	})
	g, err := guard.New[*User](guard.Config{Logger: slog.New(slog.DiscardHandler)}, nil, rotating)
	if err != nil {
		t.Fatal(err)
	}
	if got := serve(g.Authenticate()(whoami(g)), "GET", "/").Header().Get("X-Rotated"); got != "yes" {
		t.Errorf("got X-Rotated %q, want yes", got)
	}
}

func TestTheHandlerReadsTheBodyThatAStrategyRead(t *testing.T) {
	w := newWorld(t)
	var got string
	w.mux.Handle("POST /body", w.Authenticate("local")(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r.FormValue("email") + " " + r.FormValue("extra")
	})))
	w.open().Post("/body", "email", "joe@test.com", "password", password, "extra", "yes").Want(t, 200, "")
	if want := "joe@test.com yes"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestInfoIsWhatTheLastStrategyReported(t *testing.T) {
	at := time.UnixMilli(1795442400123)
	talks := &fake{name: "talks", err: strategy.ErrUnauthenticated, info: &strategy.Info{Detail: "stale", Labels: []string{"x"}}}
	silent := &fake{name: "silent", user: &User{}}
	full := &fake{name: "full", user: &User{}, info: &strategy.Info{Factors: []string{"pwd", "otp"}, At: at, Detail: "d"}}
	for _, row := range []struct {
		name string
		list []*fake
		want strategy.Info
	}{
		{"a refused strategy's report is dropped", []*fake{talks, silent}, strategy.Info{Factors: []string{"silent"}}},
		{"a report is kept", []*fake{full}, strategy.Info{Factors: []string{"pwd", "otp"}, At: at, Detail: "d"}},
	} {
		g := statelessGuard(t, guard.Config{}, row.list...)
		var got strategy.Info
		var ok bool
		before := time.Now()
		serve(g.Authenticate()(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, ok = g.Info(r.Context()) })), "GET", "/")
		if row.want.At.IsZero() {
			if got.At.Before(before) || got.At.After(time.Now()) {
				t.Errorf("%s: got At %v, want now", row.name, got.At)
			}
			got.At = time.Time{}
		}
		if !ok || fmt.Sprint(got) != fmt.Sprint(row.want) {
			t.Errorf("%s: got %v, %v, want %v", row.name, got, ok, row.want)
		}
	}
	if _, ok := statelessGuard(t, guard.Config{}).Info(t.Context()); ok {
		t.Error("Info outside of a request: got ok, want not")
	}
}

func TestFailureOptions(t *testing.T) {
	w := newWorld(t)
	local := []string{"local"}
	w.mux.Handle("POST /redirect", w.AuthenticateWith(guard.Options{Strategies: local, FailureRedirect: "/login?failed=1"})(w.hello()))
	w.mux.Handle("POST /flash", w.AuthenticateWith(guard.Options{Strategies: local, FailureRedirect: "/login", FailureFlash: "Try again", FailureMessage: "No"})(w.hello()))
	w.mux.Handle("POST /text", w.AuthenticateWith(guard.Options{Strategies: local, FailureFlash: "x", FailureText: func(r *guard.Refusal) string { return fmt.Sprint("status ", r.Status()) }})(w.hello()))
	w.mux.Handle("POST /own", w.AuthenticateWith(guard.Options{Strategies: local, FailureHandler: func(rw http.ResponseWriter, _ *http.Request, err error) error {
		var refusal *guard.Refusal
		rw.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(rw, "%v %v %s", errors.As(err, &refusal), errors.Is(err, strategy.ErrUnauthenticated), refusal.Failures[0].Strategy)
		return nil
	}})(w.hello()))
	type messages struct{ flash, list string }
	read := func(path string, form ...string) (status int, location, text string, m messages) {
		b := w.open()
		a := b.Post(path, form...)
		w.mux.Handle("GET /read"+path, w.sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s, err := session.FromContext(r.Context())
			if err != nil {
				t.Fatal(err)
			}
			f, err := s.Flashes("error")
			if err != nil {
				t.Fatal(err)
			}
			l, _, err := session.Key[[]string]("messages").Get(s)
			if err != nil {
				t.Fatal(err)
			}
			m = messages{fmt.Sprint(f), fmt.Sprint(l)}
		})))
		b.Get("/read"+path).Want(t, 200, "")
		return a.StatusCode, a.Header.Get("Location"), a.Text, m
	}
	none := messages{"[]", "[]"}
	for _, row := range []struct {
		path, pass string
		status     int
		location   string
		text       string
		m          messages
	}{
		{"/redirect", "wrong", 303, "/login?failed=1", "", none},
		{"/flash", "wrong", 303, "/login", "", messages{"[Try again]", "[No]"}},
		{"/text", "", 400, "", "Bad Request", messages{"[status 400]", "[]"}},
		{"/own", "wrong", 418, "", "true true local", none},
	} {
		status, location, text, m := read(row.path, "email", "joe@test.com", "password", row.pass)
		if status != row.status || location != row.location || !strings.Contains(text, row.text) || m != row.m {
			t.Errorf("%s: got %d %q %q %v, want %d %q %q %v", row.path, status, location, text, m, row.status, row.location, row.text, row.m)
		}
	}
	w.open().Post("/redirect", "email", "joe@test.com", "password", password).Want(t, 200, "hello joe")

	w.table.fail(errOutage)
	for _, path := range []string{"/redirect", "/flash", "/own"} {
		w.open().Post(path, "email", "joe@test.com", "password", password).Want(t, 503, "Service Unavailable")
	}
	w.table.fail(nil)
	w.store.fail(errOutage)
	w.open().Post("/flash", "email", "joe@test.com", "password", "wrong").Want(t, 503, "")
}

// TestDjangoCVE_2015_5963_AFailedLogInWritesNothing, unless a flash message was configured.
func TestDjangoCVE_2015_5963_AFailedLogInWritesNothing(t *testing.T) {
	w := newWorld(t)
	a := w.open().Post("/login", "email", "joe@test.com", "password", "wrong")
	a.Want(t, 401, "Unauthorized")
	if got := w.store.asked(); got != "[]" || len(a.Cookies()) != 0 {
		t.Errorf("got store calls %s and cookies %v, want none", got, a.Cookies())
	}
}
