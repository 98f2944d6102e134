package sqlstore_test

import (
	"context"
	"log"
	"os"

	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// The program imports the driver of its database, such as _ "github.com/jackc/pgx/v5/stdlib". The pool is for
// the program's own tables, too.
func ExampleOpenDB() {
	ctx := context.Background()
	db, dialect, err := sqlstore.OpenDB(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	shop, err := sqlstore.New(ctx, db, sqlstore.Config{Dialect: dialect, Migrate: true})
	if err != nil {
		log.Print(err)
		return
	}
	go shop.Upkeep(ctx, 0, nil) // removes what has expired
	// shop.Sessions is for session.Config.Store, shop.Counter for a throttle.
}
