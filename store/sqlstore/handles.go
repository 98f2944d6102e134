package sqlstore

import (
	"context"
	"database/sql/driver"
	"reflect"
	"sync"
)

// handles are the prepared forms of one statement, one for each connection of a pool. [statement.directly]
// needs them, since database/sql gives away none of those that it prepares.
//
// database/sql does not say when it closes a connection, which ends the connection's statements. So there are
// two generations. A handle that is used moves to the young one. When most of the young ones must belong to
// closed connections, they become the old generation, and those that were old are dropped. The zero value is
// ready for use.
type handles struct {
	mu         sync.Mutex
	young, old map[driver.Conn]driver.StmtQueryContext
}

// on returns the handle for a connection, or prepares text there. The error is driver.ErrSkip if the driver
// lacks the interfaces. The caller has the connection to itself. open returns how many connections the pool
// has.
func (h *handles) on(ctx context.Context, c driver.Conn, text string, open func() int) (driver.StmtQueryContext, error) {
	if stmt := h.find(c); stmt != nil {
		return stmt, nil
	}
	p, ok := c.(driver.ConnPrepareContext)
	if !ok || reflect.TypeOf(c).Kind() != reflect.Pointer { // other kinds may not be keys of a map
		return nil, driver.ErrSkip
	}
	made, err := p.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	stmt, ok := made.(driver.StmtQueryContext)
	if !ok {
		_ = made.Close()
		return nil, driver.ErrSkip
	}
	h.add(c, stmt, open)
	return stmt, nil
}

func (h *handles) find(c driver.Conn) driver.StmtQueryContext {
	h.mu.Lock()
	defer h.mu.Unlock()
	stmt := h.young[c]
	if stmt == nil && h.old[c] != nil {
		stmt = h.old[c]
		h.young[c] = stmt
		delete(h.old, c)
	}
	return stmt
}

func (h *handles) add(c driver.Conn, stmt driver.StmtQueryContext, open func() int) {
	most := 2*open() + 16
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.young == nil || len(h.young) >= most {
		h.young, h.old = map[driver.Conn]driver.StmtQueryContext{}, h.young
	}
	h.young[c] = stmt
}

// drop closes a connection's handle, and forgets it: the next use of the connection prepares another.
func (h *handles) drop(c driver.Conn, stmt driver.StmtQueryContext) {
	h.mu.Lock()
	delete(h.young, c)
	delete(h.old, c)
	h.mu.Unlock()
	if s, ok := stmt.(driver.Stmt); ok {
		_ = s.Close()
	}
}
