package article

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"sync"

	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/password"
)

// User is a row of the users table. Rows do not change.
type User struct {
	ID        int64  `json:"id"`
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
	Email     string `json:"email"`
	hash      string // of the password; not exported, so that no answer has it
}

// userTable is a users table in memory; a real application has a database. It is safe for
// concurrent use.
type userTable struct {
	mu      sync.RWMutex
	rows    map[int64]*User
	byEmail map[string]*User // under the address as strategy.AccountName spells it
}

var _ password.Accounts[*User] = (*userTable)(nil)

// newUserTable returns a table with the article's two users. Their passwords,
// Passw0rd! and P4ssword!, were hashed beforehand, so that starting is quick.
func newUserTable() *userTable {
	t := &userTable{rows: map[int64]*User{}, byEmail: map[string]*User{}}
	t.put(&User{1, "Joe", "Foo", "joefoo@test.com", "$2a$12$Xv56.EOVmcJz5.u6EecSSeoYLJTlMca2yn6sqgCRzOThzYifJbs5a"})
	t.put(&User{2, "Jen", "Bar", "jenbar@test.com", "$2a$12$kylzU5H2NnaREoQn7P/mCuKA2KmtT4mDEJl7x63KiCjobKpsRdQIm"})
	return t
}

func (t *userTable) put(u *User) {
	t.rows[u.ID] = u
	t.byEmail[u.Email] = u
}

// errTaken is returned by Add when another user has the address.
var errTaken = errors.New("the address is taken")

// Add gives u an id and stores it, under its address in the spelling of strategy.AccountName. Whether the
// address is free is checked in the same step, so that of two registrations at once one fails. A database has
// a unique index for that.
func (t *userTable) Add(u *User) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byEmail[u.Email] != nil {
		return errTaken
	}
	for u.ID == 0 || t.rows[u.ID] != nil {
		u.ID = randomID()
	}
	t.put(u)
	return nil
}

// randomID returns an id that was never used before, also not before a restart: sessions
// outlive one. It has 53 bits, so that Node can hold it in a number.
func randomID() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	return int64(binary.BigEndian.Uint64(b[:]) >> 11)
}

// Lookup implements password.Accounts: it finds the user who logs in.
func (t *userTable) Lookup(_ context.Context, email string) (*User, string, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	u := t.byEmail[email]
	if u == nil {
		return nil, "", strategy.ErrUnauthenticated
	}
	return u, u.hash, nil
}

// ByID finds the user whom a session remembers.
func (t *userTable) ByID(_ context.Context, id int64) (*User, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	u := t.rows[id]
	if u == nil {
		return nil, serializer.ErrUserGone
	}
	return u, nil
}
