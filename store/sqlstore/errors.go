package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// outage returns the error of a call for err, without the ids and records that err may quote. The session
// layer answers it with 503.
func outage(verb string, err error) error {
	return fmt.Errorf("sqlstore: %s: %w", verb, plain(err))
}

// contextError returns ctx's error if ctx has ended, which explains the failure; else err.
func contextError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded // the connection's timer fired before the context's
	}
	return err
}

// ctxError returns the error of a call whose context had ended before the call began, or nil.
func ctxError(ctx context.Context, verb string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sqlstore: %s: %w", verb, err)
	}
	return nil
}

// sqlState returns an error's code of the SQL standard. The errors of drivers for PostgreSQL have it.
type sqlState interface{ SQLState() string }

// undone reports whether the database rolled a statement or its transaction back because of another
// transaction, so that it can be sent again.
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

// quotation matches what databases quote in errors: names of tables, but also values.
var quotation = regexp.MustCompile(`'[^']*'|"[^"]*"`)

// harmless matches a quotation that is the name of a table or a column, ours or Node's, with or without the
// database's name.
var harmless = regexp.MustCompile(`^['"]([A-Za-z0-9_.]*_(sessions|notes|labels|values)|([A-Za-z0-9_]*\.)*` +
	`(sessions?|sid|sess|expired?|expires|session_id|data|id|note|until|gone|label|kind|k|n|value))['"]$`)

// jsonCure is added to MariaDB's error for a record that its type json does not accept. Node cannot store
// that record either.
const jsonCure = ": MariaDB's type json has no half of a surrogate pair and 32 levels at most: " +
	"ALTER TABLE sessions MODIFY sess LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"

// plain returns err without what it may quote of the statement. errors.Is and errors.As see the original.
func plain(err error) error {
	text := err.Error()
	if strings.HasPrefix(text, "Error 4025 ") { // a constraint failed; the layouts have only that of json
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
