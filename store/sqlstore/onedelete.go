package sqlstore

import "context"

// oneDelete is the jointEnd of our own table on MySQL, which can delete rows of several tables in one
// statement, but write to them in no other way. It leaves no notes.
type oneDelete struct {
	*Store
	ends *byLabels
}

func newOneDelete(s *Store) *oneDelete {
	j := &oneDelete{Store: s}
	j.ends = &byLabels{text: func(n, _ int) *statement { return j.ending(n) }}
	return j
}

// ending is endLive, and also removes the record's entries under n labels. With aliases for the tables, MySQL
// would look for them in the connection's database, which may be another one or none.
func (j *oneDelete) ending(n int) *statement {
	if n == 0 {
		return j.statement("id", endLive)
	}
	words, labels := list("label", n)
	return j.statementOf(append(labels, "id"), "DELETE {sessions}, {labels} FROM {sessions} LEFT JOIN {labels} ON {labels}.id={sessions}.id "+
		"AND {labels}.label IN ("+words+") WHERE {sessions}.id=:id AND {sessions}.until<={now}")
}

func (j *oneDelete) end(ctx context.Context, id, note string, _ int64, labels []string) (there string, err error) {
	n, err := j.ends.of(len(labels), 0).affected(ctx, nil, append(appendTexts(nil, labels), id)...)
	if err != nil || n > 0 {
		return "", err
	}
	if there, err = j.ender.end(ctx, nil, id, note, 0); err == nil {
		err = j.forget(ctx, nil, id, labels)
	}
	return there, err
}
