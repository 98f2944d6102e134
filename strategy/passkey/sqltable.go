package passkey

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy/internal/sqltable"
)

// SQLConfig is what [NewSQLTable] needs. DB, Owner and User are required.
type SQLConfig[U any] struct {
	// DB is the pool of the primary.
	DB *sql.DB
	// Owner returns the id of a user. It is never empty, and the same for ever.
	Owner func(U) string
	// User returns the user of an id, for Credentials.Find. An error that wraps strategy.ErrUnauthenticated
	// or serializer.ErrUserGone refuses the log-in; any other is an outage.
	User func(ctx context.Context, owner string) (U, error)
	// Added is called when a new passkey is stored, such as to tell the user by mail; optional.
	Added func(ctx context.Context, user U, c Credential)
	// Table is the table's name, with its schema and a dot before it if needed. Empty means passkeys.
	Table string
	// MySQL says that the database is MySQL or MariaDB. False means PostgreSQL or SQLite.
	MySQL bool
}

// SQLTable is a table of passkeys in the application's database, by any driver of database/sql: PostgreSQL,
// MySQL, MariaDB or SQLite. [SQLTable.Schema] makes it. Other statements may use it too, such as a DELETE of
// all passkeys of a user. It is made by [NewSQLTable] and safe for concurrent use.
type SQLTable[U any] struct {
	cfg   SQLConfig[U]
	table *sqltable.Table
}

var _ Credentials[any] = (*SQLTable[any])(nil)
var _ Renamer[any] = (*SQLTable[any])(nil)

// NewSQLTable returns every mistake in cfg at once. It does not ask the database.
func NewSQLTable[U any](cfg SQLConfig[U]) (*SQLTable[U], error) {
	if cfg.Table == "" {
		cfg.Table = "passkeys"
	}
	table, err := sqltable.New("passkey: new SQL table", cfg.DB, cfg.Table, cfg.MySQL)
	if cfg.Owner == nil {
		err = errors.Join(err, errors.New("passkey: new SQL table: Owner is nil: pass the function that "+
			"returns a user's id"))
	}
	if cfg.User == nil {
		err = errors.Join(err, errors.New("passkey: new SQL table: User is nil: pass the function that "+
			"finds a user by the id"))
	}
	if err != nil {
		return nil, err
	}
	return &SQLTable[U]{cfg, table}, nil
}

// Schema returns the statements that make the table unless it is there. A migration of the application can
// have them with changes: the type of owner may be that of the users' ids, with REFERENCES users ON DELETE
// CASCADE.
func (t *SQLTable[U]) Schema() string {
	return t.table.Schema(`CREATE TABLE IF NOT EXISTS {table} (
	id {id} PRIMARY KEY,        -- base64
	owner {key} NOT NULL,
	name {text} NOT NULL,
	sign_count BIGINT NOT NULL, -- this and the next two change at each use
	backed_up BIGINT NOT NULL,  -- 0 or 1
	last_used BIGINT NOT NULL,  -- times are milliseconds since 1970; 0 is none
	created BIGINT NOT NULL,
	credential {text} NOT NULL, -- the rest, as JSON
	UNIQUE (owner, id)          -- the index by owner
);
`)
}

// row is a row of the table.
type row struct {
	Credential
	owner string
}

const columns = `id, owner, name, sign_count, backed_up, last_used, created, credential`

func (t *SQLTable[U]) rows(ctx context.Context, where string, value string) ([]row, error) {
	list, err := sqltable.Rows(ctx, t.table, func(rows *sql.Rows) (r row, err error) {
		var id, name, credential string
		var signCount uint32
		var backedUp bool
		var lastUsed, created int64
		err = rows.Scan(&id, &r.owner, &name, &signCount, &backedUp, &lastUsed, &created, &credential)
		if err == nil {
			err = json.Unmarshal([]byte(credential), &r.Credential)
		}
		r.Name, r.SignCount, r.BackedUp, r.LastUsed = name, signCount, backedUp, sqltable.Time(lastUsed)
		return r, err
	}, `SELECT `+columns+` FROM {table} WHERE `+where, value)
	if err != nil {
		return nil, fmt.Errorf("passkey: read the table: %w", err)
	}
	return list, nil
}

// Find implements [Credentials].
func (t *SQLTable[U]) Find(ctx context.Context, id []byte) (c Credential, user U, err error) {
	list, err := t.rows(ctx, `id = $1`, encode(id))
	if err == nil && len(list) == 0 {
		err = ErrUnknown
	}
	if err != nil {
		return c, user, err
	}
	if user, err = t.cfg.User(ctx, list[0].owner); errors.Is(err, serializer.ErrUserGone) {
		err = ErrUnknown
	}
	return list[0].Credential, user, err
}

// List implements [Credentials].
func (t *SQLTable[U]) List(ctx context.Context, user U) (list []Credential, err error) {
	rows, err := t.rows(ctx, `owner = $1 ORDER BY created, id`, t.cfg.Owner(user))
	for _, r := range rows {
		list = append(list, r.Credential)
	}
	return list, err
}

// Add implements [Credentials].
func (t *SQLTable[U]) Add(ctx context.Context, user U, c Credential) error {
	err := t.add(ctx, user, c)
	if err == nil && t.cfg.Added != nil {
		t.cfg.Added(ctx, user, c)
	}
	return err
}

func (t *SQLTable[U]) add(ctx context.Context, user U, c Credential) error {
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("passkey: add: %w", err)
	}
	id, backedUp, lastUsed := encode(c.ID), number(c.BackedUp), sqltable.Millis(c.LastUsed)
	_, err = t.table.Exec(ctx, `INSERT INTO {table} (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		id, t.cfg.Owner(user), c.Name, c.SignCount, backedUp, lastUsed, sqltable.Millis(c.Created), string(text))
	if err == nil {
		return nil
	}
	// Databases name this error in different ways, so the table is asked. After an answer that was lost the
	// passkey is there.
	stored, asked := t.table.Has(ctx, `SELECT 1 FROM {table} WHERE id = $1 AND owner = $2 AND credential = $3`,
		id, t.cfg.Owner(user), string(text))
	if asked == nil && stored {
		return nil
	}
	if exists, asked := t.table.Has(ctx, `SELECT 1 FROM {table} WHERE id = $1`, id); asked == nil && exists {
		return ErrExists
	}
	return fmt.Errorf("passkey: add: %w", err)
}

// Update implements [Credentials].
func (t *SQLTable[U]) Update(ctx context.Context, c Credential, signCount uint32) (bool, error) {
	id := encode(c.ID)
	n, err := t.table.Exec(ctx, `UPDATE {table} SET sign_count = $1, backed_up = $2, last_used = $3
		WHERE id = $4 AND sign_count = $5`,
		c.SignCount, number(c.BackedUp), sqltable.Millis(c.LastUsed), id, signCount)
	done := n > 0
	if err == nil && !done && c.SignCount == signCount { // perhaps the row has these values already
		done, err = t.table.Has(ctx, `SELECT 1 FROM {table} WHERE id = $1 AND sign_count = $2`, id, signCount)
	}
	if err != nil {
		return false, fmt.Errorf("passkey: update: %w", err)
	}
	return done, nil
}

// Rename implements [Renamer].
func (t *SQLTable[U]) Rename(ctx context.Context, user U, id []byte, name string) (bool, error) {
	owner, key := t.cfg.Owner(user), encode(id)
	n, err := t.table.Exec(ctx, `UPDATE {table} SET name = $1 WHERE id = $2 AND owner = $3`,
		name, key, owner)
	there := n > 0
	if err == nil && !there { // perhaps it has this name already
		there, err = t.table.Has(ctx, `SELECT 1 FROM {table} WHERE id = $1 AND owner = $2`, key, owner)
	}
	if err != nil {
		return false, fmt.Errorf("passkey: rename: %w", err)
	}
	return there, nil
}

// Remove implements [Credentials].
func (t *SQLTable[U]) Remove(ctx context.Context, user U, id []byte, keepLast bool) (was bool, err error) {
	owner, key := t.cfg.Owner(user), encode(id)
	err = t.table.InTx(ctx, func(tx sqltable.Tx) error {
		// All rows of the user are locked, so that two calls for the last two wait for each other.
		if _, err := tx.Exec(ctx, `UPDATE {table} SET owner = owner WHERE owner = $1`, owner); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `DELETE FROM {table} WHERE id = $1 AND owner = $2`, key, owner)
		if was = n > 0; err != nil || !was || !keepLast {
			return err
		}
		others, err := tx.Count(ctx, `SELECT COUNT(*) FROM {table} WHERE owner = $1`, owner)
		if err == nil && others == 0 {
			err = ErrLast // undoes the DELETE
		}
		return err
	})
	switch {
	case errors.Is(err, ErrLast):
		return false, ErrLast
	case err != nil:
		return false, fmt.Errorf("passkey: remove: %w", err)
	}
	return was, nil
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
