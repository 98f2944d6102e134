package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// Counter counts within windows of time: a strategy.Counter that several processes share. [New] makes it; it
// is safe for concurrent use.
type Counter struct {
	*database
	add, change, left *statement
}

func newCounter(d *database) *Counter {
	c := &Counter{database: d}
	const row = "INSERT INTO {values} %s(kind,k,n,expires) VALUES ('" + countKind + "',:key,%s,{now}+:window) "
	const live = " WHERE kind='" + countKind + "' AND k=:key AND expires>{now}"
	if d.words.returns {
		c.add = d.statement("key n window", fmt.Sprintf(row, "AS v ", ":n")+`ON CONFLICT (kind,k) DO UPDATE SET
n=CASE WHEN v.expires>{now} THEN {greatest}(0,v.n+excluded.n) ELSE excluded.n END,
expires=CASE WHEN v.expires>{now} THEN v.expires ELSE excluded.expires END
RETURNING n, expires-{now}`)
		c.change = d.statement("key n", "UPDATE {values} SET n={greatest}(0,n+:n)"+live+" RETURNING n, expires-{now}")
	} else {
		// LAST_INSERT_ID returns the sum in the answer to the statement.
		c.add = d.statement("key n window", fmt.Sprintf(row, "", "LAST_INSERT_ID(:n)")+`ON DUPLICATE KEY UPDATE
n=LAST_INSERT_ID(IF(expires>{now},GREATEST(0,n+VALUES(n)),VALUES(n))),
expires=IF(expires>{now},expires,VALUES(expires))`)
		c.change = d.statement("key n", "UPDATE {values} SET n=LAST_INSERT_ID(GREATEST(0,n+:n))"+live)
	}
	c.left = d.statement("key", "SELECT n, expires-{now} FROM {values}"+live)
	return c
}

// Add adds n to the count of key, and returns the sum and the time until it expires. The first Add of a
// positive n begins a window, at whose end the count is removed; later ones do not extend it. If n is 0, Add
// only reads. A negative n subtracts, down to zero. A window under a millisecond is an error; any other error
// is an outage, after which n may have been added. It is one statement, and in MySQL one SELECT more.
func (c *Counter) Add(ctx context.Context, key string, n int64, window time.Duration) (count int64, reset time.Duration, err error) {
	if err := contract.CheckTTL(ctx, window); err != nil {
		return 0, 0, fmt.Errorf("sqlstore: count: %w", err)
	}
	key = contract.Digest(key)
	sum, err := try(ctx, c.database, "count", func() (counted, error) { return c.attempt(ctx, key, n, window) })
	return sum.count, time.Duration(max(sum.left, 0)) * time.Millisecond, err
}

// counted is a sum, and the milliseconds until it expires.
type counted struct{ count, left int64 }

func (c *Counter) attempt(ctx context.Context, key string, n int64, window time.Duration) (sum counted, err error) {
	q, values := c.left, []any{key}
	switch {
	case n > 0:
		q, values = c.add, []any{key, n, window.Milliseconds()}
	case n < 0:
		q, values = c.change, []any{key, n}
	}
	if n == 0 || c.words.returns {
		_, err = q.row(ctx, nil, values, &sum.count, &sum.left)
		return sum, err
	}
	result, err := q.exec(ctx, nil, values...)
	if err != nil {
		return sum, err
	}
	if found, err := result.RowsAffected(); err != nil || found == 0 {
		return sum, err
	}
	if sum.count, err = result.LastInsertId(); err != nil {
		return sum, err
	}
	var now int64
	if there, err := c.left.row(ctx, nil, []any{key}, &now, &sum.left); err != nil || !there {
		sum.left = window.Milliseconds() // expired in the meantime, or an outage: the count was stored
	}
	return sum, nil
}
