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
// If done is false, nothing was executed: the driver lacks the interfaces, or the connection was broken
// before. database/sql, which tries other connections, may then run the statement.
func (s *statement) directly(ctx context.Context, values, into []any) (found, done bool, err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return false, true, err
	}
	defer func() { _ = conn.Close() }() // gives it back to the pool
	args := make([]driver.NamedValue, len(values))
	for i, v := range values {
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	err = conn.Raw(func(c any) error {
		rows, err := s.send(ctx, c.(driver.Conn), args)
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

// send sends the statement over a connection, prepared if it is to be. The error is driver.ErrSkip if the
// driver lacks the interfaces.
func (s *statement) send(ctx context.Context, c driver.Conn, args []driver.NamedValue) (driver.Rows, error) {
	if !s.prepared {
		if q, ok := c.(driver.QueryerContext); ok {
			return q.QueryContext(ctx, s.text, args)
		}
		return nil, driver.ErrSkip
	}
	stmt, err := s.handles.on(ctx, c, s.text, func() int { return s.db.Stats().OpenConnections })
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args)
	if err != nil { // perhaps the server does not know the handle any more
		s.handles.drop(c, stmt)
	}
	return rows, err
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
