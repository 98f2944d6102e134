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

// fakeDriver is a driver whose statement answers with values and then with the error after. executed counts
// how often that happened. No real driver can be made to fail at each of these places.
type fakeDriver struct {
	values   []driver.Value
	after    error
	executed int
	refusals []error // of QueryContext, before it executes anything
}

func (d *fakeDriver) Driver() driver.Driver { return nil }

func (d *fakeDriver) Connect(context.Context) (driver.Conn, error) {
	if d.refusals == nil {
		return fakeConn{d}, nil
	}
	return fakeQueryer{fakeConn{d}}, nil
}

func (d *fakeDriver) rows() (driver.Rows, error) {
	d.executed++
	return &fakeRows{values: d.values, after: d.after}, nil
}

// fakeConn can only prepare statements.
type fakeConn struct{ *fakeDriver }

func (c fakeConn) Prepare(string) (driver.Stmt, error)       { return c, nil }
func (fakeConn) Begin() (driver.Tx, error)                   { return nil, errors.ErrUnsupported }
func (fakeConn) Close() error                                { return nil }
func (fakeConn) NumInput() int                               { return 0 }
func (fakeConn) Exec([]driver.Value) (driver.Result, error)  { return nil, errors.ErrUnsupported }
func (c fakeConn) Query([]driver.Value) (driver.Rows, error) { return c.rows() }

// fakeQueryer is a fakeConn with QueryContext.
type fakeQueryer struct{ fakeConn }

func (c fakeQueryer) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	if err := c.refusals[0]; err != nil {
		if len(c.refusals) > 1 {
			c.fakeDriver.refusals = c.refusals[1:]
		}
		return nil, err
	}
	return c.rows()
}

type fakeRows struct {
	values []driver.Value
	after  error
}

func (*fakeRows) Columns() []string { return []string{"value"} }
func (*fakeRows) Close() error      { return nil }

func (r *fakeRows) Next(row []driver.Value) error {
	if len(r.values) == 0 {
		return r.after
	}
	row[0], r.values = r.values[0], r.values[1:]
	return nil
}

// TestARowIsReadOnceWhateverTheDriverCan: where the driver's own interfaces are of no use, database/sql runs
// the statement. What may have been executed is not sent again (S2).
func TestARowIsReadOnceWhateverTheDriverCan(t *testing.T) {
	one, eof, late := []driver.Value{"x"}, io.EOF, errors.New("late")
	runs := []error{nil}
	for _, row := range []struct {
		name   string
		driver fakeDriver
		value  string
		found  bool
		err    error
	}{
		{"a driver with QueryContext", fakeDriver{values: one, after: eof, refusals: runs}, "x", true, nil},
		{"a driver without", fakeDriver{values: one, after: eof}, "x", true, nil},
		{"a driver that skips it", fakeDriver{values: one, after: eof, refusals: []error{driver.ErrSkip}}, "x", true, nil},
		{"a connection that was broken", fakeDriver{values: one, after: eof, refusals: []error{driver.ErrBadConn, nil}}, "x", true, nil},
		{"a connection that breaks after it was sent", fakeDriver{after: driver.ErrBadConn, refusals: runs}, "", false, driver.ErrBadConn},
		{"a statement that fails after its row", fakeDriver{values: one, after: late, refusals: runs}, "x", true, late},
		{"no row", fakeDriver{after: eof, refusals: runs}, "", false, nil},
		{"NULL", fakeDriver{values: []driver.Value{nil}, after: eof, refusals: runs}, "", true, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			db := sql.OpenDB(&row.driver)
			defer func() { _ = db.Close() }()
			var value string
			found, err := sqlstore.Row(t.Context(), db, &value)
			if value != row.value || found != row.found || !errors.Is(err, row.err) || row.driver.executed != 1 {
				t.Errorf("got %q, %v, %v, executed %d times; want %q, %v, %v, once",
					value, found, err, row.driver.executed, row.value, row.found, row.err)
			}
			if used := db.Stats().InUse; used != 0 {
				t.Errorf("%d connections were not given back", used)
			}
		})
	}
}
