package guard_test

import (
	"context"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
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

// uncomparable passes stamps on, and == would panic.
type uncomparable struct {
	*serializer.Stamped[*User]
	_ []int
}
