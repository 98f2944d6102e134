package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// silence is how long a connection that listens may say nothing until it is asked whether it is there, and
// then until it counts as broken.
const silence = 3 * time.Second

// listen returns a sqlstore.Config.Listen. It has a connection of its own to the server that cfg names: behind
// pgbouncer in its mode transaction give that of PostgreSQL itself.
func listen(cfg *pgx.ConnConfig) func(ctx context.Context, channel string, tell func(payload string)) error {
	cfg = cfg.Copy()
	cfg.RuntimeParams["application_name"] = "listens for ended sessions"
	return func(ctx context.Context, channel string, tell func(payload string)) error {
		conn, err := pgx.ConnectConfig(ctx, cfg)
		if err != nil {
			return err
		}
		defer hangUp(conn)
		if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
			return err
		}
		for payload := ""; err == nil; payload, err = next(ctx, conn) {
			tell(payload)
		}
		return err
	}
}

// next waits for a notice. One that waited for nothing but the notice would wait for ever on a connection whose
// other end is gone.
func next(ctx context.Context, conn *pgx.Conn) (payload string, err error) {
	for {
		quiet, cancel := context.WithTimeout(ctx, silence)
		notice, err := conn.WaitForNotification(quiet)
		silent := quiet.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			return notice.Payload, nil
		case !silent:
			return "", err
		}
		ask, cancel := context.WithTimeout(ctx, silence)
		err = conn.Ping(ask)
		cancel()
		if err != nil {
			return "", err
		}
	}
}

// hangUp closes a connection, also one whose other end is gone.
func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), silence)
	defer cancel()
	_ = conn.Close(ctx) // what was heard is told
}
