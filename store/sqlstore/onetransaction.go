package sqlstore

import (
	"context"
	"database/sql"
)

// oneTransaction is a joint for SQLite. Its first statement writes, so it takes the file's write lock at
// once, and cannot fail because another connection wrote after it began to read. The later statements wait
// for nothing, so they get a context that never ends: with any other, the driver starts a goroutine for each.
type oneTransaction struct {
	*Store
	creates, ends []*statement // the statements of create and of end
}

func newOneTransaction(s *Store) *oneTransaction {
	ender := s.ender.statements()
	return &oneTransaction{
		Store:   s,
		creates: append([]*statement{s.create, s.labels.add, s.labels.drop}, ender...),
		ends:    append([]*statement{s.labels.drop}, ender...),
	}
}

func (j *oneTransaction) create(ctx context.Context, n start) (done started, err error) {
	err = j.transaction(ctx, nil, func(tx *sql.Tx) error {
		made, err := j.Store.create.affected(ctx, tx, n.id, n.data, n.ttl)
		if err != nil || made == 0 {
			return err
		}
		done.created = true
		ctx := context.WithoutCancel(ctx)
		for _, label := range n.labels {
			if _, err := j.labels.add.exec(ctx, tx, label, n.id, n.deadline); err != nil {
				return err
			}
		}
		if n.oldID == "" {
			return nil
		}
		if done.oldEnded, err = j.ender.endSame(ctx, tx, n.oldID, n.old, n.packed, n.note, n.life); err != nil || !done.oldEnded {
			return err
		}
		return j.forget(ctx, tx, n.oldID, n.oldLabels)
	}, j.creates...)
	return done, err
}

func (j *oneTransaction) end(ctx context.Context, id, note string, life int64, labels []string) (there string, err error) {
	err = j.transaction(ctx, nil, func(tx *sql.Tx) (err error) {
		if there, err = j.ender.end(ctx, tx, id, note, life); err == nil {
			err = j.forget(context.WithoutCancel(ctx), tx, id, labels)
		}
		return err
	}, j.ends...)
	return there, err
}
