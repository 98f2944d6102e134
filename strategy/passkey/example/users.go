package main

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// The user who exists from the start.
const (
	exampleEmail    = "joefoo@test.com"
	examplePassword = "Passw0rd!"
	exampleHash     = "$2a$12$PtAXhMak.MORH7p/lEfNuuuTy/lkfBiG3UEvR0erPPMEKsgZPFUF6"
)

// User is a row of the users table.
type User struct {
	ID     int
	Email  string // in the spelling of strategy.AccountName; unique
	Hash   string // of the password
	Handle []byte // how authenticators know the user: random, made with the row
}

// users is the users table, and the table of passkeys: docs/PASSKEYS.md has both in SQL.
type users struct {
	mu       sync.Mutex
	rows     []*User
	passkeys []row
}

// row is a row of the table of passkeys.
type row struct {
	passkey.Credential
	user int
}

var errTaken = errors.New("the address is taken")

// add adds a user, whose hash was made from the password.
func (t *users) add(email, hash string) (*User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.ContainsFunc(t.rows, func(u *User) bool { return u.Email == email }) {
		return nil, errTaken
	}
	u := &User{ID: len(t.rows) + 1, Email: email, Hash: hash, Handle: passkey.NewHandle()}
	t.rows = append(t.rows, u)
	return u, nil
}

// byEmail is for the password strategy.
func (t *users) byEmail(_ context.Context, email string) (*User, string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, u := range t.rows {
		if u.Email == email {
			return u, u.Hash, nil
		}
	}
	return nil, "", strategy.ErrUnauthenticated
}

// byID is for the serializer.
func (t *users) byID(_ context.Context, id int) (*User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if id < 1 || id > len(t.rows) {
		return nil, serializer.ErrUserGone
	}
	return t.rows[id-1], nil
}

// account returns what authenticators store about a user.
func account(_ context.Context, u *User) (passkey.Account, error) {
	return passkey.Account{Handle: u.Handle, Name: u.Email}, nil
}

// Find implements [passkey.Credentials].
func (t *users) Find(ctx context.Context, id []byte) (passkey.Credential, *User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := t.at(id, nil); i >= 0 {
		return t.passkeys[i].Credential, t.rows[t.passkeys[i].user-1], ctx.Err()
	}
	return passkey.Credential{}, nil, passkey.ErrUnknown
}

// at returns the index of the passkey with this id, if it is u's, or anybody's if u is nil; otherwise -1.
func (t *users) at(id []byte, u *User) int {
	return slices.IndexFunc(t.passkeys, func(r row) bool { return bytes.Equal(r.ID, id) && (u == nil || r.user == u.ID) })
}

// List implements [passkey.Credentials].
func (t *users) List(ctx context.Context, u *User) (list []passkey.Credential, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.passkeys {
		if r.user == u.ID {
			list = append(list, r.Credential)
		}
	}
	slices.SortStableFunc(list, func(a, b passkey.Credential) int { return a.Created.Compare(b.Created) })
	return list, ctx.Err()
}

// Add implements [passkey.Credentials].
func (t *users) Add(ctx context.Context, u *User, c passkey.Credential) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.at(c.ID, nil) >= 0 {
		return passkey.ErrExists
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c.ID, c.PublicKey = bytes.Clone(c.ID), bytes.Clone(c.PublicKey)
	t.passkeys = append(t.passkeys, row{c, u.ID})
	return nil
}

// Update implements [passkey.Credentials].
func (t *users) Update(ctx context.Context, c passkey.Credential, signCount uint32) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.at(c.ID, nil)
	if i < 0 || t.passkeys[i].SignCount != signCount || ctx.Err() != nil {
		return false, ctx.Err()
	}
	r := &t.passkeys[i]
	r.SignCount, r.BackedUp, r.LastUsed = c.SignCount, c.BackedUp, c.LastUsed
	return true, nil
}

// Remove implements [passkey.Credentials].
func (t *users) Remove(ctx context.Context, u *User, id []byte, keepLast bool) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.at(id, u)
	if i < 0 || ctx.Err() != nil {
		return false, ctx.Err()
	}
	if keepLast && !slices.ContainsFunc(t.passkeys, func(r row) bool { return r.user == u.ID && !bytes.Equal(r.ID, id) }) {
		return false, passkey.ErrLast
	}
	t.passkeys = slices.Delete(t.passkeys, i, i+1)
	return true, nil
}

// Rename implements [passkey.Renamer].
func (t *users) Rename(ctx context.Context, u *User, id []byte, name string) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.at(id, u)
	if i < 0 || ctx.Err() != nil {
		return false, ctx.Err()
	}
	t.passkeys[i].Name = name
	return true, nil
}
