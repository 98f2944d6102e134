package main

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// silence is how long a listening connection may be silent before it is pinged, and how long an answer may
// take before the connection counts as broken.
const silence = 3 * time.Second

// listener implements sqlstore.Config.Listen with a separate connection to the server that cfg names.
// pgbouncer in transaction mode does not work here; name PostgreSQL itself. It keeps the connection for the
// next stream, so that a single visitor who opens and closes streams does not cause a new connection each
// time.
type listener struct {
	cfg *pgx.ConnConfig

	mu     sync.Mutex
	kept   *pgx.Conn // nil or idle: does not listen
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

// begin sends LISTEN on the kept connection, or on a new one if there is none or it does not answer.
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

// keep keeps a connection for the next stream. It sends UNLISTEN, since nobody reads notices meanwhile.
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

// close closes the kept connection. Later ones are not kept.
func (l *listener) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed = true; l.kept != nil {
		hangUp(l.kept)
		l.kept = nil
	}
}

// next waits for a notice. It pings a silent connection: otherwise it would wait forever on one whose other
// end is gone.
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

// hangUp closes a connection. It does not hang if the other end is gone.
func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), silence)
	defer cancel()
	_ = conn.Close(ctx) // nothing to do about an error: every notice received was passed on
}
