package main

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// The user who is there from the beginning.
const (
	exampleEmail    = "joefoo@test.com"
	examplePassword = "Passw0rd!"
	exampleHash     = "$2a$12$PtAXhMak.MORH7p/lEfNuuuTy/lkfBiG3UEvR0erPPMEKsgZPFUF6"
)

// User is a row of the users table. A user logs in by a password, with an account at a
// provider, or both.
type User struct {
	ID       int
	Name     string
	Email    string
	Hash     string // empty: no password
	Accounts []Account
}

// Account is an account at a provider. Only issuer and subject identify it: by an address,
// whoever controls that address at the provider would be the user here.
type Account struct{ Issuer, Subject string }

// users is the users table.
type users struct {
	mu   sync.Mutex
	rows []User
}

func (t *users) add(u User) *User {
	u.ID = len(t.rows) + 1
	t.rows = append(t.rows, u)
	return &u
}

// find returns a copy of the first row that is right, or nil.
func (t *users) find(right func(*User) bool) *User {
	for i := range t.rows {
		if right(&t.rows[i]) {
			u := t.rows[i]
			u.Accounts = slices.Clone(u.Accounts)
			return &u
		}
	}
	return nil
}

// byEmail is for the password strategy.
func (t *users) byEmail(_ context.Context, email string) (*User, string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.find(func(u *User) bool { return u.Email == email && u.Hash != "" })
	if u == nil {
		return nil, "", strategy.ErrUnauthenticated
	}
	return u, u.Hash, nil
}

// byID is for the serializer.
func (t *users) byID(_ context.Context, id int) (*User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.find(func(u *User) bool { return u.ID == id })
	if u == nil {
		return nil, serializer.ErrUserGone
	}
	return u, nil
}

// byIdentity is for the provider's strategy: the user with this account, or a new one.
func (t *users) byIdentity(_ context.Context, id oidc.Identity) (*User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	account := Account{id.Issuer, id.Subject}
	u := t.find(func(u *User) bool { return slices.Contains(u.Accounts, account) })
	if u == nil {
		u = t.add(User{Name: id.Name, Accounts: []Account{account}})
	}
	return u, nil
}

// connect gives the user with this id one more account, for the linker.
func (t *users) connect(_ context.Context, id string, elsewhere oidc.Identity) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	account := Account{elsewhere.Issuer, elsewhere.Subject}
	owner := t.find(func(u *User) bool { return slices.Contains(u.Accounts, account) })
	for i := range t.rows {
		if owner == nil && strconv.Itoa(t.rows[i].ID) == id {
			t.rows[i].Accounts = append(t.rows[i].Accounts, account)
			return nil
		}
	}
	if owner == nil {
		return serializer.ErrUserGone
	}
	if strconv.Itoa(owner.ID) != id {
		return oidc.ErrLinked
	}
	return nil
}
