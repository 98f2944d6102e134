package session_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/session"
)

// loadTwice returns the views of two requests of one session that has theme and n.
func loadTwice(t *testing.T) (a, b *session.Session, seen func() string) {
	t.Helper()
	st := newScripted()
	m := newManager(t, st)
	st.put("ID", `{"cookie":{},"theme":"light","n":1}`)
	var list []*session.Session
	for range 2 {
		s, err := m.Open(t.Context(), "ID")
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list[0], list[1], func() string {
		text, _, _ := strings.Cut(st.record("ID"), `,"_go"`)
		return strings.TrimPrefix(text, `{"cookie":{},`)
	}
}

// TestASetThatChangesNothing: by itself it writes nothing, as in Express; a request that writes anything
// writes everything that it set, on top of what others set meanwhile.
func TestASetThatChangesNothing(t *testing.T) {
	const theme session.Key[string] = "theme"
	const none session.Key[string] = "none"
	for _, row := range []struct {
		name string
		does func(s *session.Session) []error // after another request, which set theme to dark and also none
		want string
	}{
		{"it alone", func(s *session.Session) []error { return []error{theme.Set(s, "light"), none.Delete(s)} }, `"theme":"dark","n":1,"none":"x"`},
		{"and then another value", func(s *session.Session) []error {
			return []error{theme.Set(s, "light"), none.Delete(s), count.Set(s, 2)}
		}, `"theme":"light","n":2`},
		{"after another value", func(s *session.Session) []error {
			return []error{count.Set(s, 2), theme.Set(s, "light"), none.Delete(s)}
		}, `"theme":"light","n":2`},
		{"there and back", func(s *session.Session) []error { return []error{theme.Set(s, "blue"), theme.Set(s, "light")} }, `"theme":"light","n":1,"none":"x"`},
	} {
		a, b, seen := loadTwice(t)
		if err := errors.Join(theme.Set(b, "dark"), none.Set(b, "x"), b.Save(t.Context())); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(append(row.does(a), a.Save(t.Context()))...); err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		if got := seen(); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
}
