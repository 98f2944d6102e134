package guard_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
)

// byContext is a handler that gets no request, as in huma, connect and gqlgen.
func (w *world) byContext(do func(ctx context.Context) error) http.Handler {
	return w.sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := do(context.WithValue(r.Context(), "made", "of it")); err != nil { //nolint:staticcheck // any key
			w.Error(rw, r, err)
			return
		}
		w.hello().ServeHTTP(rw, r)
	}))
}

// TestLogInAndLogOutByContext, with the cross-site check, and with what each option keeps (G29, G32).
func TestLogInAndLogOutByContext(t *testing.T) {
	w := newRememberWorld(t)
	w.record()
	o := guard.LogInOptions{Keep: []string{"cart"}, RememberMe: func(*http.Request) bool { return true }, ReturnTo: true, SuccessRedirect: "/home"}
	var to string
	w.mux.Handle("POST /in", w.byContext(func(ctx context.Context) (err error) {
		to, err = w.LogInContext(ctx, joe, o)
		return err
	}))
	w.mux.Handle("POST /out", w.byContext(w.LogOutContext))
	b := w.open()
	b.Get("/put?k=cart&v=apples").Want(t, 200, "")
	from(b, "https://evil.example", "POST", "/in", "").Want(t, 403, "")
	b.Post("/in", "return_to", "/vault").Want(t, 200, "hello joe")
	if to != "/vault" {
		t.Errorf("got %q to go to, want /vault", to)
	}
	b.Get("/record").Want(t, 200, `"cart":"apples"`)
	b.SetCookie(sid, "")
	b.Get("/me").Want(t, 200, "hello joe") // the browser is remembered
	from(b, "https://evil.example", "POST", "/out", "").Want(t, 403, "")
	b.Post("/out").Want(t, 200, "hello stranger")
	b.SetCookie(sid, "")
	b.Get("/me").Want(t, 401, "")

	if _, err := w.LogInContext(t.Context(), joe, o); !errors.Is(err, session.ErrNoHandler) {
		t.Errorf("outside a request: got %v, want ErrNoHandler", err)
	}
	if err := w.LogOutContext(t.Context()); !errors.Is(err, session.ErrNoHandler) {
		t.Errorf("outside a request: got %v, want ErrNoHandler", err)
	}
	if _, err := w.LogInContext(t.Context(), joe, guard.LogInOptions{SuccessRedirect: "//evil.example"}); err == nil {
		t.Error("a redirect to another site: got no error")
	}
}

// TestAFailureRedirectKeepsThePage that the user wanted (G29).
func TestAFailureRedirectKeepsThePage(t *testing.T) {
	w := newWorld(t)
	w.mux.Handle("POST /in", w.AuthenticateWith(guard.Options{Strategies: []string{"local"}, FailureRedirect: "/login?failed=1"})(w.LogIn(w.hello())))
	for target, want := range map[string]string{
		"/vault":         "/login?failed=1&return_to=%2Fvault",
		"":               "/login?failed=1",
		"//evil.example": "/login?failed=1",
	} {
		a := w.open().Post("/in", "email", "joe@test.com", "password", "wrong", "return_to", target)
		if got := a.Header.Get("Location"); a.StatusCode != 303 || got != want {
			t.Errorf("return_to %q: got %d to %q, want 303 to %q", target, a.StatusCode, got, want)
		}
		a = w.open().Post("/in?return_to="+target, "email", "joe@test.com", "password", "wrong")
		if got := a.Header.Get("Location"); got != want {
			t.Errorf("return_to %q in the query: got %q, want %q", target, got, want)
		}
	}
}
