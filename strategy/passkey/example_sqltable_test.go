package passkey_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// The statement for a migration.
func ExampleSQLTable_Schema() {
	type User struct{ ID string }
	byID := func(context.Context, string) (*User, error) { return nil, serializer.ErrUserGone }
	db := new(sql.DB) // the application's pool, of sql.Open
	table, err := passkey.NewSQLTable(passkey.SQLConfig[*User]{
		DB: db, Owner: func(u *User) string { return u.ID }, User: byID,
	})
	if err != nil {
		panic(err)
	}
	fmt.Print(table.Schema())
	// Output:
	// CREATE TABLE IF NOT EXISTS passkeys (
	// 	id TEXT PRIMARY KEY,        -- base64
	// 	owner TEXT NOT NULL,
	// 	name TEXT NOT NULL,
	// 	sign_count BIGINT NOT NULL, -- this and the next two change at each use
	// 	backed_up BIGINT NOT NULL,  -- 0 or 1
	// 	last_used BIGINT NOT NULL,  -- times are milliseconds since 1970; 0 is none
	// 	created BIGINT NOT NULL,
	// 	credential TEXT NOT NULL, -- the rest, as JSON
	// 	UNIQUE (owner, id)          -- the index by owner
	// );
}
