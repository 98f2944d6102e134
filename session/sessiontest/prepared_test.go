package sessiontest_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
)

const visits session.Key[int] = "visits"

func count(w http.ResponseWriter, r *http.Request) {
	s, err := session.FromContext(r.Context())
	if err != nil {
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	n, _, err := visits.Get(s)
	if err == nil {
		err = visits.Set(s, n+1)
	}
	if err != nil {
		http.Error(w, "our mistake", http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "visit %d", n+1)
}

func newManager(t testing.TB) *session.Manager {
	t.Helper()
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := session.New(session.Config{Store: memory.Sessions, Codec: session.SecureCookie("a made-up secret of 32 bytes or more")})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestWithSession(t *testing.T) {
	m := newManager(t)
	for _, row := range []struct {
		fill func(*session.Session) error
		want string
	}{
		{nil, "visit 1"},
		{func(s *session.Session) error { return visits.Set(s, 41) }, "visit 42"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		prepared := sessiontest.WithSession(t, m, r, row.fill)
		w := httptest.NewRecorder()
		m.Handler(http.HandlerFunc(count)).ServeHTTP(w, prepared)
		if w.Body.String() != row.want {
			t.Errorf("got %q, want %q", w.Body, row.want)
		}
		if len(r.Cookies()) != 0 {
			t.Error("the request that was given changed")
		}
	}
}

func TestWithSessionFailsTheTest(t *testing.T) {
	failed := new(fatal)
	func() {
		defer func() { _ = recover() }()
		sessiontest.WithSession(failed, newManager(t), httptest.NewRequest(http.MethodGet, "/", nil), func(*session.Session) error { return errors.New("no") })
	}()
	if want := "sessiontest: make a session: no"; failed.text != want {
		t.Errorf("got %q, want %q", failed.text, want)
	}
}

// fatal is a test whose failure panics.
type fatal struct {
	testing.TB
	text string
}

func (f *fatal) Helper() {}

func (f *fatal) Fatalf(format string, args ...any) {
	f.text = fmt.Sprintf(format, args...)
	panic(f.text)
}
