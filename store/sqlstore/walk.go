package sqlstore

import (
	"context"
	"database/sql"
	"iter"

	"github.com/seed-6f34412b/passport/session"
)

// step is how many records one step of a walk reads.
const step = 100

// All implements [session.Iterator]. It reads 100 records at a time, in the order of their ids, from the
// primary, and holds no connection while it yields them.
func (s *Store) All(ctx context.Context) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		for last := ""; ; {
			records, err := s.after(ctx, last)
			if err != nil {
				yield(session.Record{}, err)
				return
			}
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
			}
			if len(records) < step {
				return
			}
			last = records[len(records)-1].ID
		}
	}
}

// after reads the first records whose ids come after last.
func (s *Store) after(ctx context.Context, last string) ([]session.Record, error) {
	return try(ctx, s.database, "all", func() ([]session.Record, error) {
		records := make([]session.Record, 0, step)
		err := s.walk.each(ctx, nil, []any{last, step}, func(rows *sql.Rows) error {
			var r session.Record
			err := rows.Scan(&r.ID, &r.Data)
			r.Data = s.table.unpack(r.Data)
			records = append(records, r)
			return err
		})
		return records, err
	})
}
