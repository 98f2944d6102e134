package oidc_test

import (
	"database/sql"
	"fmt"

	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// The statement for a migration.
func ExampleSQLTable_Schema() {
	db := new(sql.DB) // the application's pool, of sql.Open
	table, err := oidc.NewSQLTable(oidc.SQLConfig{DB: db})
	if err != nil {
		panic(err)
	}
	fmt.Print(table.Schema())
	// Output:
	// CREATE TABLE IF NOT EXISTS identities (
	// 	issuer TEXT NOT NULL,
	// 	subject TEXT NOT NULL,
	// 	owner TEXT NOT NULL,
	// 	name TEXT NOT NULL,
	// 	created BIGINT NOT NULL,        -- in milliseconds since 1970
	// 	PRIMARY KEY (issuer, subject),
	// 	UNIQUE (owner, issuer, subject) -- the index by owner
	// );
}
