package apikey

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/sqltable"
)

// SQLConfig is what [NewSQLTable] needs.
type SQLConfig struct {
	// DB is the pool of the primary; required.
	DB *sql.DB
	// Table is the table's name, with its schema and a dot before it if needed. Empty means api_keys.
	Table string
	// MySQL says that the database is MySQL or MariaDB. False means PostgreSQL or SQLite.
	MySQL bool
}

// SQLTable is a [Table] in the application's database, by any driver of database/sql: PostgreSQL, MySQL,
// MariaDB or SQLite. [SQLTable.Schema] makes it. Other statements may use it too, such as a DELETE of all
// keys of a user. It is made by [NewSQLTable] and safe for concurrent use.
//
//	table, err := apikey.NewSQLTable(apikey.SQLConfig{DB: db})
//	keys, err := apikey.NewKeys("shop", table)
//	config := apikey.Config{Prefix: "shop", Used: table.Used}
//	programs, err := apikey.New(config, apikey.SQLFind(table, byID))
type SQLTable struct{ table *sqltable.Table }

var _ Table = (*SQLTable)(nil)

// ErrNameTaken is returned by [SQLTable.Insert], and so by [Keys.Issue], when the owner has a key of this
// name: a form that is sent twice makes one key.
var ErrNameTaken = errors.New("apikey: the owner has a key of this name")

// NewSQLTable returns every mistake in cfg at once. It does not ask the database.
func NewSQLTable(cfg SQLConfig) (*SQLTable, error) {
	if cfg.Table == "" {
		cfg.Table = "api_keys"
	}
	table, err := sqltable.New("apikey: new SQL table", cfg.DB, cfg.Table, cfg.MySQL)
	if err != nil {
		return nil, err
	}
	return &SQLTable{table}, nil
}

// Schema returns the statement that makes the table unless it is there. A migration of the application can
// have it with changes: the type of owner may be that of the users' ids, with REFERENCES users ON DELETE
// CASCADE.
func (t *SQLTable) Schema() string {
	return t.table.Schema(`CREATE TABLE IF NOT EXISTS {table} (
	id {id} PRIMARY KEY,
	owner {key} NOT NULL,
	hash {id} NOT NULL,
	name {key} NOT NULL,
	scopes {text} NOT NULL,  -- JSON
	created BIGINT NOT NULL, -- times are milliseconds since 1970; 0 is none
	expires BIGINT NOT NULL,
	used BIGINT NOT NULL,
	UNIQUE (owner, name)
);
`)
}

// Insert implements [Table]. It returns [ErrNameTaken] if the owner has a key of this name.
func (t *SQLTable) Insert(ctx context.Context, k Key) error {
	scopes, err := json.Marshal(k.Scopes)
	if err != nil {
		return fmt.Errorf("apikey: insert: %w", err)
	}
	_, err = t.table.Exec(ctx, `INSERT INTO {table} (id, owner, hash, name, scopes, created, expires, used)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		k.ID, k.Owner, k.Hash, k.Name, string(scopes),
		sqltable.Millis(k.Created), sqltable.Millis(k.Expires), sqltable.Millis(k.Used))
	if err == nil {
		return nil
	}
	// Databases name this error in different ways, so the table is asked. After an answer that was lost the
	// key is there.
	stored, asked := t.table.Has(ctx, `SELECT 1 FROM {table} WHERE id = $1 AND hash = $2`, k.ID, k.Hash)
	if asked == nil && stored {
		return nil
	}
	taken, asked := t.table.Has(ctx, `SELECT 1 FROM {table} WHERE owner = $1 AND name = $2`, k.Owner, k.Name)
	if asked == nil && taken {
		return ErrNameTaken
	}
	return fmt.Errorf("apikey: insert: %w", err)
}

// ByOwner implements [Table].
func (t *SQLTable) ByOwner(ctx context.Context, owner string) ([]Key, error) {
	return t.keys(ctx, `owner = $1`, owner)
}

// Delete implements [Table].
func (t *SQLTable) Delete(ctx context.Context, owner, id string) (bool, error) {
	n, err := t.table.Exec(ctx, `DELETE FROM {table} WHERE owner = $1 AND id = $2`, owner, id)
	if err != nil {
		return false, fmt.Errorf("apikey: delete: %w", err)
	}
	return n > 0, nil
}

// Used stores when a key was used: it is for Config.Used.
func (t *SQLTable) Used(ctx context.Context, id string, at time.Time) error {
	_, err := t.table.Exec(ctx, `UPDATE {table} SET used = $1 WHERE id = $2`, sqltable.Millis(at), id)
	if err != nil {
		return fmt.Errorf("apikey: used: %w", err)
	}
	return nil
}

// SQLFind returns the [Find] of a table. user returns the user whose key it is, by Key.Owner. An error of it
// that wraps [strategy.ErrUnauthenticated] or [serializer.ErrUserGone] refuses the key, and any other is an
// outage.
func SQLFind[U any](t *SQLTable, user func(ctx context.Context, owner string) (U, error)) Find[U] {
	return func(ctx context.Context, id string) (k Key, u U, err error) {
		list, err := t.keys(ctx, `id = $1`, id)
		if err != nil {
			return k, u, err
		}
		if len(list) == 0 {
			return k, u, strategy.ErrUnauthenticated
		}
		if u, err = user(ctx, list[0].Owner); errors.Is(err, serializer.ErrUserGone) {
			err = strategy.ErrUnauthenticated
		}
		return list[0], u, err
	}
}

func (t *SQLTable) keys(ctx context.Context, where string, value string) ([]Key, error) {
	list, err := sqltable.Rows(ctx, t.table, func(rows *sql.Rows) (k Key, err error) {
		var scopes string
		var created, expires, used int64
		err = rows.Scan(&k.ID, &k.Owner, &k.Hash, &k.Name, &scopes, &created, &expires, &used)
		if err == nil {
			err = json.Unmarshal([]byte(scopes), &k.Scopes)
		}
		k.Created, k.Expires, k.Used = sqltable.Time(created), sqltable.Time(expires), sqltable.Time(used)
		return k, err
	}, `SELECT id, owner, hash, name, scopes, created, expires, used FROM {table} WHERE `+where, value)
	if err != nil {
		return nil, fmt.Errorf("apikey: read the table: %w", err)
	}
	return list, nil
}
