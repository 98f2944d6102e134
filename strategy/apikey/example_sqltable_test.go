package apikey_test

import (
	"database/sql"
	"fmt"

	"github.com/seed-6f34412b/passport/strategy/apikey"
)

// The statement for a migration.
func ExampleSQLTable_Schema() {
	db := new(sql.DB) // the application's pool, of sql.Open
	table, err := apikey.NewSQLTable(apikey.SQLConfig{DB: db})
	if err != nil {
		panic(err)
	}
	fmt.Print(table.Schema())
	// Output:
	// CREATE TABLE IF NOT EXISTS api_keys (
	// 	id TEXT PRIMARY KEY,
	// 	owner TEXT NOT NULL,
	// 	hash TEXT NOT NULL,
	// 	name TEXT NOT NULL,
	// 	scopes TEXT NOT NULL,  -- JSON
	// 	created BIGINT NOT NULL, -- times are milliseconds since 1970; 0 is none
	// 	expires BIGINT NOT NULL,
	// 	used BIGINT NOT NULL,
	// 	UNIQUE (owner, name)
	// );
}
