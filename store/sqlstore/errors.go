package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// outage is err of a call, without what it may quote: ids and records. The session layer answers 503.
func outage(verb string, err error) error {
	return fmt.Errorf("sqlstore: %s: %w", verb, plain(err))
}

// contextError returns ctx's error in place of a failure that it explains, else err.
func contextError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded // the connection's timer was faster than the context's
	}
	return err
}

// ctxError is what a call returns whose context has ended before it began.
func ctxError(ctx context.Context, verb string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sqlstore: %s: %w", verb, err)
	}
	return nil
}

// sqlState is the code of an error of the SQL standard, as drivers for PostgreSQL tell it.
type sqlState interface{ SQLState() string }

// undone reports whether the database refused a statement, or its transaction, because of another one, and
// undid it: it may be sent again.
func (d *database) undone(err error) bool {
	if errors.Is(err, errChanged) {
		return true
	}
	if state, ok := errors.AsType[interface {
		error
		sqlState
	}](err); ok {
		return state.SQLState() == "40001" || state.SQLState() == "40P01" // serialization failure, deadlock
	}
	text := err.Error()
	for _, sign := range d.words.undone {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// quotation is what databases put between quotes: names of tables, but also values.
var quotation = regexp.MustCompile(`'[^']*'|"[^"]*"`)

// harmless is a quotation that is the name of a table or a column of ours or Node's, perhaps with the
// database's.
var harmless = regexp.MustCompile(`^['"]([A-Za-z0-9_.]*_(sessions|notes|labels|values)|([A-Za-z0-9_]*\.)*` +
	`(sessions?|sid|sess|expired?|expires|session_id|data|id|note|until|gone|label|kind|k|n|value))['"]$`)

// jsonCure is for what MariaDB says when a record does not pass the check of its type json: Node cannot store
// it either.
const jsonCure = ": MariaDB's type json has no half of a surrogate pair and 32 levels at most: " +
	"ALTER TABLE sessions MODIFY sess LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"

// plain returns err without what it may quote of the statement. errors.Is and errors.As see the original.
func plain(err error) error {
	text := err.Error()
	if strings.HasPrefix(text, "Error 4025 ") { // a constraint, and the layouts have no other
		text += jsonCure
	}
	out := quotation.ReplaceAllStringFunc(text, func(q string) string {
		if harmless.MatchString(q) {
			return q
		}
		return "(left out)"
	})
	if out == err.Error() {
		return err
	}
	return &plainError{text: out, err: err}
}

type plainError struct {
	text string
	err  error
}

func (e *plainError) Error() string { return e.text }
func (e *plainError) Unwrap() error { return e.err }
