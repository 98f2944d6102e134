package oidc

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/sqltable"
)

// SQLConfig is what [NewSQLTable] needs.
type SQLConfig struct {
	// DB is the pool of the primary; required.
	DB *sql.DB
	// Table is the table's name, with its schema and a dot before it if needed. Empty means identities.
	Table string
	// MySQL says that the database is MySQL or MariaDB. False means PostgreSQL or SQLite.
	MySQL bool
}

// SQLTable keeps which accounts at providers are linked to which user, in a table of the application's
// PostgreSQL, MySQL, MariaDB or SQLite. An owner is a user's id, never empty and the same for ever. Each
// account, known by its issuer and subject, has one owner; an owner may have several accounts.
// [SQLTable.Schema] makes the table. Other statements may use it too, such as a DELETE of all rows of a user.
// It is made by [NewSQLTable] and safe for concurrent use.
//
//	table, err := oidc.NewSQLTable(oidc.SQLConfig{DB: db})
//	google, err := oidc.New(cfg, oidc.SQLValidate(table, byID))
//
// An account is linked while its user is logged in, by a [Linker]; or at the first log-in, by
// [SQLFindOrCreate].
type SQLTable struct{ table *sqltable.Table }

// Linked is an account at a provider that is linked to a user.
type Linked struct {
	Issuer, Subject string
	Name            string    // for people: the name, the user name or the address that the provider told
	Created         time.Time // when it was linked
}

// ErrLinked is returned by [SQLTable.Link] when the account is linked to another owner.
var ErrLinked = errors.New("oidc: the account is linked to another user")

// NewSQLTable returns every mistake in cfg at once. It does not ask the database.
func NewSQLTable(cfg SQLConfig) (*SQLTable, error) {
	if cfg.Table == "" {
		cfg.Table = "identities"
	}
	table, err := sqltable.New("oidc: new SQL table", cfg.DB, cfg.Table, cfg.MySQL)
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
	issuer {key} NOT NULL,
	subject {key} NOT NULL,
	owner {key} NOT NULL,
	name {text} NOT NULL,
	created BIGINT NOT NULL,        -- in milliseconds since 1970
	PRIMARY KEY (issuer, subject),
	UNIQUE (owner, issuer, subject) -- the index by owner
);
`)
}

// isKey reports whether each database can store s as a part of the key. PostgreSQL refuses a zero byte, and
// text that is not UTF-8.
func isKey(s string) bool {
	return s != "" && len(s) <= sqltable.MaxKey && utf8.ValidString(s) && !strings.Contains(s, "\x00")
}

// Link links the account to owner. If it is theirs already, its name is updated. The error is [ErrLinked] if
// it is another owner's. Any other error is an outage, after which it may be linked; or owner is not 1
// to 1020 bytes; or the issuer or the subject is not 1 to 1020 bytes of UTF-8 without a zero byte.
func (t *SQLTable) Link(ctx context.Context, owner string, id Identity) error {
	if err := sqltable.CheckOwner(owner); err != nil {
		return fmt.Errorf("oidc: link: %w", err)
	}
	if !isKey(id.Issuer) || !isKey(id.Subject) {
		return fmt.Errorf("oidc: link: the issuer has %d bytes and the subject %d: want 1 to %d of each, in "+
			"UTF-8 and without a zero byte", len(id.Issuer), len(id.Subject), sqltable.MaxKey)
	}
	name := strings.ToValidUTF8(cmp.Or(id.Name, id.Username, id.Email), "\uFFFD")
	name = strings.ReplaceAll(name, "\x00", "")
	_, err := t.table.Exec(ctx, `INSERT INTO {table} (issuer, subject, owner, name, created)
		VALUES ($1, $2, $3, $4, $5)`, id.Issuer, id.Subject, owner, name, sqltable.Millis(time.Now()))
	if err == nil {
		return nil
	}
	// Databases name this error in different ways, so the table is asked. After an answer that was lost the
	// account is there.
	linked, asked := t.owner(ctx, id.Issuer, id.Subject)
	switch {
	case asked != nil || linked == "":
		return fmt.Errorf("oidc: link: %w", err)
	case linked != owner:
		return ErrLinked
	}
	_, err = t.table.Exec(ctx, `UPDATE {table} SET name = $1
		WHERE issuer = $2 AND subject = $3 AND owner = $4`, name, id.Issuer, id.Subject, owner)
	if err != nil {
		return fmt.Errorf("oidc: link: %w", err)
	}
	return nil
}

// Unlink removes the link of an account to owner. It reports whether there was one. Then end the log-ins with
// it: guard.Guard.EndFactor. Whether the user has another way to log in is for the application to know. An
// error is an outage.
func (t *SQLTable) Unlink(ctx context.Context, owner, issuer, subject string) (bool, error) {
	n, err := t.table.Exec(ctx, `DELETE FROM {table} WHERE owner = $1 AND issuer = $2 AND subject = $3`,
		owner, issuer, subject)
	if err != nil {
		return false, fmt.Errorf("oidc: unlink: %w", err)
	}
	return n > 0, nil
}

// List returns the accounts of owner, those first that were linked first. An error is an outage.
func (t *SQLTable) List(ctx context.Context, owner string) ([]Linked, error) {
	list, err := sqltable.Rows(ctx, t.table, func(rows *sql.Rows) (l Linked, err error) {
		var created int64
		err = rows.Scan(&l.Issuer, &l.Subject, &l.Name, &created)
		l.Created = sqltable.Time(created)
		return l, err
	}, `SELECT issuer, subject, name, created FROM {table}
		WHERE owner = $1 ORDER BY created, issuer, subject`, owner)
	if err != nil {
		return nil, fmt.Errorf("oidc: read the table: %w", err)
	}
	return list, nil
}

// owner returns the owner of an account, or "".
func (t *SQLTable) owner(ctx context.Context, issuer, subject string) (string, error) {
	list, err := sqltable.Rows(ctx, t.table, func(rows *sql.Rows) (owner string, err error) {
		err = rows.Scan(&owner)
		return owner, err
	}, `SELECT owner FROM {table} WHERE issuer = $1 AND subject = $2`, issuer, subject)
	if err != nil {
		return "", fmt.Errorf("oidc: read the table: %w", err)
	}
	return append(list, "")[0], nil
}

// SQLValidate returns the validate for [New] and [NewOAuth2]: the user to whom the account is linked. user
// returns a user by the id. An account that is not linked is refused, with an error that wraps
// [strategy.ErrUnauthenticated]; a validate of your own can call this one first, and then add a user. An
// error of user that wraps [strategy.ErrUnauthenticated] or [serializer.ErrUserGone] refuses too, and any
// other is an outage.
func SQLValidate[U any](
	t *SQLTable, user func(ctx context.Context, owner string) (U, error),
) func(ctx context.Context, id Identity) (U, error) {
	return func(ctx context.Context, id Identity) (U, error) {
		u, _, err := linkedUser(ctx, t, user, id)
		return u, err
	}
}

// linkedUser is the function that SQLValidate returns. free is true if the account is linked to nobody and can
// be.
func linkedUser[U any](
	ctx context.Context, t *SQLTable, user func(ctx context.Context, owner string) (U, error), id Identity,
) (u U, free bool, err error) {
	if !isKey(id.Issuer) || !isKey(id.Subject) { // it cannot be linked
		return u, false, strategy.ErrUnauthenticated
	}
	owner, err := t.owner(ctx, id.Issuer, id.Subject)
	if err != nil {
		return u, false, err
	}
	if owner == "" {
		return u, true, strategy.ErrUnauthenticated
	}
	if u, err = user(ctx, owner); errors.Is(err, serializer.ErrUserGone) {
		err = strategy.ErrUnauthenticated
	}
	return u, false, err
}

// createTime is how long SQLFindOrCreate waits for a new user and the link of the account.
const createTime = 10 * time.Second

// SQLFindOrCreate is [SQLValidate] with a function that adds a user for an account that is linked to nobody;
// then the account is linked to that user, whose id owner returns. An error of create that wraps
// [strategy.ErrUnauthenticated] refuses the log-in, such as for an address that the provider has not verified,
// or that another user has, who can link the account by a [Linker]. Any other is an outage.
//
// create has to refuse a second user of one address: then two first log-ins at once make one user, whom the
// second one finds, or it is refused if the account is not linked yet. Both steps have ten seconds, also if the
// browser leaves. After an outage between them the user is there without the account, and create refuses from
// then on: such a user needs another way to log in. Or create adds the row of the account in the transaction
// that adds the user.
func SQLFindOrCreate[U any](
	t *SQLTable, owner func(U) string, user func(ctx context.Context, owner string) (U, error),
	create func(ctx context.Context, id Identity) (U, error),
) func(ctx context.Context, id Identity) (U, error) {
	return func(ctx context.Context, id Identity) (U, error) {
		u, free, err := linkedUser(ctx, t, user, id)
		if !free {
			return u, err
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), createTime)
		defer cancel()
		if u, err = create(ctx, id); err == nil && !strategy.IsNilUser(u) {
			err = t.Link(ctx, owner(u), id)
		}
		if errors.Is(err, strategy.ErrUnauthenticated) || errors.Is(err, ErrLinked) { // perhaps it is linked by now
			if again, _, missing := linkedUser(ctx, t, user, id); missing == nil {
				return again, nil
			}
		}
		return u, err
	}
}
