package passkeytest_test

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/strategy/passkey"
	"github.com/seed-6f34412b/passport/strategy/passkey/passkeytest"
)

// table is a table whose users are names. fault is the part of a method that it leaves out.
type table struct {
	fault string
	mu    sync.Mutex
	rows  []row
}

type row struct {
	passkey.Credential
	user string
}

// begin locks the table, unless the context has ended.
func (t *table) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil && t.fault != "it does not look at the context" {
		return err
	}
	t.mu.Lock()
	return nil
}

// find returns the passkey of user, or anybody's if the table has that fault.
func (t *table) find(id []byte, user, anybody string) *row {
	for i, r := range t.rows {
		if bytes.Equal(r.ID, id) && (r.user == user || user == "" || t.fault == anybody) {
			return &t.rows[i]
		}
	}
	return nil
}

func (t *table) Find(ctx context.Context, id []byte) (passkey.Credential, string, error) {
	if err := t.begin(ctx); err != nil {
		return passkey.Credential{}, "", err
	}
	defer t.mu.Unlock()
	r := t.find(id, "", "")
	switch {
	case r == nil && t.fault == "nothing is no error":
		return passkey.Credential{}, "", nil
	case r == nil:
		return passkey.Credential{}, "", passkey.ErrUnknown
	}
	c := r.Credential
	switch t.fault {
	case "transports are forgotten":
		c.Transports = nil
	case "counters have 31 bits":
		c.SignCount &= 1<<31 - 1
	}
	return c, r.user, nil
}

func (t *table) List(ctx context.Context, user string) (list []passkey.Credential, err error) {
	if err := t.begin(ctx); err != nil {
		return nil, err
	}
	defer t.mu.Unlock()
	for _, r := range t.rows {
		if r.user == user || t.fault == "everybody's are listed" {
			list = append(list, r.Credential)
		}
	}
	if t.fault != "in any order" {
		slices.SortStableFunc(list, func(a, b passkey.Credential) int { return a.Created.Compare(b.Created) })
	}
	return list, nil
}

func (t *table) Add(ctx context.Context, user string, c passkey.Credential) error {
	if err := t.begin(ctx); err != nil {
		return err
	}
	defer t.mu.Unlock()
	if r := t.find(c.ID, "", ""); r != nil {
		if t.fault == "the second one replaces the first" {
			r.Credential = c
		}
		return passkey.ErrExists
	}
	if t.fault != "slices are kept" {
		c.ID, c.PublicKey = bytes.Clone(c.ID), bytes.Clone(c.PublicKey)
	}
	t.rows = append(t.rows, row{c, user})
	return nil
}

func (t *table) Update(ctx context.Context, c passkey.Credential, signCount uint32) (bool, error) {
	if err := t.begin(ctx); err != nil {
		return false, err
	}
	defer t.mu.Unlock()
	r := t.find(c.ID, "", "")
	if r == nil {
		return t.fault == "nothing is updated", nil
	}
	if r.SignCount != signCount && t.fault != "the counter is not compared" {
		return false, nil
	}
	if t.fault == "it compares and then updates" {
		t.mu.Unlock()
		time.Sleep(time.Nanosecond) // in the bubble this waits until every other call has compared too
		t.mu.Lock()
	}
	r.SignCount, r.BackedUp, r.LastUsed = c.SignCount, c.BackedUp, c.LastUsed
	if t.fault == "names are updated" {
		r.Name = c.Name
	}
	return true, nil
}

func (t *table) Remove(ctx context.Context, user string, id []byte, keepLast bool) (bool, error) {
	if err := t.begin(ctx); err != nil {
		return false, err
	}
	defer t.mu.Unlock()
	if t.find(id, user, "anybody's are removed") == nil {
		return false, nil
	}
	mine := 0
	for _, r := range t.rows {
		if r.user == user {
			mine++
		}
	}
	if keepLast && mine == 1 && t.fault != "the last one goes" {
		return false, passkey.ErrLast
	}
	if t.fault == "it counts and then removes" {
		t.mu.Unlock()
		time.Sleep(time.Nanosecond)
		t.mu.Lock()
	}
	t.rows = slices.DeleteFunc(t.rows, func(r row) bool { return bytes.Equal(r.ID, id) })
	return true, nil
}

func (t *table) Rename(ctx context.Context, user string, id []byte, name string) (bool, error) {
	if err := t.begin(ctx); err != nil {
		return false, err
	}
	defer t.mu.Unlock()
	r := t.find(id, user, "anybody's are renamed")
	if r != nil {
		r.Name = name
	}
	return r != nil, nil
}

func TestAGoodTablePasses(t *testing.T) {
	passkeytest.RunCredentials(t, func(*testing.T) (passkey.Credentials[string], string, string) { return &table{}, "Joe", "Jen" })
}

// TestATableNeedsNoNames, because Renamer is optional.
func TestATableNeedsNoNames(t *testing.T) {
	passkeytest.RunCredentials(t, func(*testing.T) (passkey.Credentials[string], string, string) {
		return struct{ passkey.Credentials[string] }{&table{}}, "Joe", "Jen"
	})
}

func TestEachFaultBreaksItsRule(t *testing.T) {
	for _, r := range []struct{ fault, rule string }{
		{"transports are forgotten", "Find returns the passkey with this id, and its user"},
		{"counters have 31 bits", "Find returns the passkey with this id, and its user"},
		{"nothing is no error", "ErrUnknown says that there is none"},
		{"everybody's are listed", "List returns the passkeys of user"},
		{"in any order", "the oldest first"},
		{"the second one replaces the first", "ErrExists says that somebody has one with this id, which then stays as it is"},
		{"names are updated", "Update stores SignCount, BackedUp and LastUsed of c"},
		{"the counter is not compared", "if the stored SignCount is still signCount"},
		{"nothing is updated", "a passkey that is not there is none that it did"},
		{"it compares and then updates", "Update: in one atomic step"},
		{"anybody's are removed", "Remove deletes the passkey with this id if it is one of user's"},
		{"the last one goes", "With keepLast it deletes none that is the user's only one, and returns ErrLast"},
		{"it counts and then removes", "of two calls at once for the last two, one gets it"},
		{"slices are kept", "It neither keeps nor changes the slices that it is given, and hands out none that it changes later"},
		{"it does not look at the context", "an error when the context has ended"},
		{"anybody's are renamed", "Rename sets the name of the passkey with this id if it is one of user's"},
	} {
		t.Run(r.fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				broken := passkeytest.BrokenRules(func() (passkey.Credentials[string], string, string) { return &table{fault: r.fault}, "Joe", "Jen" })
				if !slices.Contains(broken, r.rule) {
					t.Errorf("the rules %q fail, want %q among them", broken, r.rule)
				}
			})
		})
	}
}
