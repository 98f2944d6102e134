package main

import (
	"context"
	"slices"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/password"
)

// User is a row of the users table.
type User struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
	hash  string
}

// users is the table.
type users struct {
	rows   []*User
	hasher *password.Bcrypt
}

// newUsers returns the article's two users.
func newUsers(hasher *password.Bcrypt) (*users, error) {
	t := &users{hasher: hasher}
	for _, row := range []struct{ id, name, email, password string }{
		{"1", "Joe Foo", "joefoo@test.com", "Passw0rd!"},
		{"2", "Jen Bar", "jenbar@test.com", "P4ssword!"},
	} {
		hash, err := t.hasher.Hash(context.Background(), row.password)
		if err != nil {
			return nil, err
		}
		t.rows = append(t.rows, &User{row.id, row.name, row.email, hash})
	}
	return t, nil
}

// byEmail finds the user and the hash of their password, for password.New.
func (t *users) byEmail(_ context.Context, email string) (*User, string, error) {
	user, err := t.find(func(u *User) bool { return u.Email == email })
	if err != nil {
		return nil, "", err
	}
	return user, user.hash, nil
}

func (t *users) byID(id string) (*User, error) {
	return t.find(func(u *User) bool { return u.ID == id })
}

func (t *users) find(is func(*User) bool) (*User, error) {
	i := slices.IndexFunc(t.rows, is)
	if i < 0 {
		return nil, strategy.ErrUnauthenticated
	}
	return t.rows[i], nil
}
