package parity_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

const messages session.Key[[]string] = "messages"

// logInWith returns an application whose /with logs in with the options o.
func logInWith(t *testing.T, o guard.LogInOptions) *app {
	a := newApp(t)
	a.mux.Handle("POST /with", a.Authenticate("local")(a.LogInWith(o)(a.hello())))
	return a
}

// failWith returns an application whose /with refuses with the options o.
func failWith(t *testing.T, o guard.Options) *app {
	a := newApp(t)
	o.Strategies = []string{"local"}
	a.mux.Handle("POST /with", a.AuthenticateWith(o)(a.hello()))
	return a
}

// flashes returns the messages of kind in the visitor's session.
func (a *app) flashes(b *browser.Browser, kind string) string {
	a.session("GET /flashes", func(_ *http.Request, s *session.Session) (any, error) { return s.Flashes(kind) })
	return b.Get("/flashes").Text
}

func (a *app) messages(b *browser.Browser) string {
	a.session("GET /messages", func(_ *http.Request, s *session.Session) (any, error) {
		list, _, err := messages.Get(s)
		return list, err
	})
	return b.Get("/messages").Text
}

var passportRows = []row{
	{"passport.authenticate(name)", func(t *testing.T) {
		a := newApp(t)
		logIn(a.open(), "/login").Want(t, 200, "hello joe@test.com")
		fail(a.open(), "/login").Want(t, 401, "")
	}},
	{"passport.authenticate([names])", func(t *testing.T) {
		a := newApp(t)
		a.mux.Handle("GET /api", a.Authenticate("token", "session")(a.hello()))
		b := a.open()
		b.Header("Authorization", "Token joe")
		b.Get("/api").Want(t, 200, "hello joe@test.com")
		a.joe().Get("/api").Want(t, 200, "hello joe@test.com")
		if got := a.open().Get("/api"); got.StatusCode != 401 || got.Header.Get("WWW-Authenticate") != `Token realm="api"` {
			t.Errorf("got %d with challenge %q", got.StatusCode, got.Header.Get("WWW-Authenticate"))
		}
	}},
	{"session: false", func(t *testing.T) {
		a := newApp(t)
		a.mux.Handle("POST /once", a.Authenticate("local")(a.hello()))
		b := a.open()
		logIn(b, "/once").Want(t, 200, "hello joe@test.com")
		b.Get("/me").Want(t, 401, "")
		if n := len(a.records()); n != 0 {
			t.Errorf("%d records, want none", n)
		}
	}},
	{"successRedirect", func(t *testing.T) {
		redirected(t, logIn(logInWith(t, guard.LogInOptions{SuccessRedirect: "/home"}).open(), "/with"), "/home")
	}},
	{"successReturnToOrRedirect", func(t *testing.T) {
		a := logInWith(t, guard.LogInOptions{SuccessRedirect: "/home", ReturnTo: true})
		redirected(t, logIn(a.open(), "/with"), "/home")
		redirected(t, logIn(a.open(), "/with?return_to=%2Forders%3Fid%3D1"), "/orders?id=1")
		redirected(t, logIn(a.open(), "/with?return_to=%2F%2Fevil.example"), "/home")
	}},
	{"successFlash", func(t *testing.T) {
		a := logInWith(t, guard.LogInOptions{SuccessFlash: "Welcome"})
		b := a.open()
		logIn(b, "/with").Want(t, 200, "")
		if got := a.flashes(b, "success"); got != "[Welcome]" {
			t.Errorf("flashes are %s", got)
		}
	}},
	{"successMessage", func(t *testing.T) {
		a := logInWith(t, guard.LogInOptions{SuccessMessage: "Welcome"})
		b := a.open()
		logIn(b, "/with").Want(t, 200, "")
		if got := a.messages(b); got != "[Welcome]" {
			t.Errorf("messages are %s", got)
		}
	}},
	{"failureRedirect", func(t *testing.T) {
		redirected(t, fail(failWith(t, guard.Options{FailureRedirect: "/login"}).open(), "/with"), "/login")
	}},
	{"failureFlash", func(t *testing.T) {
		a := failWith(t, guard.Options{FailureFlash: "Try again", FailureRedirect: "/login"})
		b := a.open()
		fail(b, "/with")
		if got := a.flashes(b, "error"); got != "[Try again]" {
			t.Errorf("flashes are %s", got)
		}
	}},
	{"failureFlash: true", func(t *testing.T) {
		a := failWith(t, guard.Options{FailureFlash: "Try again", FailureText: func(r *guard.Refusal) string { return fmt.Sprint("refused with ", r.Status()) }})
		b := a.open()
		fail(b, "/with").Want(t, 401, "")
		if got := a.flashes(b, "error"); got != "[refused with 401]" {
			t.Errorf("flashes are %s", got)
		}
	}},
	{"failureMessage", func(t *testing.T) {
		a := failWith(t, guard.Options{FailureMessage: "Try again"})
		b := a.open()
		fail(b, "/with")
		fail(b, "/with")
		if got := a.messages(b); got != "[Try again Try again]" {
			t.Errorf("messages are %s", got)
		}
	}},
	{"failWithError", func(t *testing.T) {
		a := failWith(t, guard.Options{FailureHandler: func(w http.ResponseWriter, _ *http.Request, err error) error {
			http.Error(w, "own page: "+err.Error(), http.StatusTeapot)
			return nil
		}})
		fail(a.open(), "/with").Want(t, http.StatusTeapot, "own page: guard: refused: local")
	}},
	{"assignProperty", func(t *testing.T) { // two users in one request: that of the session, and that of an account
		a := newApp(t)
		accounts, err := guard.New(guard.Config{Logger: a.sessions.Logger()}, nil, token)
		if err != nil {
			t.Fatal(err)
		}
		a.mux.Handle("POST /link", a.RequireAuth(accounts.Authenticate("token")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u, _ := a.User(r.Context())
			account, ok := accounts.User(r.Context())
			fmt.Fprintf(w, "%s and %s, %v", u.Email, account.Email, ok)
		}))))
		b := a.open()
		b.Post("/login", "email", "jen@test.com", "password", "right").Want(t, 200, "")
		b.Header("Authorization", "Token joe")
		b.Post("/link").Want(t, 200, "jen@test.com and joe@test.com, true")
		b.Get("/me").Want(t, 200, "hello jen@test.com")
	}},
	{"keepSessionInfo", func(t *testing.T) {
		a := logInWith(t, guard.LogInOptions{Keep: []string{"cart"}})
		a.session("POST /cart", func(_ *http.Request, s *session.Session) (any, error) {
			return "", session.Key[string]("cart").Set(s, "full")
		})
		b := a.open()
		b.Post("/cart")
		logIn(b, "/with").Want(t, 200, "")
		if got := a.record(); !strings.Contains(got, `"cart":"full"`) {
			t.Errorf("the record is %s", got)
		}
		c := a.open()
		c.Post("/cart")
		logIn(c, "/login").Want(t, 200, "")
		if n := strings.Count(strings.Join(a.records(), ""), "cart"); n != 1 {
			t.Errorf("%d carts, want one: LogIn without options drops it", n)
		}
	}},
	{"authInfo", func(t *testing.T) {
		a := newApp(t)
		a.mux.Handle("POST /info", a.Authenticate("local")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			info, ok := a.Info(r.Context())
			fmt.Fprintf(w, "%v, %s, %v", info.Detail, info.Factors, ok)
		})))
		logIn(a.open(), "/info").Want(t, 200, "by the table, [local], true")
	}},
	{"custom callback", func(t *testing.T) {
		a := newApp(t)
		a.mux.Handle("GET /either", a.Restore(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u, err := a.Check(r)
			fmt.Fprint(w, u != nil, err != nil)
		})))
		a.joe().Get("/either").Want(t, 200, "true false")
		a.open().Get("/either").Want(t, 200, "false true")
	}},
	{"passport.initialize()", func(t *testing.T) { // nothing needs to be mounted
		a := newApp(t)
		a.joe().Get("/me").Want(t, 200, "hello joe@test.com")
	}},
	{"passport.session()", func(t *testing.T) {
		a := newApp(t)
		a.mux.Handle("GET /page", a.Restore(a.hello()))
		a.joe().Get("/page").Want(t, 200, "hello joe@test.com")
		a.open().Get("/page").Want(t, 200, "hello stranger")
	}},
	{"passport.serializeUser", func(t *testing.T) {
		a := newApp(t)
		a.joe()
		if got := a.record(); !strings.Contains(got, `"passport":{"user":1,`) {
			t.Errorf("the record is %s", got)
		}
	}},
	{"passport.deserializeUser", func(t *testing.T) {
		if u, err := byID.Deserialize(t.Context(), json.RawMessage("2")); err != nil || u.Email != "jen@test.com" {
			t.Errorf("user 2 is %v, %v", u, err)
		}
		if _, err := byID.Deserialize(t.Context(), json.RawMessage("3")); !errors.Is(err, serializer.ErrUserGone) {
			t.Errorf("user 3: %v", err)
		}
	}},
	{"ensureLoggedIn", func(t *testing.T) {
		a := newApp(t)
		b := a.open()
		b.Get("/me").Want(t, 401, "")
		logIn(b, "/login")
		b.Get("/me").Want(t, 200, "")
	}},
	{"req.user", func(t *testing.T) { newApp(t).joe().Get("/me").Want(t, 200, "hello joe@test.com") }},
	{"req.isAuthenticated()", func(t *testing.T) {
		a := newApp(t)
		a.mux.Handle("GET /is", a.sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := a.Check(r)
			fmt.Fprint(w, err == nil)
		})))
		a.joe().Get("/is").Want(t, 200, "true")
		a.open().Get("/is").Want(t, 200, "false")
	}},
	{"req.logIn(user)", func(t *testing.T) {
		a := newApp(t)
		a.mux.Handle("POST /register", a.sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := a.LogInUser(r, users[1]); err != nil {
				a.Error(w, r, err)
			}
		})))
		b := a.open()
		b.Post("/register").Want(t, 200, "")
		b.Get("/me").Want(t, 200, "hello jen@test.com")
	}},
	{"req.logOut()", func(t *testing.T) {
		a := newApp(t)
		b := a.joe()
		late := b.Twin()
		b.Post("/logout").Want(t, 200, "hello stranger")
		late.Get("/me").Want(t, 401, "")
		if n := len(a.records()); n != 0 {
			t.Errorf("%d records, want none", n)
		}
	}},
	{"usernameField", func(t *testing.T) {
		local, err := strategy.NewLocalWith(strategy.LocalConfig{EmailField: "login", PasswordField: "pin"}, check)
		if err != nil {
			t.Fatal(err)
		}
		a := newApp(t)
		g, err := guard.New(guard.Config{Sessions: a.sessions, Logger: a.sessions.Logger()}, byID, strategy.Strategy[*user](local))
		if err != nil {
			t.Fatal(err)
		}
		a.mux.Handle("POST /fields", g.Authenticate("local")(g.LogIn(a.hello())))
		a.open().Post("/fields", "login", "joe@test.com", "pin", "right").Want(t, 200, "")
		a.open().Post("/fields?login=joe@test.com&pin=right").Want(t, 400, "") // never from the query string
	}},
	{"req.flash", func(t *testing.T) {
		a := newApp(t)
		a.session("POST /flash", func(_ *http.Request, s *session.Session) (any, error) { return "", s.Flash("info", "saved") })
		b := a.open()
		b.Post("/flash")
		if got := a.record(); !strings.Contains(got, `"flash":{"info":["saved"]}`) {
			t.Errorf("the record is %s", got)
		}
		if got := a.flashes(b, "info"); got != "[saved]" {
			t.Errorf("flashes are %s", got)
		}
	}},
}
