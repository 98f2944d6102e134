package sqlstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

const (
	defaultEvery = 5 * time.Minute
	batch        = 500                   // the most rows that one statement removes
	rest         = 20 * time.Millisecond // the pause between two of them
	leaseTime    = time.Minute           // the longest time for one batch
	labelGrace   = 24 * time.Hour        // deadlines of labels are by the application's clock, which may be behind
)

// Upkeep removes expired rows from time to time until ctx ends: connect-pg-simple's pruneSessionInterval. It
// returns only when ctx has ended, so run it in a goroutine:
//
//	go stores.Upkeep(ctx, 0, nil)
//
// every is the interval between two sweeps; zero means five minutes. It varies by half, so that processes do
// not all try at once. If several processes share the tables, only one sweeps at a time, and at most once in
// half an interval. After each sweep report is called with how many rows were removed and what went wrong; if
// it is nil, errors are logged to Config.Logger. After an error the next sweep tries again.
//
// Expired rows are never returned, whether they have been removed or not. Without Upkeep or Sweep the tables
// grow.
func (s *Stores) Upkeep(ctx context.Context, every time.Duration, report func(removed int64, err error)) {
	if every <= 0 {
		every = defaultEvery
	}
	if report == nil {
		report = s.logSweep
	}
	for {
		if pause(ctx, every); ctx.Err() != nil {
			return
		}
		removed, err := s.sweepLeased(ctx, every/2)
		if ctx.Err() == nil && !errors.Is(err, errLeased) {
			report(removed, err)
		}
	}
}

func (s *Stores) logSweep(removed int64, err error) {
	if err != nil {
		cmp.Or(s.cfg.Logger, slog.Default()).Error("expired rows were not removed", "removed", removed, "error", err)
	}
}

// errLeased means that another process sweeps, or has just swept.
var errLeased = errors.New("another process sweeps")

// sweepLeased sweeps unless another process does, or did within the last d.
func (s *Stores) sweepLeased(ctx context.Context, d time.Duration) (int64, error) {
	key, holder := contract.Digest("sweep"), []byte(rand.Text())
	renew := func() error {
		n, err := try(ctx, s.database, "lease", func() (int64, error) {
			return s.lease.renew.affected(ctx, nil, key, holder, max(d, leaseTime).Milliseconds())
		})
		if err == nil && n == 0 {
			return errLeased
		}
		return err
	}
	held, err := try(ctx, s.database, "lease", func() (bool, error) {
		return s.inserted(ctx, s.lease.take, key, holder, d.Milliseconds())
	})
	switch {
	case err != nil:
		return 0, err
	case !held:
		return 0, errLeased
	}
	removed, err := s.sweep(ctx, renew)
	if err == nil { // nobody else sweeps for d after this sweep
		_, err = s.lease.renew.affected(ctx, nil, key, holder, d.Milliseconds())
	}
	return removed, err
}

// Sweep removes what has expired, 500 rows at a time with a pause between, and returns how many rows it
// removed, also if it returns an error. It is for a job with its own schedule; otherwise use [Stores.Upkeep].
// It also removes expired records from Node's table, as Node does.
func (s *Stores) Sweep(ctx context.Context) (removed int64, err error) {
	return s.sweep(ctx, func() error { return nil })
}

func (s *Stores) sweep(ctx context.Context, next func() error) (removed int64, err error) {
	for _, sweep := range s.sweeps {
		for {
			if err := next(); err != nil {
				return removed, err
			}
			n, err := try(ctx, s.database, "sweep", func() (int64, error) { return sweep(ctx) })
			removed += n
			if err != nil {
				return removed, err
			}
			if n < batch {
				break
			}
			pause(ctx, rest)
		}
	}
	return removed, nil
}

// lease is the right to sweep.
type lease struct{ take, renew *statement }

func newLease(d *database) lease {
	return lease{
		take:  keep(d, leaseKind),
		renew: d.statement("key old ttl", "UPDATE {values} SET expires={now}+:ttl WHERE kind='"+leaseKind+"' AND k=:key AND value=:old"),
	}
}

// newSweeps returns, for each table, a function that removes a batch of expired rows.
func newSweeps(d *database, cfg Config) []func(context.Context) (int64, error) {
	over := func(table, key, over string) func(context.Context) (int64, error) {
		text := fmt.Sprintf("DELETE FROM %s WHERE (%s) IN (SELECT %[2]s FROM %[1]s WHERE %[3]s LIMIT %[4]d) AND %[3]s", table, key, over, batch)
		if !d.words.returns { // MySQL has no LIMIT in such a subquery
			text = fmt.Sprintf("DELETE FROM %s WHERE %s LIMIT %d", table, over, batch)
		}
		q := d.statement("", text)
		return func(ctx context.Context) (int64, error) { return q.affected(ctx, nil) }
	}
	list := []func(context.Context) (int64, error){
		over("{labels}", "label, id", fmt.Sprintf("expires<{now}-%d", labelGrace.Milliseconds())),
		over("{values}", "kind, k", "expires<{now}"),
	}
	switch {
	case cfg.Layout == Own:
		return append(list, over("{sessions}", "id", "gone<{now}"))
	case d.words.returns:
		list = append(list, over("{sessions}", "{id}", "{over}"))
	default:
		list = append(list, sweepUnindexed(d))
	}
	return append(list, over("{notes}", "id", "until<{now}"))
}

// sweepUnindexed is for a table without an index on its times. A SELECT finds the rows, since a DELETE would
// lock every row that it reads.
func sweepUnindexed(d *database) func(context.Context) (int64, error) {
	find := d.statement("", fmt.Sprintf("SELECT {id} FROM {sessions} WHERE {over} LIMIT %d", batch))
	return func(ctx context.Context) (int64, error) {
		var ids []any
		err := find.each(ctx, nil, nil, func(rows *sql.Rows) error {
			var id string
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		})
		if err != nil || len(ids) == 0 {
			return 0, err
		}
		words, params := list("id", len(ids))
		return d.once(params, "DELETE FROM {sessions} WHERE {id} IN ("+words+") AND {over}").affected(ctx, nil, ids...)
	}
}
