package sqlstore

import (
	"context"
	"database/sql"
	"strings"
	"time"
)

// database runs statements. It has the words that differ between databases, and the names of tables.
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
	return &statement{db: d.db, text: text, order: order, prepared: d.words.prepared, blocks: d.words.blocks}
}

// read makes a statement that reads records by ids, see valuesOfRead. A database in this process is told the
// time: SQLite's own functions for it take a tenth of a read's CPU time.
func (d *database) read(ids []string, text string) *statement {
	text = spelled(d.names, text)
	if d.words.sameTime {
		text = strings.ReplaceAll(text, d.words.now, ":now")
	}
	return d.statementOf(append(ids, "now"), text)
}

// valuesOfRead returns the values of a statement that read has made. The time is the one before a wait for a
// connection or a lock: until its context ends, such a read may find a record that expires meanwhile.
func (d *database) valuesOfRead(ids ...string) []any {
	if d.words.sameTime {
		return valuesOf(ids, time.Now().UnixMilli())
	}
	return valuesOf(ids)
}

// once makes a statement that is not prepared, since its text is rarely used twice.
func (d *database) once(params []string, text string) *statement {
	s := d.statementOf(params, text)
	s.prepared = false
	return s
}

// maxTries is how often a statement is sent if the database rolls it back because of another transaction.
const maxTries = 50

// try calls f and returns what it returns, but no value beside an error. It calls f again if the database
// rolled it back because of another transaction: a deadlock, a serialization failure. After any other error
// the statement may have been executed, so try returns that error. f must not use its caller's variables: if
// the driver does not return when ctx ends, f still runs after try has returned.
func try[T any](ctx context.Context, d *database, verb string, f func() (T, error)) (value T, err error) {
	var none T
	for tries := 1; ; tries++ {
		if err := ctxError(ctx, verb); err != nil {
			return none, err
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
			return none, outage(verb, err)
		}
		pause(ctx, time.Duration(min(tries, 10))*time.Millisecond)
	}
}

// do is try for a function that returns only an error.
func (d *database) do(ctx context.Context, verb string, f func() error) error {
	_, err := try(ctx, d, verb, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// within returns what f returns, or ctx's error if that ends first. An SQLite that waits for a lock does so
// until its busy timeout: f then holds its connection for that long.
func within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
		late  bool
	}
	answers := make(chan answer, 2)
	go func() {
		growStack(0)
		value, err := f()
		answers <- answer{value, err, false}
	}()
	soon := time.AfterFunc(moment, func() { answers <- answer{late: true} })
	a := <-answers
	if !a.late {
		soon.Stop()
		return a.value, a.err
	}
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// moment is how long within waits before it asks for ctx.Done. Most statements are done by then, and the
// session layer's contexts make a timer and a channel only when they are asked.
const moment = 5 * time.Millisecond

// stackRoom is about how much of a goroutine's stack a read of modernc.org/sqlite needs, in bytes.
const stackRoom = 12 << 10

// growStack grows a new goroutine's stack once, while it is small. Otherwise the runtime would grow and copy
// it several times during a read, which was a quarter of the read's CPU time.
//
//go:noinline
func growStack(i int) byte {
	var room [stackRoom]byte
	return room[i]
}

// transaction calls f in outer. If outer is nil it begins a transaction, and rolls it back if f returns an
// error. The statements of f are prepared before that, since the pool may have only one connection.
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
