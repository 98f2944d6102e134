package sqlstore

import "context"

// oneDelete is the jointEnd of our own table on MySQL, which can delete rows of several tables in one
// statement, but write to them in no other way. It leaves no notes.
//
// The statement has at most one label: with a list of them, MariaDB refuses it if sql_safe_updates is set. It
// has no aliases for the tables: MariaDB looks for those in the connection's database, and there may be none.
type oneDelete struct {
	*Store
	bare, labelled *statement // endLive; and with the removal of the record's entry under a label
}

func newOneDelete(s *Store) *oneDelete {
	return &oneDelete{
		Store: s,
		bare:  s.statement("id", endLive),
		labelled: s.statement("id label", "DELETE {sessions}, {labels} FROM {sessions} LEFT JOIN {labels} ON {labels}.id={sessions}.id AND "+
			"{labels}.label=:label WHERE {sessions}.id=:id AND {sessions}.until<={now}"),
	}
}

func (j *oneDelete) end(ctx context.Context, id, note string, _ int64, labels []string) (there string, err error) {
	q, values, further := j.bare, []any{id}, labels
	if len(labels) > 0 {
		q, values, further = j.labelled, []any{id, labels[0]}, labels[1:]
	}
	n, err := q.affected(ctx, nil, values...)
	if err == nil && n == 0 { // there is a live note, or nothing
		further = labels
		there, err = j.ender.end(ctx, nil, id, note, 0)
	}
	if err != nil {
		return "", err
	}
	return there, j.forget(ctx, nil, id, further)
}
