package sessiontest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-6f34412b/passport/session"
)

// WithSession returns a copy of r that presents a session of m, for the tests of a handler
// behind [session.Manager.Handler]. fill puts values into the session, which is stored in
// m's store before WithSession returns; nil leaves it as it would be made for a visitor, and
// r then presents nothing. A log-in is made by guardtest.LogIn. It fails the test when the
// session cannot be stored.
func WithSession(t testing.TB, m *session.Manager, r *http.Request, fill func(*session.Session) error) *http.Request {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := m.Session(r.Context())
		if err == nil && fill != nil {
			err = fill(s)
		}
		if err == nil {
			err = s.Save(r.Context())
		}
		if err != nil {
			t.Fatalf("sessiontest: make a session: %v", err)
		}
	})).ServeHTTP(rec, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "https://sessiontest.example/", nil))
	r = r.Clone(r.Context())
	for _, cookie := range rec.Result().Cookies() {
		r.AddCookie(cookie)
	}
	return r
}
