// Command sql is the application of examples/server with its sessions in a database: SQLite, PostgreSQL,
// MySQL or MariaDB.
//
//	go run ./examples/sql
//	curl http://localhost:3000/auth/login -d 'email=joefoo@test.com&password=Passw0rd!' -c cookie.joe.txt
//	curl http://localhost:3000/protected -b cookie.joe.txt
//
// Without flags it uses SQLite in memory. A file would be of no use after a restart: without -secret the
// cookies are signed with a random secret. With -secret and -db file.db log-ins survive a restart.
//
// Read examples/internal/article/app.go first: it has the sessions, the guard and the routes. In this folder,
// database.go opens the database that -db names, stores.go makes the stores and removes expired rows, and
// listen.go ends streams at GET /live when another process ends their log-in (PostgreSQL).
package main

import (
	"context"
	"flag"
	"os"

	"github.com/seed-6f34412b/passport/examples/internal/article"
)

func main() {
	var db string
	article.Program{
		Name: "sql", Embeds: "an SQLite inside the program",
		Shares: "the same table: connect-pg-simple's in PostgreSQL, express-mysql-session's in MySQL and MariaDB, connect-session-knex's in an SQLite file, made by that package before this program starts",
		Flags: func(f *flag.FlagSet) {
			f.StringVar(&db, "db", os.Getenv("SESSION_DB"), "`database` that keeps the sessions: postgres://user:password@localhost:5432/app, mysql://user:password@localhost:3306/app, or the name of an SQLite file, which is created if need be. The program creates its tables passport_… there. The default is $SESSION_DB, which other users of the machine cannot see; empty is an SQLite inside this program, which forgets everything when it ends.")
		},
		Open: func(ctx context.Context, o article.StorageOptions) (article.Storage, error) { return open(ctx, db, o) },
	}.Main()
}
