package parity_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy"
)

var nestRows = []row{
	{"PassportStrategy.validate", func(t *testing.T) {
		outage := false
		local := strategy.NewLocal(func(ctx context.Context, email, password string) (*user, error) {
			if outage {
				return nil, errOutage
			}
			return check(ctx, email, password)
		})
		a := newApp(t)
		g, err := guard.New(guard.Config{Sessions: a.sessions, Logger: a.sessions.Logger()}, byID, strategy.Strategy[*user](local))
		if err != nil {
			t.Fatal(err)
		}
		a.mux.Handle("POST /validate", g.Authenticate("local")(a.hello()))
		logIn(a.open(), "/validate").Want(t, 200, "")
		fail(a.open(), "/validate").Want(t, 401, "")
		outage = true
		logIn(a.open(), "/validate").Want(t, 503, "")
	}},
	{"PassportSerializer", func(t *testing.T) {
		for name, s := range map[string]serializer.Serializer[*user]{
			`1`: byID,
			`{"id":1,"role":"admin"}`: serializer.ByID(func(*user) any {
				return struct {
					ID   int    `json:"id"`
					Role string `json:"role"`
				}{1, "admin"}
			}, func(context.Context, any) (*user, error) { return users[0], nil }),
		} {
			if got, err := s.Serialize(t.Context(), users[0]); err != nil || string(got) != name {
				t.Errorf("Serialize: %s, %v, want %s", got, err, name)
			}
		}
	}},
	{"PassportModule.register", func(t *testing.T) {
		_, err := guard.New(guard.Config{LoginURL: "javascript:"}, byID, token, token)
		if err == nil || !strings.Contains(err.Error(), "LoginURL") || !strings.Contains(err.Error(), "token") {
			t.Errorf("New: %v, want every mistake named", err)
		}
	}},
	{"defaultStrategy", func(t *testing.T) { // no name means all, in New's order
		a := newApp(t)
		a.mux.Handle("POST /any", a.Authenticate()(a.hello()))
		logIn(a.open(), "/any").Want(t, 200, "")
		b := a.open()
		b.Header("Authorization", "Token joe")
		b.Post("/any", "email", "joe@test.com", "password", "wrong").Want(t, 200, "hello joe@test.com")
	}},
	{"AuthGuard(type)", func(t *testing.T) {
		a := newApp(t)
		a.mux.Handle("GET /api", a.Authenticate("token")(a.hello()))
		a.open().Get("/api").Want(t, 401, "")
		defer func() {
			if got := fmt.Sprint(recover()); !strings.Contains(got, "local, token, session, anonymous") {
				t.Errorf("an unknown strategy: %s, want the known ones named while routes are built", got)
			}
		}()
		a.Authenticate("jwt")
	}},
	{"AuthGuard([types])", func(t *testing.T) {
		a := newApp(t)
		a.mux.Handle("GET /api", a.Authenticate("token", "anonymous")(a.hello()))
		a.open().Get("/api").Want(t, 200, "hello stranger")
	}},
	{"AuthGuard('session')", func(t *testing.T) { // refuses anonymous visitors, as its name says
		a := newApp(t)
		a.mux.Handle("GET /page", a.Authenticate("session")(a.hello()))
		a.open().Get("/page").Want(t, 401, "")
		a.joe().Get("/page").Want(t, 200, "hello joe@test.com")
	}},
	{"LocalGuard", func(t *testing.T) {
		a := newApp(t)
		b := a.open()
		logIn(b, "/login").Want(t, 200, "hello joe@test.com")
		b.Get("/me").Want(t, 200, "")
	}},
	{"LoggedInGuard", func(t *testing.T) {
		a := newApp(t)
		a.open().Get("/me").Want(t, 401, "")
		a.joe().Get("/me").Want(t, 200, "")
	}},
	{"RolesGuard", func(t *testing.T) {
		a := newApp(t)
		admins := a.Require(func(_ *http.Request, u *user) error {
			if !u.Admin {
				return guard.ErrForbidden
			}
			return nil
		})
		a.mux.Handle("GET /admin", admins(a.hello()))
		a.joe().Get("/admin").Want(t, 200, "")
		a.open().Get("/admin").Want(t, 401, "")
		jen := a.open()
		jen.Post("/login", "email", "jen@test.com", "password", "right")
		jen.Get("/admin").Want(t, 403, "")
	}},
	{"handleRequest", func(t *testing.T) {
		a := newApp(t)
		a.mux.Handle("POST /own", a.AuthenticateWith(guard.Options{Strategies: []string{"local"}, FailureHandler: func(w http.ResponseWriter, _ *http.Request, err error) error {
			var refusal *guard.Refusal
			http.Error(w, fmt.Sprint(errors.As(err, &refusal)), http.StatusTeapot)
			return nil
		}})(a.hello()))
		fail(a.open(), "/own").Want(t, http.StatusTeapot, "true")
	}},
	{"getAuthenticateOptions", func(t *testing.T) {
		a := failWith(t, guard.Options{FailureRedirect: "/login"})
		redirected(t, fail(a.open(), "/with"), "/login")
	}},
	{"getRequest", func(t *testing.T) { // middlewares get the request itself; nothing to override
		a := newApp(t)
		a.mux.Handle("GET /api", a.Authenticate("token")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) })))
		b := a.open()
		b.Header("Authorization", "Token joe")
		b.Get("/api").Want(t, 200, "/api")
	}},
	{"UnauthorizedException", func(t *testing.T) {
		a := newApp(t)
		b := a.open()
		b.Header("Accept", "application/json")
		got := b.Get("/me")
		got.Want(t, 401, `"status":401`)
		if kind := got.Header.Get("Content-Type"); kind != "application/problem+json" {
			t.Errorf("Content-Type %q", kind)
		}
	}},
	{"@Req() req.user", func(t *testing.T) { newApp(t).joe().Get("/me").Want(t, 200, "hello joe@test.com") }},
}
