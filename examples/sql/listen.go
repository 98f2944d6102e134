package main

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// silence is how long a connection that listens may say nothing until it is asked whether it is there, and
// then until it counts as broken.
const silence = 3 * time.Second

// listener is a sqlstore.Config.Listen, by a connection of its own to the server that cfg names: behind
// pgbouncer in its mode transaction give that of PostgreSQL itself. It keeps the connection from one stream to
// the next, so that a visitor who opens and closes one alone does not make it connect each time.
type listener struct {
	cfg *pgx.ConnConfig

	mu     sync.Mutex
	kept   *pgx.Conn // which listens to nothing
	closed bool
}

func newListener(cfg *pgx.ConnConfig) *listener {
	cfg = cfg.Copy()
	cfg.RuntimeParams["application_name"] = "listens for ended sessions"
	return &listener{cfg: cfg}
}

func (l *listener) listen(ctx context.Context, channel string, tell func(payload string)) error {
	conn, err := l.begin(ctx, "LISTEN "+channel)
	if err != nil {
		return err
	}
	defer l.keep(conn)
	for payload := ""; err == nil; payload, err = next(ctx, conn) {
		tell(payload)
	}
	return err
}

// begin sends LISTEN on the connection that was kept, or on a new one if there is none that answers.
func (l *listener) begin(ctx context.Context, listen string) (*pgx.Conn, error) {
	l.mu.Lock()
	conn := l.kept
	l.kept = nil
	l.mu.Unlock()
	if conn != nil {
		ask, cancel := context.WithTimeout(ctx, silence)
		_, err := conn.Exec(ask, listen)
		cancel()
		if err == nil {
			return conn, nil
		}
		hangUp(conn)
	}
	conn, err := pgx.ConnectConfig(ctx, l.cfg)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, listen); err != nil {
		hangUp(conn)
		return nil, err
	}
	return conn, nil
}

// keep keeps a connection for the next stream. PostgreSQL must not send notices that nobody reads.
func (l *listener) keep(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), silence)
	_, err := conn.Exec(ctx, "UNLISTEN *")
	cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil || l.closed || l.kept != nil {
		hangUp(conn)
		return
	}
	l.kept = conn
}

// close closes the connection that is kept, and has none kept any more.
func (l *listener) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed = true; l.kept != nil {
		hangUp(l.kept)
		l.kept = nil
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
