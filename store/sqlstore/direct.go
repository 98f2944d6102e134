package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// directly is [statement.row] by the interfaces of the driver. database/sql's Rows start a goroutine that
// waits for the end of ctx, although the driver waits for it too: a tenth of the CPU time of a guarded read.
// If done is false, nothing was executed: the driver lacks the interface, or the connection was broken
// before. database/sql, which tries other connections, may then run the statement.
func (s *statement) directly(ctx context.Context, values, into []any) (found, done bool, err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return false, true, err
	}
	defer func() { _ = conn.Close() }() // gives it back to the pool
	err = conn.Raw(func(c any) error {
		q, ok := c.(driver.QueryerContext)
		if !ok {
			return nil
		}
		args := make([]driver.NamedValue, len(values))
		for i, v := range values {
			args[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
		}
		rows, err := q.QueryContext(ctx, s.text, args)
		if done = !errors.Is(err, driver.ErrSkip) && !errors.Is(err, driver.ErrBadConn); err != nil {
			return err
		}
		found, err = only(rows, into)
		if closed := rows.Close(); err == nil {
			err = closed
		}
		return err
	})
	return found, done, err
}

// only scans the one row that rows have, and reports whether there was one. It reads to the end, since a
// statement may fail after its first row.
func only(rows driver.Rows, into []any) (found bool, err error) {
	row := make([]driver.Value, len(into))
	for {
		if err := rows.Next(row); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return found, err
		}
		found = true
		for i, v := range row {
			if err := scan(into[i], v); err != nil {
				return found, err
			}
		}
	}
}

// scan converts values as the Scan of database/sql does, but NULL is the zero value.
func scan(into any, v driver.Value) error {
	switch to := into.(type) {
	case *any:
		*to = v
		return nil
	case *[]byte:
		return scanInto(to, v)
	case *string:
		return scanInto(to, v)
	case *bool:
		return scanInto(to, v)
	case *int:
		return scanInto(to, v)
	case *int64:
		return scanInto(to, v)
	case sql.Scanner:
		return to.Scan(v)
	}
	return fmt.Errorf("internal error: no scan into %T", into)
}

func scanInto[T any](to *T, v driver.Value) error {
	var n sql.Null[T]
	err := n.Scan(v)
	*to = n.V
	return err
}
