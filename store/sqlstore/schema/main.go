// Schema prints the statements that make the tables of package sqlstore:
//
//	go run github.com/seed-6f34412b/passport/store/sqlstore/schema -dialect postgres >schema.sql
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/seed-6f34412b/passport/store/sqlstore"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var dialects = map[string]sqlstore.Dialect{"postgres": sqlstore.Postgres, "mysql": sqlstore.MySQL, "sqlite": sqlstore.SQLite}

var layouts = map[string]sqlstore.Layout{
	"own": sqlstore.Own, "connect-pg-simple": sqlstore.ConnectPGSimple,
	"express-mysql-session": sqlstore.ExpressMySQLSession, "connect-session-knex": sqlstore.ConnectSessionKnex,
}

func run(args []string, out, usage io.Writer) error {
	flags := flag.NewFlagSet("schema", flag.ContinueOnError)
	flags.SetOutput(usage)
	dialect := flags.String("dialect", "", "postgres, mysql (also for MariaDB) or sqlite")
	layout := flags.String("layout", "own", "own, connect-pg-simple, express-mysql-session or connect-session-knex: whose table has the records")
	prefix := flags.String("prefix", "", "what begins the names of the tables, passport_ by default")
	if err := flags.Parse(args); err != nil {
		return err
	}
	l, ok := layouts[*layout]
	if !ok {
		return fmt.Errorf("schema: no layout %q", *layout)
	}
	text, err := sqlstore.Schema(sqlstore.Config{Dialect: dialects[*dialect], Layout: l, Prefix: *prefix})
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, text)
	return err
}
