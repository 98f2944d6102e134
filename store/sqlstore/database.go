package sqlstore

import (
	"context"
	"database/sql"
	"strings"
	"time"
)

// database is where statements run, and what they call things.
type database struct {
	db    *sql.DB
	words wording
	names *strings.Replacer // {sessions} and the like
}

// statement makes a statement. params are the names of its values, with spaces between.
func (d *database) statement(params, text string) *statement {
	return d.statementOf(strings.Fields(params), text)
}

func (d *database) statementOf(params []string, text string) *statement {
	text, order := d.words.placeholders(params, spelled(d.names, text))
	return &statement{db: d.db, text: text, order: order, prepared: d.words.prepared}
}

// once makes a statement that is not worth preparing, since its text hardly comes again.
func (d *database) once(params []string, text string) *statement {
	s := d.statementOf(params, text)
	s.prepared = false
	return s
}

// maxTries is how often a statement is sent that the database refuses because of another one, and undoes.
const maxTries = 50

// try calls f and returns what it returns. It calls it again where the database says that it did nothing
// because of another transaction: a deadlock, a serialization failure. Every other failure may have been
// executed, and is given to the caller. f must not touch what its caller has: where the driver does not
// return when ctx ends, f is left behind.
func try[T any](ctx context.Context, d *database, verb string, f func() (T, error)) (value T, err error) {
	for tries := 1; ; tries++ {
		if err := ctxError(ctx, verb); err != nil {
			return value, err
		}
		if d.words.blocks {
			value, err = within(ctx, f)
		} else {
			value, err = f()
		}
		if err == nil {
			return value, nil
		}
		if err = contextError(ctx, err); ctx.Err() != nil || tries == maxTries || !d.undone(err) {
			var none T
			return none, outage(verb, err)
		}
		pause(ctx, time.Duration(min(tries, 10))*time.Millisecond)
	}
}

// do is try for what returns an error alone.
func (d *database) do(ctx context.Context, verb string, f func() error) error {
	_, err := try(ctx, d, verb, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// within returns what f returns, or ctx's error when that ends first. An SQLite that waits for another's lock
// does so until its own busy timeout; what is left behind holds its connection for so long.
func within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	if ctx.Done() == nil {
		return f()
	}
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		growStack(0)
		value, err := f()
		done <- answer{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// stackRoom is about what an SQLite in Go takes of a goroutine's stack for a read.
const stackRoom = 12 << 10

// growStack makes room on a new goroutine's stack while there is little on it. It would be copied several times
// otherwise, each time with more frames: a quarter of a read's CPU.
//
//go:noinline
func growStack(i int) byte {
	var room [stackRoom]byte
	return room[i]
}

// transaction calls f in outer, or where that is nil in a transaction of its own, which is rolled back when f
// returns an error. The statements of f are prepared before it, for the pool may have no second connection.
func (d *database) transaction(ctx context.Context, outer *sql.Tx, f func(tx *sql.Tx) error, statements ...*statement) error {
	if outer != nil {
		return f(outer)
	}
	for _, s := range statements {
		if _, err := s.prepare(ctx, nil); err != nil {
			return err
		}
	}
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}
