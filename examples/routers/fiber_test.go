//go:build !race

// fasthttp, on which fiber is built, writes to a request's context while others may look at it: when a
// connection is hijacked, and when the server stops. The race detector reports it.

package main_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"

	routers "github.com/seed-6f34412b/passport/examples/routers"
)

// serveFiber serves what mount adds to a fiber application, in place of the site's own server.
func serveFiber(s *site, mount func(*fiber.App)) *visitor {
	app := fiber.New()
	mount(app)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
	s.Cleanup(func() {
		_ = app.ShutdownWithContext(context.Background())
		if err := <-done; err != nil {
			s.Error(err)
		}
	})
	s.url = "http://" + listener.Addr().String()
	return s.visitor()
}

// TestFiberRunsTheWholeApplication, mounted behind its adaptor, but for what needs the connection.
func TestFiberRunsTheWholeApplication(t *testing.T) {
	s := open(t, "net/http", nil, nil)
	v := serveFiber(s, func(app *fiber.App) { app.Use(adaptor.HTTPHandler(routers.NetHTTP(s.app))) })
	v.get("me").want(t, http.StatusUnauthorized, "")
	v.logIn()
	v.get("me").want(t, http.StatusOK, "joe@example.com")
	s.broken.Store(true)
	v.get("note?milk").wantNothing(t)
	s.broken.Store(false)
	v.get("panic").want(t, http.StatusInternalServerError, "")
	v.get("note?milk").want(t, http.StatusOK, "notes: 1")
	stream(s)
	v.logIn()
	v.get("logout").want(t, http.StatusSeeOther, "")
	v.get("me").want(t, http.StatusUnauthorized, "")
}

// TestFibersAdaptorHasNoWebSocket: its writer hijacks before it has sent the 101. The handler is the smallest
// one, since fasthttp uses the context again while a handler of the application still looks at it.
func TestFibersAdaptorHasNoWebSocket(t *testing.T) {
	s := open(t, "net/http", nil, nil)
	v := serveFiber(s, func(app *fiber.App) {
		app.Use(adaptor.HTTPHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if conn, err := websocket.Accept(w, r, nil); err == nil {
				_ = conn.CloseNow()
			}
		})))
	})
	short, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	r := v.request("socket").WithContext(short)
	r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
	if res, err := v.client.Do(r); err == nil {
		_ = res.Body.Close()
		t.Errorf("a WebSocket got %s: docs/ROUTERS.md says that it gets no answer", res.Status)
	}
}

// TestFibersMiddlewareAdaptorIsNotEnough: fiber's handlers run when the middleware has returned, and so after
// the commit.
func TestFibersMiddlewareAdaptorIsNotEnough(t *testing.T) {
	s := open(t, "net/http", nil, nil)
	var user bool
	var failure error
	v := serveFiber(s, func(app *fiber.App) {
		app.Post("/app/api/login", adaptor.HTTPHandler(s.app.Auth.Authenticate("local")(s.app.Auth.LogIn(http.RedirectHandler("/", http.StatusSeeOther)))))
		app.Get("/app/me", adaptor.HTTPMiddleware(s.app.Auth.RequireAuth), func(c fiber.Ctx) error {
			_, user = s.app.Auth.User(c.RequestCtx())
			_, failure = s.app.Note(c.RequestCtx(), "milk")
			return c.SendString("me")
		})
	})
	v.get("me").want(t, http.StatusUnauthorized, "")
	v.get("api/login").want(t, http.StatusSeeOther, "")
	v.get("me").want(t, http.StatusOK, "me") // the gate works
	if user || failure == nil || !strings.Contains(failure.Error(), "no session in this context") {
		t.Errorf("fiber's handler has the user: %t, and its change of the session got %v, want neither: docs/ROUTERS.md says so", user, failure)
	}
}
