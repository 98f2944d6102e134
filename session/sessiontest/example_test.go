package sessiontest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// A handler's test gives it a session that holds what the test is about.
func ExampleWithSession() {
	t := new(testing.T) // the test's own
	sessions := newManager(t)
	r := sessiontest.WithSession(t, sessions, httptest.NewRequest(http.MethodGet, "/", nil), func(s *session.Session) error {
		return visits.Set(s, 41)
	})
	w := httptest.NewRecorder()
	sessions.Handler(http.HandlerFunc(count)).ServeHTTP(w, r)
	fmt.Println(w.Body)
	// Output: visit 42
}
