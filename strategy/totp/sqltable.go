package totp

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/strategy/internal/sqltable"
)

// SQLConfig is what [NewSQLTable] needs. DB, Codes and Vault are required.
type SQLConfig struct {
	DB    *sql.DB // the pool of the primary
	Codes *Codes  // makes keys, and checks the code that confirms an app
	Vault *Vault  // encrypts the keys
	Table string  // its name, with its schema and a dot before it if needed; empty means authenticators
	MySQL bool    // the database is MySQL or MariaDB; false means PostgreSQL or SQLite
}

// SQLTable keeps authenticator apps and recovery codes in a table of the application's PostgreSQL, MySQL,
// MariaDB or SQLite, for owners: ids of users, 1 to 1020 bytes, the same for ever. [SQLTable.Schema] makes
// it. The application deletes rows of users who are gone. After Confirm, Remove or ConfirmRecoveryCodes it
// mails the user, and ends log-ins with what was replaced, by guard.Guard.EndFactor. An error is an outage
// unless the method says otherwise. It is made by [NewSQLTable] and safe for concurrent use.
type SQLTable struct {
	cfg   SQLConfig
	table *sqltable.Table
}

// ErrNotBegun is returned by methods of [SQLTable] when nothing waits to be confirmed, such as at the second
// of two clicks, or an hour after Begin.
var ErrNotBegun = errors.New("totp: nothing waits to be confirmed")

// NewSQLTable returns every mistake in cfg at once, and asks no database.
func NewSQLTable(cfg SQLConfig) (*SQLTable, error) {
	if cfg.Table == "" {
		cfg.Table = "authenticators"
	}
	table, err := sqltable.New("totp: new SQL table", cfg.DB, cfg.Table, cfg.MySQL)
	if cfg.Codes == nil {
		err = errors.Join(err, errors.New("totp: new SQL table: Codes is nil: make it by NewCodes"))
	}
	if cfg.Vault == nil {
		err = errors.Join(err, errors.New("totp: new SQL table: Vault is nil: make it by NewVault"))
	}
	if err != nil {
		return nil, err
	}
	return &SQLTable{cfg, table}, nil
}

// Schema returns the CREATE TABLE IF NOT EXISTS for a migration, which can add REFERENCES users ON DELETE
// CASCADE and change the type of owner.
func (t *SQLTable) Schema() string {
	return t.table.Schema(`CREATE TABLE IF NOT EXISTS {table} (
	owner {key} PRIMARY KEY,
	app {id} NOT NULL,            -- the key of the app, encrypted; empty for none
	app_since BIGINT NOT NULL,    -- when it was confirmed, in milliseconds since 1970
	new_app {id} NOT NULL,        -- of an app that no code has confirmed yet: since when, and its key encrypted
	recovery_codes {id} NOT NULL, -- the hashes, with spaces between them
	codes_left BIGINT NOT NULL,   -- how many they are
	new_codes {id} NOT NULL DEFAULT '' -- recovery codes to be saved: since when, and encrypted
);
`)
}

// Begin makes a key for an app, in place of one that waits. It waits one hour, and counts after
// [SQLTable.Confirm].
func (t *SQLTable) Begin(ctx context.Context, owner string) error {
	stored := t.sealWaiting("new_app", owner, t.cfg.Codes.NewKey())
	if err := t.set(ctx, owner, `new_app`, stored); err != nil {
		return fmt.Errorf("totp: begin: %w", err)
	}
	return nil
}

// Begun returns the key that Begin has made, for the page that shows it to its owner: as the address for a QR
// code, which is [Codes.URL], and as text to type. The error is [ErrNotBegun] if there is none.
func (t *SQLTable) Begun(ctx context.Context, owner, account string) (address, text string, err error) {
	key, _, err := t.begun(ctx, owner)
	if err != nil {
		return "", "", err
	}
	return t.cfg.Codes.URL(account, key), keyText(key), nil
}

// begun returns the key that waits, also as the table has it.
func (t *SQLTable) begun(ctx context.Context, owner string) (key []byte, stored string, err error) {
	r, err := t.row(ctx, owner)
	if err != nil {
		return nil, "", err
	}
	key, ok, err := t.openWaiting("new_app", owner, r.newApp)
	if err == nil && !ok {
		err = ErrNotBegun
	}
	return key, r.newApp, err
}

// Confirm replaces the owner's app by the one that was begun, if code is one of it, and uses the code up. The
// errors are [ErrNotBegun] and those of [Codes.Verify]. Codes can be guessed: call it in
// throttle.Limiter.Attempt.
func (t *SQLTable) Confirm(ctx context.Context, owner, code string) error {
	key, stored, err := t.begun(ctx, owner)
	if err == nil {
		err = t.cfg.Codes.Verify(ctx, owner, key, code)
	}
	if err != nil {
		return err
	}
	n, err := t.table.Exec(ctx, `UPDATE {table} SET app = $1, app_since = $2, new_app = ''
		WHERE owner = $3 AND new_app = $4`,
		t.cfg.Vault.Seal(owner, key), sqltable.Millis(time.Now()), owner, stored)
	if err != nil {
		return fmt.Errorf("totp: confirm: %w", err)
	}
	if n == 0 { // another call has begun anew
		return errBadCode
	}
	return nil
}

// Remove removes the owner's app and one that was begun, not the recovery codes. It reports whether there was
// an app.
func (t *SQLTable) Remove(ctx context.Context, owner string) (was bool, err error) {
	// In this order: a Confirm between the two statements fails, and one before them is undone.
	_, err = t.table.Exec(ctx, `UPDATE {table} SET new_app = '' WHERE owner = $1 AND new_app <> ''`, owner)
	var n int64
	if err == nil {
		n, err = t.table.Exec(ctx, `UPDATE {table} SET app = '', app_since = 0
			WHERE owner = $1 AND app <> ''`, owner)
	}
	if err != nil {
		return false, fmt.Errorf("totp: remove: %w", err)
	}
	return n > 0, nil
}

// State returns when the app was confirmed, zero for none, and how many recovery codes are left: for pages
// and guard.Config.Factors.
func (t *SQLTable) State(ctx context.Context, owner string) (appSince time.Time, codesLeft int, err error) {
	r, err := t.row(ctx, owner)
	if r.app != "" { // app_since may be 0, if an application has moved its apps into the table
		appSince = time.UnixMilli(r.since)
	}
	return appSince, len(strings.Fields(r.codes)), err
}

// SQLEnrolled returns the Enrolled for [Config], with the key in t. user returns whose code a request brings,
// by guard.Guard.StepUpUser, and owner their id. Without an app only a recovery code succeeds.
func SQLEnrolled[U any](
	t *SQLTable, owner func(U) string, user func(r *http.Request) (U, error),
) func(r *http.Request) (Enrolled[U], error) {
	return func(r *http.Request) (Enrolled[U], error) {
		u, err := user(r)
		if err != nil {
			return Enrolled[U]{}, err
		}
		e := Enrolled[U]{User: u, Account: owner(u)}
		stored, err := t.row(r.Context(), e.Account)
		if err == nil && stored.app != "" {
			e.Key, err = t.cfg.Vault.Open(e.Account, stored.app)
		}
		return e, err
	}
}

// row is a row of the table.
type row struct {
	app, newApp, codes string
	since              int64
}

// row returns the owner's row, which is empty if there is none. It does not read new_codes, so that users log in
// also by a table of an earlier version.
func (t *SQLTable) row(ctx context.Context, owner string) (row, error) {
	list, err := sqltable.Rows(ctx, t.table, func(rows *sql.Rows) (r row, err error) {
		err = rows.Scan(&r.app, &r.since, &r.newApp, &r.codes)
		return r, err
	}, `SELECT app, app_since, new_app, recovery_codes FROM {table} WHERE owner = $1`, owner)
	if err != nil {
		return row{}, fmt.Errorf("totp: read the table: %w", err)
	}
	return append(list, row{})[0], nil
}

// set changes a column of the owner's row, and makes the row before if there is none.
func (t *SQLTable) set(ctx context.Context, owner, column, value string) error {
	if err := sqltable.CheckOwner(owner); err != nil {
		return err
	}
	update := `UPDATE {table} SET ` + column + ` = $1 WHERE owner = $2`
	n, err := t.table.Exec(ctx, update, value, owner)
	if err != nil || n > 0 {
		return err
	}
	_, err = t.table.Exec(ctx, `INSERT INTO {table}
		(owner, app, app_since, new_app, recovery_codes, codes_left, new_codes)
		VALUES ($1, '', 0, '', '', 0, '')`, owner)
	if err != nil { // databases name this error in different ways, so the table is asked
		there, asked := t.table.Has(ctx, `SELECT 1 FROM {table} WHERE owner = $1`, owner)
		if asked != nil || !there {
			return err
		}
	}
	_, err = t.table.Exec(ctx, update, value, owner)
	return err
}
