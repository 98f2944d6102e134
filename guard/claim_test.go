package guard_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

// TestTwoGuardsOfOneManagerHaveTwoKeys: otherwise customer 1 would be administrator 1.
func TestTwoGuardsOfOneManagerHaveTwoKeys(t *testing.T) {
	type customer struct{ ID int }
	customers := serializer.ByID(func(c *customer) int { return c.ID }, func(_ context.Context, id int) (*customer, error) { return &customer{id}, nil })
	w := newWorld(t) // its guard's key is passport
	for _, row := range []struct {
		name   string
		make   func() error
		refuse bool
	}{
		{"other users under the same key", func() error {
			_, err := guard.New(guard.Config{Sessions: w.sessions}, customers)
			return err
		}, true},
		{"other users, and the key is spelt out", func() error {
			_, err := guard.New(guard.Config{Sessions: w.sessions, SessionKey: "passport"}, customers)
			return err
		}, true},
		{"other users under another key", func() error {
			_, err := guard.New(guard.Config{Sessions: w.sessions, SessionKey: "customers"}, customers)
			return err
		}, false},
		{"the same users under the same key", func() error {
			_, err := guard.New(guard.Config{Sessions: w.sessions, LoginURL: "/login"}, w.table.stamped())
			return err
		}, false},
		{"a serializer that cannot be compared", func() error {
			_, err := guard.New(guard.Config{Sessions: w.sessions}, uncomparable{w.table.stamped().(*serializer.Stamped[*User]), nil})
			return err
		}, true},
		{"other users of another Manager", func() error {
			_, err := guard.New(guard.Config{Sessions: newWorld(t).sessions, SessionKey: "customers"}, customers)
			return err
		}, false},
		{"a stateless guard", func() error {
			_, err := guard.New(guard.Config{}, customers)
			return err
		}, false},
	} {
		err := row.make()
		if refused := err != nil; refused != row.refuse || refused && !strings.Contains(err.Error(), "give this guard a Config.SessionKey of its own") {
			t.Errorf("%s: got the error %v, want one: %t", row.name, err, row.refuse)
		}
	}
}

// TestAGuardThatIsRefusedClaimsNothing: its key can be used for a new guard, with another serializer.
func TestAGuardThatIsRefusedClaimsNothing(t *testing.T) {
	w := newRememberWorld(t)
	try := func(cookie string) error {
		me, err := remember.New(remember.Config{Cells: w.cells, Secrets: rememberSecrets, CookieName: cookie})
		if err != nil {
			t.Fatal(err)
		}
		_, err = guard.New(guard.Config{Sessions: w.sessions, SessionKey: "admin", RememberMe: me}, serializer.ByID(func(u *User) int { return u.ID }, w.table.byID))
		return err
	}
	if err := try(rememberCookie); err == nil || strings.Contains(err.Error(), "SessionKey") || !strings.Contains(err.Error(), "give remember.Config another CookieName") {
		t.Errorf("with another guard's cookie: got %v, want only the mistake about the cookie", err)
	}
	if err := try("__Host-admin"); err != nil {
		t.Errorf("with a cookie of its own: got %v, want a guard", err)
	}
	if err := try("__Host-admin2"); err == nil || !strings.Contains(err.Error(), "give this guard a Config.SessionKey of its own") {
		t.Errorf("a third one: got %v, want the key refused", err)
	}
	if got, want := w.sessions.CookieNames(), []string{sid, rememberCookie, "__Host-admin"}; !slices.Equal(got, want) {
		t.Errorf("got the cookies %q, want %q", got, want)
	}
}

// uncomparable is a serializer that passes stamps on, and for which == would panic.
type uncomparable struct {
	*serializer.Stamped[*User]
	_ []int
}
