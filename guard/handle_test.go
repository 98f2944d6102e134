package guard_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestAHandlerMayReturnAnError: it is answered like an error of the middlewares, unless the response has
// started.
func TestAHandlerMayReturnAnError(t *testing.T) {
	for _, row := range []struct {
		name   string
		begins bool // whether the handler writes before it returns the error
		err    error
		status int
		text   string
		events string
	}{
		{"no error", true, nil, 200, "hello", ""},
		{"no error and no answer", false, nil, 200, "", ""},
		{"a user who may not", false, fmt.Errorf("orders: %w", guard.ErrForbidden), 403, "not allowed", "authz_fail 1 failure"},
		{"a log-in that is too old", false, &guard.Insufficient{}, 401, "Log in again", "authz_fail 1 failure"},
		{"an outage", false, errOutage, 503, "at the moment", "guard_error  error"},
		{"an outage after the first byte", true, errOutage, 200, "hello", "guard_error  error"},
	} {
		for _, own := range []bool{false, true} {
			w := newWorld(t, func(c *guard.Config) {
				if own {
					c.Error = func(rw http.ResponseWriter, _ *http.Request, got error) {
						if !errors.Is(got, row.err) {
							t.Errorf("%s: Config.Error gets %v, want %v", row.name, got, row.err)
						}
						http.Error(rw, "our own page: "+guard.ProblemOf(got).Detail, guard.Status(got))
					}
				}
			})
			w.mux.Handle("/orders", w.RequireAuth(w.Handle(func(rw http.ResponseWriter, _ *http.Request) error {
				rw.Header().Set("ETag", `"7"`)
				if row.begins {
					_, _ = rw.Write([]byte("hello"))
				}
				return row.err
			})))
			b := w.loggedIn("joe@test.com")
			w.outcomes()
			answer := b.Get("/orders")
			answer.Want(t, row.status, row.text)
			if tag := answer.Header.Get("ETag"); row.status != 200 && !own && tag != "" {
				t.Errorf("%s: the answer has the ETag %s of the page that was not sent", row.name, tag)
			}
			if got := w.outcomes(); got != row.events {
				t.Errorf("%s: got events %q, want %q", row.name, got, row.events)
			}
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a handler that is nil does not panic")
		}
	}()
	newWorld(t).Handle(nil)
}

// TestAFailureHandlerMayReturnAnError: it is answered in place of the refusal.
func TestAFailureHandlerMayReturnAnError(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer func(rw http.ResponseWriter, refusal error) error
		status int
		text   string
		events string
	}{
		{"a page", func(rw http.ResponseWriter, refusal error) error {
			rw.WriteHeader(http.StatusUnprocessableEntity)
			_, err := fmt.Fprint(rw, "try again: ", errors.Is(refusal, strategy.ErrUnauthenticated))
			return err
		}, 422, "try again: true", "authn_login_fail  failure"},
		{"the refusal", func(_ http.ResponseWriter, refusal error) error { return refusal }, 401, "", "authn_login_fail  failure"},
		{"nothing", func(http.ResponseWriter, error) error { return nil }, 401, "", "authn_login_fail  failure"},
		{"an outage of the page", func(http.ResponseWriter, error) error { return errOutage }, 503, "at the moment", "authn_login_fail  failure, guard_error  error"},
	} {
		w := newWorld(t)
		refused := func(rw http.ResponseWriter, _ *http.Request, err error) error { return row.answer(rw, err) }
		form := guard.Options{Strategies: []string{"local"}, FailureHandler: refused}
		w.mux.Handle("POST /form", w.AuthenticateWith(form)(http.NotFoundHandler()))
		got := browser.New(t, w.mux).Post("/form", "email", "joe@test.com", "password", "wrong")
		if got.StatusCode != row.status || !strings.Contains(got.Text, row.text) {
			t.Errorf("%s: got %d %s, want %d %q", row.name, got.StatusCode, got.Text, row.status, row.text)
		}
		if got := w.outcomes(); got != row.events {
			t.Errorf("%s: got events %q, want %q", row.name, got, row.events)
		}
	}
}
