package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"testing"

	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// handleDriver is a driver that prepares statements. No real driver can be made to fail at each of these
// places.
type handleDriver struct {
	prepares, answers          []error // of the next calls; nil where there are none
	prepared, executed, closed int
}

func (d *handleDriver) Driver() driver.Driver                        { return nil }
func (d *handleDriver) Connect(context.Context) (driver.Conn, error) { return &handleConn{d}, nil }

func next(list *[]error) (err error) {
	if len(*list) > 0 {
		err, *list = (*list)[0], (*list)[1:]
	}
	return err
}

type handleConn struct{ *handleDriver }

func (c *handleConn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (*handleConn) Begin() (driver.Tx, error)             { return nil, errors.ErrUnsupported }
func (*handleConn) Close() error                          { return nil }

func (c *handleConn) PrepareContext(context.Context, string) (driver.Stmt, error) {
	if err := next(&c.prepares); err != nil {
		return nil, err
	}
	c.prepared++
	return &handleStmt{c.handleDriver}, nil
}

type handleStmt struct{ *handleDriver }

func (s *handleStmt) Close() error                             { s.closed++; return nil }
func (*handleStmt) NumInput() int                              { return 0 }
func (*handleStmt) Exec([]driver.Value) (driver.Result, error) { return nil, errors.ErrUnsupported }
func (*handleStmt) Query([]driver.Value) (driver.Rows, error)  { return nil, errors.ErrUnsupported }

func (s *handleStmt) QueryContext(context.Context, []driver.NamedValue) (driver.Rows, error) {
	err := next(&s.answers)
	if !errors.Is(err, driver.ErrBadConn) { // which says that nothing was sent
		s.executed++
	}
	if err != nil {
		return nil, err
	}
	return &fakeRows{values: []driver.Value{"x"}, after: io.EOF}, nil
}

// TestAPreparedRowIsReadOnce: what may have been executed is not sent again (S2), and what failed is prepared
// anew.
func TestAPreparedRowIsReadOnce(t *testing.T) {
	unknown := errors.New("unknown statement")
	for _, row := range []struct {
		name                                string
		driver                              handleDriver
		errs                                []error // of three reads
		wantPrepared, executed, wantsClosed int
	}{
		{"one connection", handleDriver{}, []error{nil, nil, nil}, 1, 3, 0},
		{"a statement that the server has forgotten", handleDriver{answers: []error{nil, unknown}}, []error{nil, unknown, nil}, 2, 3, 1},
		{"a connection that was broken", handleDriver{answers: []error{nil, driver.ErrBadConn}}, []error{nil, nil, nil}, 3, 3, 1},
		{"a connection that was broken before it prepared", handleDriver{prepares: []error{driver.ErrBadConn}}, []error{nil, nil, nil}, 2, 3, 0},
		{"a table that is missing", handleDriver{prepares: []error{unknown}}, []error{unknown, nil, nil}, 1, 2, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			db := sql.OpenDB(&row.driver)
			read := sqlstore.PreparedRow(db)
			for i, want := range row.errs {
				var value string
				if found, err := read(t.Context(), &value); !errors.Is(err, want) || found != (want == nil) || found != (value == "x") {
					t.Errorf("read %d: got %q, %v, %v; want error %v", i+1, value, found, err, want)
				}
			}
			d := &row.driver
			if d.prepared != row.wantPrepared || d.executed != row.executed || d.closed != row.wantsClosed {
				t.Errorf("got %d prepared, %d executed, %d closed; want %d, %d, %d",
					d.prepared, d.executed, d.closed, row.wantPrepared, row.executed, row.wantsClosed)
			}
			if used := db.Stats().InUse; used != 0 {
				t.Errorf("%d connections were not given back", used)
			}
			_ = db.Close()
		})
	}
}

// TestHandlesOfClosedConnectionsAreForgotten: database/sql does not say when it closes a connection.
func TestHandlesOfClosedConnectionsAreForgotten(t *testing.T) {
	d := &handleDriver{}
	used := &handleConn{d}
	var h sqlstore.Handles
	const open = 4
	for range 1000 {
		for _, c := range []driver.Conn{used, &handleConn{d}} {
			if _, err := h.On(t.Context(), c, open); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := h.Len(); n > 2*(2*open+16) {
		t.Errorf("%d handles are kept of %d connections", n, open)
	}
	if d.prepared != 1001 {
		t.Errorf("prepared %d times, want once on each of 1001 connections", d.prepared)
	}
	stmt, err := h.On(t.Context(), used, open)
	if err != nil {
		t.Fatal(err)
	}
	before := h.Len()
	if h.Drop(used, stmt); h.Len() != before-1 || d.closed != 1 {
		t.Errorf("after a drop: %d of %d handles, %d closed; want one less, and it closed", h.Len(), before, d.closed)
	}
}
