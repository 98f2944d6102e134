package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// labels finds sessions by their labels (S9). The table has only digests of them. Deadlines are by the
// application's clock, so that clock also decides whether an entry has expired.
type labels struct{ add, drop, list *statement }

// addAgain sets the deadline of an entry that exists.
const addAgain = "ON CONFLICT (label,id) DO UPDATE SET expires=excluded.expires"

func newLabels(d *database) labels {
	add := "INSERT INTO {labels} (label,id,expires) VALUES (:label,:id,:deadline) " + addAgain
	if !d.words.returns {
		add = "INSERT INTO {labels} (label,id,expires) VALUES (:label,:id,:deadline) ON DUPLICATE KEY UPDATE expires=VALUES(expires)"
	}
	return labels{
		add:  d.statement("label id deadline", add),
		drop: d.statement("label id", "DELETE FROM {labels} WHERE label=:label AND id=:id"),
		list: d.statement("label now", "SELECT id FROM {labels} WHERE label=:label AND expires>:now ORDER BY expires, id"),
	}
}

// AddLabel implements [session.Index]. It is one INSERT.
func (s *Store) AddLabel(ctx context.Context, label, id string, deadline time.Time) error {
	if !contract.ValidID(id) {
		return fmt.Errorf("sqlstore: add label: %w", contract.ErrBadID)
	}
	label = contract.Digest(label)
	return s.do(ctx, "add label", func() (err error) {
		if deadline.After(time.Now()) {
			_, err = s.labels.add.exec(ctx, nil, label, id, deadline.UnixMilli())
		} else {
			_, err = s.labels.drop.exec(ctx, nil, label, id)
		}
		return err
	})
}

// RemoveLabel implements [session.Index]. It is one DELETE for each 300 ids.
func (s *Store) RemoveLabel(ctx context.Context, label string, ids ...string) error {
	if err := ctxError(ctx, "remove label"); err != nil {
		return err
	}
	label = contract.Digest(label)
	ids = slices.DeleteFunc(slices.Sorted(slices.Values(ids)), func(id string) bool { return !contract.ValidID(id) })
	for part := range slices.Chunk(ids, largest) {
		q, values := s.labels.drop, []any{label, part[0]}
		if len(part) > 1 {
			words, params := list("id", len(part))
			q = s.once(append(params, "label"), "DELETE FROM {labels} WHERE label=:label AND id IN ("+words+")")
			values = valuesOf(part, label)
		}
		err := s.do(ctx, "remove label", func() error {
			_, err := q.exec(ctx, nil, values...)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Labelled implements [session.Index]. It is one SELECT, of the primary.
func (s *Store) Labelled(ctx context.Context, label string) ([]string, error) {
	return try(ctx, s.database, "labelled", func() (ids []string, err error) {
		err = s.labels.list.each(ctx, nil, []any{contract.Digest(label), time.Now().UnixMilli()}, func(rows *sql.Rows) error {
			var id string
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		})
		return ids, err
	})
}

// forget removes the entries of id under labels, one by one.
func (s *Store) forget(ctx context.Context, tx *sql.Tx, id string, labels []string) error {
	for _, label := range labels {
		if _, err := s.labels.drop.exec(ctx, tx, label, id); err != nil {
			return err
		}
	}
	return nil
}
