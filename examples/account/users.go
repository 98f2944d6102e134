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

	App bool // there is an authenticator app

	Passkeys, Linked, Keys int
	RecoveryCodes          int `db:"codes_left"`

	Created       int64
	AppSince      int64 `db:"app_since"`
	PasskeysSince int64 `db:"passkeys_since"`
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
	COALESCE(app_since / 1000, 0) AS app_since, COALESCE(codes_left, 0) AS codes_left,
	(SELECT COUNT(*) FROM passkeys p WHERE p.owner = users.id) AS passkeys,
	(SELECT COALESCE(MIN(created) / 1000, 0) FROM passkeys p WHERE p.owner = users.id) AS passkeys_since,
	(SELECT COUNT(*) FROM identities i WHERE i.owner = users.id) AS linked,
	(SELECT COUNT(*) FROM api_keys k WHERE k.owner = users.id) AS keys
	FROM users LEFT JOIN authenticators a ON a.owner = users.id `

// one returns the user whom a condition selects, or the error missing if there is none.
func (t users) one(ctx context.Context, missing error, where string, args ...any) (*User, error) {
	u := new(User)
	err := t.db.GetContext(ctx, u, selectUser+where, args...)
	if errors.Is(err, sql.ErrNoRows) {
		err = missing
	}
	if err != nil {
		return nil, err
	}
	return u, nil
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

// ofTicket returns the user of a mailed link, unless the password has changed since.
func (t users) ofTicket(ctx context.Context, k ticket) (*User, error) {
	u, err := t.byID(ctx, k.User)
	if errors.Is(err, serializer.ErrUserGone) || err == nil && u.Stamp != k.Stamp {
		err = strategy.ErrUnauthenticated
	}
	return u, err
}

// ofMailed is ofTicket, and also requires that the user still has the address of the mail.
func (t users) ofMailed(ctx context.Context, k ticket) (*User, error) {
	u, err := t.ofTicket(ctx, k)
	if err == nil && u.Email != k.Email {
		err = strategy.ErrUnauthenticated
	}
	return u, err
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
	id := rand.Text()
	n, err := t.exec(ctx, `INSERT INTO users (id, email, name, role, hash, stamp, created)
		VALUES ($1, $2, '', 'user', $3, $4, $5) ON CONFLICT DO NOTHING`, id, email, hash, rand.Text(), now())
	if err == nil && n == 0 {
		err = errTaken
	}
	if err != nil {
		return nil, err
	}
	return t.byID(ctx, id)
}

// setPassword stores a new hash and a new security stamp, and returns the changed user. If secondGoes is true
// it removes the second factors. If the password has changed since u was read, it is refused: otherwise a
// thief's concurrent request could undo the owner's change.
func (t users) setPassword(ctx context.Context, u *User, hash string, secondGoes bool) (*User, error) {
	stamp := rand.Text()
	err := t.inTx(ctx, func(exec execer) error {
		n, err := exec(`UPDATE users SET hash = $1, stamp = $2 WHERE id = $3 AND stamp = $4`,
			hash, stamp, u.ID, u.Stamp)
		if err == nil && n == 0 {
			err = strategy.ErrUnauthenticated
		}
		for _, statement := range []string{
			`DELETE FROM authenticators WHERE owner = $1`, `DELETE FROM passkeys WHERE owner = $1`,
		} {
			if err == nil && secondGoes {
				_, err = exec(statement, u.ID)
			}
		}
		return err
	})
	if err == nil {
		u, err = t.byID(ctx, u.ID)
	}
	if err != nil {
		return nil, err
	}
	u.Stamp = stamp // not a newer one: a newer change of the password must end the session of this one
	return u, nil
}

// exec returns how many rows a statement changed.
func (t users) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	return changed(t.db.ExecContext(ctx, statement, args...))
}

func changed(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// execer returns how many rows a statement changed.
type execer = func(statement string, args ...any) (int64, error)

// inTx runs f in a transaction. If f first updates a user's row, concurrent transactions on that row wait.
func (t users) inTx(ctx context.Context, f func(exec execer) error) error {
	tx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	err = f(func(statement string, args ...any) (int64, error) {
		return changed(tx.ExecContext(ctx, statement, args...))
	})
	if err != nil {
		return err
	}
	return tx.Commit()
}

func now() int64 { return time.Now().Unix() }
