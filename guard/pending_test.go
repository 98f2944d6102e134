package guard_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// newFactorWorld is a world in which joe has an authenticator app and jen has none, with every kind of
// guarded route.
func newFactorWorld(t testing.TB, edit ...func(*guard.Config)) *rememberWorld {
	t.Helper()
	factors := func(_ context.Context, u *User) ([]string, error) {
		if u.Email == "out@test.com" {
			return nil, errOutage
		}
		if u.ID == 1 {
			return []string{"totp|passkey"}, nil
		}
		return nil, nil
	}
	w := newRememberWorld(t, append(edit, func(c *guard.Config) { c.Factors = guard.FactorsOf(factors) })...)
	w.mux.Handle("/role", w.Require(func(*http.Request, *User) error { return nil })(w.hello()))
	w.mux.Handle("/factor", w.RequireFactor("totp", 0)(w.hello()))
	w.mux.Handle("/uncached", w.RequireUncached(w.hello()))
	w.mux.Handle("/only/session", w.Authenticate("session")(w.hello()))
	w.mux.Handle("/either", w.Authenticate("session", "anonymous")(w.hello()))
	w.mux.Handle("/check", w.sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, err := w.Check(r); err != nil {
			w.Error(rw, r, err)
			return
		}
		w.hello().ServeHTTP(rw, r)
	})))
	w.mux.Handle("/userof", w.sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			var u *User
			if u, err = w.UserOf(r.Context(), s); err == nil {
				fmt.Fprintf(rw, "hello %s", u.Email)
				return
			}
		}
		w.Error(rw, r, err)
	})))
	w.mux.Handle("/password/each/time", w.Authenticate("local")(w.RequireAuth(w.hello())))
	w.mux.Handle("POST /code", w.Authenticate("totp")(w.StepUp(w.hello())))
	w.mux.Handle("GET /whose", w.sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		u, err := w.StepUpUser(r)
		if err != nil {
			w.Error(rw, r, err)
			return
		}
		fmt.Fprintf(rw, "the code of %s", u.Email)
	})))
	return w
}

// doors are the routes that need the user of a session.
var doors = []string{"/me", "/any", "/role", "/fresh", "/factor", "/uncached", "/strategy", "/only/session", "/either", "/check", "/userof", "/sessions"}

// code sends joe's code.
func (w *rememberWorld) code(b *browser.Browser) browser.Answer {
	w.second.user, w.second.err = joe, nil
	defer func() { w.second.user, w.second.err = nil, strategy.ErrUnauthenticated }()
	return b.Post("/code")
}

// TestAPendingLogInOpensNothingButStepUp (G10).
func TestAPendingLogInOpensNothingButStepUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFactorWorld(t)
		password := func(b *browser.Browser) browser.Answer { return logIn(b, "joe@test.com") }
		for _, row := range []struct {
			name    string
			pending func(b *browser.Browser) // makes a log-in of joe without the code
		}{
			{"by password", func(b *browser.Browser) { password(b).Want(t, 401, "") }},
			{"by password with the box", func(b *browser.Browser) {
				b.Post("/login/box", "email", "joe@test.com", "password", "Passw0rd!", "remember", "on").Want(t, 401, "")
			}},
			{"remembered while pending, next month", func(b *browser.Browser) {
				b.Post("/login/box", "email", "joe@test.com", "password", "Passw0rd!", "remember", "on").Want(t, 401, "")
				nextMonth(b)
			}},
			{"remembered when complete, next month", func(b *browser.Browser) {
				b.Post("/login/box", "email", "joe@test.com", "password", "Passw0rd!", "remember", "on").Want(t, 401, "")
				w.code(b).Want(t, 200, "hello joe")
				nextMonth(b)
			}},
		} {
			b := w.open()
			row.pending(b)
			for _, door := range doors {
				a := b.Get(door)
				if strings.Contains(a.Text, "joe") || a.StatusCode != 401 && a.Text != "hello stranger" {
					t.Errorf("%s: %s: got %d %q, want nobody", row.name, door, a.StatusCode, a.Text)
				}
				if a.StatusCode == 401 && door != "/userof" && !strings.Contains(strings.Join(a.Header["Www-Authenticate"], ", "), `acr_values="totp`) {
					t.Errorf("%s: %s: got challenges %q, want one that names the factor", row.name, door, a.Header["Www-Authenticate"])
				}
			}
			b.Get("/whose").Want(t, 200, "the code of joe")
			w.code(b).Want(t, 200, "hello joe")
			for _, door := range doors {
				if door == "/fresh" && strings.HasPrefix(row.name, "remembered") {
					continue // a remembered log-in is never fresh
				}
				b.Get(door).Want(t, 200, "")
			}
			b.Post("/logout").Want(t, 200, "")
			b.Get("/whose").Want(t, 401, "")
		}
		b := w.open()
		logIn(b, "jen@test.com").Want(t, 200, "hello jen")
		b.Get("/me").Want(t, 200, "hello jen")
	})
}

func TestAFactorThatIsSetUpLaterIsAskedOfOlderLogIns(t *testing.T) {
	has := false
	w := newDeviceWorld(t, func(c *guard.Config) {
		c.Factors = guard.FactorsOf(func(context.Context, *User) ([]string, error) {
			if has {
				return []string{"totp"}, nil
			}
			return nil, nil
		})
	})
	b := w.loggedIn("joe@test.com")
	has = true
	b.Get("/me").Want(t, 401, "")
}

func TestAPasswordAtEveryRequestIsNotEnoughEither(t *testing.T) {
	w := newFactorWorld(t)
	w.open().Post("/password/each/time", "email", "joe@test.com", "password", password).Want(t, 401, "")
	w.open().Post("/password/each/time", "email", "jen@test.com", "password", password).Want(t, 200, "hello jen")
}

// TestCredentialsOfProgramsNeedNoSecondFactor, as their strategy says.
func TestCredentialsOfProgramsNeedNoSecondFactor(t *testing.T) {
	w := newWorld(t)
	validate := func(context.Context, string) (*User, error) { return joe, nil }
	factors := guard.FactorsOf(func(context.Context, *User) ([]string, error) { return []string{"totp"}, nil })
	basic := strategy.NewBasic("api", func(context.Context, string, string) (*User, error) { return joe, nil })
	bearer := strategy.NewBearer("api", validate)
	g, err := guard.New(guard.Config{Factors: factors, Logger: w.logger()}, w.table.stamped(), basic, bearer)
	if err != nil {
		t.Fatal(err)
	}
	named, err := guard.New(guard.Config{Factors: factors, Logger: w.logger()}, w.table.stamped(), strategy.Named("key", bearer))
	if err != nil {
		t.Fatal(err)
	}
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	w.mux.Handle("GET /basic", g.Authenticate("basic")(g.RequireAuth(ok)))
	w.mux.Handle("GET /bearer", g.Authenticate("bearer")(g.RequireAuth(ok)))
	w.mux.Handle("GET /named", named.Authenticate()(named.RequireAuth(ok)))
	b := w.open()
	b.Header("Authorization", "Basic am9lOng=")
	b.Get("/basic").Want(t, 401, "")
	b.Header("Authorization", "Bearer abc")
	b.Get("/bearer").Want(t, 200, "")
	b.Get("/named").Want(t, 200, "")
}

func TestBrowsersAreSentToThePageThatAsksForTheFactor(t *testing.T) {
	w := newFactorWorld(t, func(c *guard.Config) { c.LoginURL, c.StepUpURL = "/login", "/code" })
	w.mux.Handle("POST /in", w.Authenticate("local")(w.LogInWith(guard.LogInOptions{SuccessRedirect: "/home", ReturnTo: true})(nil)))
	b := w.open()
	b.Header("Accept", "text/html")
	a := b.Post("/in", "email", "joe@test.com", "password", password, "return_to", "/vault")
	if got, want := a.Header.Get("Location"), "/code?return_to=%2Fvault"; a.StatusCode != 303 || got != want {
		t.Errorf("got %d to %q, want 303 to %q", a.StatusCode, got, want)
	}
	a = b.Get("/me")
	if got, want := a.Header.Get("Location"), "/code?return_to=%2Fme"; a.StatusCode != 303 || got != want {
		t.Errorf("got %d to %q, want 303 to %q", a.StatusCode, got, want)
	}
}

// TestPendingLogInsDoNotCount: somebody who only knows the password ends no session of the user.
func TestPendingLogInsDoNotCount(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newFactorWorld(t, func(c *guard.Config) { c.MaxSessions, c.RefuseMore = 1, refuse })
			first := w.open()
			logIn(first, "joe@test.com").Want(t, 401, "")
			w.code(first).Want(t, 200, "hello joe")
			pass(time.Second)
			second := w.open()
			for range 3 {
				logIn(second, "joe@test.com").Want(t, 401, "")
				pass(time.Second)
			}
			list := w.list(first)
			if len(list) != 2 || !list[0].Pending || list[1].Pending {
				t.Errorf("refuse %t: got %+v, want a pending one and the user's own", refuse, list)
			}
			want, stays := map[bool]int{false: 200, true: 403}[refuse], map[bool]int{false: 401, true: 200}[refuse]
			w.code(second).Want(t, want, "")
			first.Get("/me").Want(t, stays, "")
			second.Get("/whose").Want(t, 200, "joe")
		})
	}
}

func TestAnOutageWhileFactorsAreLookedUpLetsNobodyPass(t *testing.T) {
	w := newFactorWorld(t)
	b := w.loggedIn("jen@test.com")
	w.table.set(User{ID: 2, Email: "out@test.com", Pass: password})
	for _, door := range doors {
		if door != "/sessions" && door != "/userof" {
			b.Get(door).Want(t, 503, "")
		}
	}
	logIn(w.open(), "out@test.com").Want(t, 503, "")
}

func TestFactorsAreForTheGuardsUsers(t *testing.T) {
	w := newWorld(t)
	_, err := guard.New(guard.Config{Sessions: w.sessions, Factors: guard.FactorsOf(func(context.Context, string) ([]string, error) { return nil, nil })}, w.table.stamped())
	if err == nil || !strings.Contains(err.Error(), "Config.Factors") {
		t.Errorf("got %v, want an error that names Config.Factors", err)
	}
}

// TestAPageOfSeveralStrategiesAsksForTheFactor: a strategy without credentials in the request, which cannot
// say so, sends nobody back to the log-in page.
func TestAPageOfSeveralStrategiesAsksForTheFactor(t *testing.T) {
	w := newFactorWorld(t, func(c *guard.Config) { c.LoginURL, c.StepUpURL = "/login", "/code" })
	w.token.err = &strategy.Failure{Reason: "api key: none, or several"}
	w.mux.Handle("GET /page", w.Authenticate("session", "token")(w.hello()))
	b := w.open()
	logIn(b, "joe@test.com")
	w.saw()
	r := b.Request(http.MethodGet, "/page", "")
	r.Header.Set("Accept", "text/html")
	if a := b.Do(r); a.StatusCode != 303 || a.Header.Get("Location") != "/code?return_to=%2Fpage" {
		t.Errorf("got %d to %q, want 303 to /code?return_to=%%2Fpage", a.StatusCode, a.Header.Get("Location"))
	}
	if got, want := w.saw(), "[authz_fail/factor]"; got != want {
		t.Errorf("got events %s, want %s", got, want)
	}
}

// TestAPendingLogInHidesNoRefusal: credentials that another strategy refused are answered and logged as if
// nobody was logged in; missing ones are not.
func TestAPendingLogInHidesNoRefusal(t *testing.T) {
	for _, row := range []struct {
		name   string
		with   string // the strategy besides "session"
		refuse error  // the answer of "token"
		header string // the Authorization header
		form   []string
		status int
		want   string
	}{
		{name: "no credentials in the header", with: "basic", status: 401, want: "[authz_fail/factor]"},
		{name: "malformed credentials in the header", with: "basic", header: "Basic !!", status: 401, want: "[authn_login_fail/malformed Basic credentials]"},
		{name: "another form", with: "local", form: []string{"cart", "3"}, status: 401, want: "[authz_fail/factor]"},
		{name: "no form", with: "local", status: 401, want: "[authz_fail/factor]"},
		{name: "no token", with: "token", refuse: &strategy.Failure{Challenge: "Bearer"}, status: 401, want: "[authz_fail/factor]"},
		{name: "a wrong password in the header", with: "basic", header: "Basic am9lQHRlc3QuY29tOng=", status: 401, want: "[authn_login_fail]"},
		{name: "a wrong password in a form", with: "local", form: []string{"email", "joe@test.com", "password", "x"}, status: 401, want: "[authn_login_fail]"},
		{name: "a form without a password", with: "local", form: []string{"email", "joe@test.com"}, status: 400, want: "[authn_login_fail/missing credentials]"},
		{name: "too many attempts", with: "token", refuse: &strategy.Failure{Status: 429, RetryAfter: time.Minute}, status: 429, want: "[excess_rate_limit_exceeded]"},
		{name: "a wrong token", with: "token", refuse: &strategy.CallbackRefusal{Err: strategy.ErrUnauthenticated}, status: 401, want: "[authn_login_fail]"},
		{name: "nobody knows what", with: "token", refuse: strategy.ErrUnauthenticated, status: 401, want: "[authz_fail/factor]"},
		{name: "nobody knows what, with a reason", with: "token", refuse: &strategy.Failure{Reason: "none, or several"}, status: 401, want: "[authz_fail/factor]"},
		{name: "nobody knows what, through Map", with: "mapped", status: 401, want: "[authz_fail/factor]"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newFactorWorld(t)
			basic := strategy.NewBasic("r", w.table.check)
			both, err := guard.New(guard.Config{Sessions: w.sessions, Logger: w.logger(), OnEvent: w.note, Factors: guard.FactorsOf(func(context.Context, *User) ([]string, error) { return []string{"totp"}, nil })},
				w.table.stamped(), strategy.NewLocal(w.table.check), basic, strategy.Strategy[*User](w.token),
				strategy.Map(strategy.Func("mapped", func(http.ResponseWriter, *http.Request) (*User, error) { return nil, strategy.ErrUnauthenticated }),
					func(_ context.Context, u *User) (*User, error) { return u, nil }))
			if err != nil {
				t.Fatal(err)
			}
			w.mux.Handle("/both", both.Authenticate("session", row.with)(w.hello()))
			b := w.open()
			logIn(b, "joe@test.com").Want(t, 401, "")
			w.saw()
			w.token.err = row.refuse
			if row.header != "" {
				b.Header("Authorization", row.header)
			}
			b.Post("/both", row.form...).Want(t, row.status, "")
			if got := w.saw(); got != row.want {
				t.Errorf("%s: got events %s, want %s", row.name, got, row.want)
			}
		})
	}
}
