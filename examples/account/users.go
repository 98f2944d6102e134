package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed"
	"errors"
	"net/http"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy"
)

//go:embed schema.sql
var tables string

// User is a row of the users table, with the counts of rows in other tables.
type User struct {
	ID, Email, Name, Role, Hash, Stamp string

	App                                   bool // there is an authenticator app
	RecoveryCodes, Passkeys, Linked, Keys int
	Created, AppSince, PasskeysSince      int64
}

// secondIsNew reports whether all second factors of u were set up in the last seven days. Then a reset by
// mail may remove them: a thief may have added them to lock the owner out.
func (u *User) secondIsNew() bool {
	weekAgo := now() - 7*24*60*60
	return (!u.App || u.AppSince > weekAgo) && (u.Passkeys == 0 || u.PasskeysSince > weekAgo)
}

func userID(u *User) string { return u.ID }

// Admin reports whether u is an administrator.
func (u *User) Admin() bool { return u.Role == "admin" }

// factors is for guard.Config.Factors: every page requires a second factor of users who have one.
func factors(_ context.Context, u *User) ([]string, error) {
	if !u.App && u.Passkeys == 0 {
		return nil, nil
	}
	return []string{"totp|passkey"}, nil // a recovery code proves "totp" too
}

// users is the users table.
type users struct{ db *sqlx.DB }

// selectUser names the columns: a migration that adds one must not stop the processes that do not know it.
const selectUser = `SELECT id, email, name, role, hash, stamp, created, COALESCE(app, '') <> '' AS app,
	COALESCE(app_since / 1000, 0) AS appsince, COALESCE(codes_left, 0) AS recoverycodes,
	(SELECT COUNT(*) FROM passkeys p WHERE p.owner = users.id) AS passkeys,
	(SELECT COALESCE(MIN(created) / 1000, 0) FROM passkeys p WHERE p.owner = users.id) AS passkeyssince,
	(SELECT COUNT(*) FROM identities i WHERE i.owner = users.id) AS linked,
	(SELECT COUNT(*) FROM api_keys k WHERE k.owner = users.id) AS keys
	FROM users LEFT JOIN authenticators a ON a.owner = users.id `

// one returns the user whom a condition selects, or the error missing if there is none.
func (t users) one(ctx context.Context, missing error, where string, args ...any) (*User, error) {
	u := new(User)
	err := t.db.GetContext(ctx, u, selectUser+where, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, missing
	}
	return u, err
}

// byID is the serializer's look-up.
func (t users) byID(ctx context.Context, id string) (*User, error) {
	return t.one(ctx, serializer.ErrUserGone, `WHERE id = $1`, id)
}

// byEmail is the password strategy's look-up. email is normalized, as in the table.
func (t users) byEmail(ctx context.Context, email string) (*User, string, error) {
	u, err := t.one(ctx, strategy.ErrUnauthenticated, `WHERE email = $1`, email)
	if err != nil {
		return nil, "", err
	}
	return u, u.Hash, nil
}

// list returns users, the newest first.
func (t users) list(ctx context.Context) (list []*User, err error) {
	err = t.db.SelectContext(ctx, &list, selectUser+`ORDER BY created DESC, email LIMIT 200`)
	return list, err
}

// errTaken is returned if another user has the address. It is a refusal, not an outage.
var errTaken = &strategy.Failure{Reason: "the address has an account", Status: http.StatusConflict}

// add adds a user with a verified address.
func (t users) add(ctx context.Context, email, hash string) (*User, error) {
	u := &User{ID: rand.Text(), Email: email, Role: "user", Hash: hash, Stamp: rand.Text(), Created: now()}
	return u, t.change(ctx, errTaken, `INSERT INTO users (id, email, name, role, hash, stamp, created)
		VALUES ($1, $2, '', $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		u.ID, u.Email, u.Role, u.Hash, u.Stamp, u.Created)
}

// setPassword stores a new hash and a new security stamp, and returns the changed user. It is refused if they
// have changed since u was read: otherwise a thief's concurrent request could undo the owner's change.
func (t users) setPassword(ctx context.Context, u *User, hash string) (*User, error) {
	changed := *u
	changed.Hash, changed.Stamp = hash, rand.Text()
	return &changed, t.change(ctx, strategy.ErrUnauthenticated, `UPDATE users SET hash = $1, stamp = $2
		WHERE id = $3 AND stamp = $4`, hash, changed.Stamp, u.ID, u.Stamp)
}

// setEmail changes the address, unless it or the password has changed since u was read, or it is taken.
func (t users) setEmail(ctx context.Context, email string, u *User) error {
	return t.change(ctx, errTaken, `UPDATE users SET email = $1 WHERE id = $2 AND email = $3 AND stamp = $4
		AND NOT EXISTS (SELECT 1 FROM users WHERE email = $1)`, email, u.ID, u.Email, u.Stamp)
}

// change runs a statement that changes a row, and returns the error missing if there was none to change.
func (t users) change(ctx context.Context, missing error, statement string, args ...any) error {
	n, err := t.exec(ctx, statement, args...)
	if err == nil && n == 0 {
		err = missing
	}
	return err
}

// exec returns how many rows a statement changed.
func (t users) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	result, err := t.db.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func now() int64 { return time.Now().Unix() }
