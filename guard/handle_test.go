package guard_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
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
