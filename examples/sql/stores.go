package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/seed-6f34412b/passport/examples/internal/article"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// layouts are the layouts of Node's tables, by database.
var layouts = map[sqlstore.Dialect]sqlstore.Layout{
	sqlstore.Postgres: sqlstore.ConnectPGSimple,
	sqlstore.MySQL:    sqlstore.ExpressMySQLSession,
	sqlstore.SQLite:   sqlstore.ConnectSessionKnex,
}

// open returns the application's storage in the database that -db names. Its errors say what is wrong with
// it.
func open(ctx context.Context, name string, o article.StorageOptions) (article.Storage, error) {
	b, err := openDatabase(ctx, name)
	if err != nil {
		return article.Storage{}, err
	}
	stores, err := newStores(ctx, b, o)
	if err != nil {
		_ = b.db.Close() // the error above says more
		return article.Storage{}, err
	}
	// Otherwise expired rows would stay forever.
	upkeep, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { stores.Upkeep(upkeep, 0, nil) })
	return article.Storage{
		Sessions: stores.Sessions, Counter: stores.Counter, Cells: stores.Cells, About: b.about,
		Close: func() {
			stop()
			running.Wait()
			if b.ends != nil {
				b.ends.close()
			}
			_ = b.db.Close()
		},
	}, nil
}

// newStores creates our tables unless they exist. In production create them with your other tables, with the
// statements that this prints:
//
//	go run ./store/sqlstore/schema -dialect postgres
func newStores(ctx context.Context, b backend, o article.StorageOptions) (*sqlstore.Stores, error) {
	cfg := sqlstore.Config{Dialect: b.dialect, Migrate: true, Logger: o.Logger}
	if b.ends != nil {
		cfg.Listen = b.ends.listen
	}
	if o.Express {
		if b.alone {
			return nil, errors.New("-express-secret shares no sessions in an SQLite inside this program: name the database of the Express application in -db, such as postgres://user:password@localhost:5432/app or an SQLite file")
		}
		cfg.Layout = layouts[b.dialect]
		cfg.Tombstones = true // so that a slow request of Express does not undo a log-out in Go
	}
	stores, err := sqlstore.New(ctx, b.db, cfg)
	if err != nil {
		return nil, fmt.Errorf("-db: %w", err)
	}
	return stores, nil
}
