package sqlstore

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
)

// oneStatement is a joint for PostgreSQL, which can write in WITH. All parts of a statement see the tables as
// they were before it; only a row that another transaction has changed since then is seen as it is now. A
// part runs before another one only if the other reads its rows.
//
// Each number of labels has its own text: PostgreSQL would plan a statement with a list of variable length
// each time, which takes longer than running it.
type oneStatement struct {
	*Store
	starts, replaces     *byLabels
	endsPlain, endsNoted *byLabels
}

func newOneStatement(s *Store) *oneStatement {
	j := &oneStatement{Store: s}
	j.starts = &byLabels{text: func(n, _ int) *statement { return j.starting(n) }}
	j.replaces = &byLabels{text: j.replacing}
	j.endsPlain = &byLabels{text: func(n, _ int) *statement { return j.ending(false, n) }}
	j.endsNoted = &byLabels{text: func(n, _ int) *statement { return j.ending(true, n) }}
	return j
}

// byLabels has a statement for each number of labels of a record, and of the record before it. It makes them
// when they are first needed, and keeps those for few labels, as nearly all sessions have.
type byLabels struct {
	text func(n, m int) *statement
	made [4][4]atomic.Pointer[statement]
}

func (b *byLabels) of(n, m int) *statement {
	if n >= len(b.made) || m >= len(b.made) {
		return b.text(n, m)
	}
	made := &b.made[n][m]
	if made.Load() == nil {
		made.CompareAndSwap(nil, b.text(n, m))
	}
	return made.Load()
}

// making returns the parts of a statement that create a record and its entries under n labels: made, which
// has a row if the record was created, and the INSERT of the entries, "" without labels.
func (j *oneStatement) making(n int) (made, entries string, params []string) {
	made = "WITH made AS (" + j.table.create + " RETURNING 1)"
	params = []string{"id", "new", "ttl"}
	if n == 0 {
		return made, "", params
	}
	_, labels := list("label", n)
	entries = "INSERT INTO {labels} (label,id,expires) SELECT v.label,:id::text,:deadline::bigint " +
		"FROM made, (VALUES " + rowsOf(labels, "(:id::text)") + ") AS v(label) " + addAgain
	return made, entries, slices.Concat(params, []string{"deadline"}, labels)
}

// starting creates a record with n labels. It affects rows if it did.
func (j *oneStatement) starting(n int) *statement {
	if n == 0 {
		return j.Store.create
	}
	made, entries, params := j.making(n)
	return j.statementOf(params, made+" "+entries)
}

// replacing is starting, and also ends the record of :oldid if it is :old, and removes its entries under m
// labels. It returns a row if it created a record: whether it also ended one.
func (j *oneStatement) replacing(n, m int) *statement {
	text, entries, params := j.making(n)
	if n > 0 {
		text += ", listed AS (" + entries + ")"
	}
	params = append(params, "oldid", "old")
	if j.tombstones {
		params = append(params, "note", "life")
	}
	end := spelled(j.names, j.ender.sameIn(j.tombstones, "EXISTS (SELECT 1 FROM made)"))
	text += ", " + strings.ReplaceAll(end, ":id", ":oldid")
	if m > 0 {
		words, labels := list("oldlabel", m)
		text += ", forgotten AS (DELETE FROM {labels} WHERE EXISTS (SELECT 1 FROM ended) AND id=:oldid AND label IN (" + words + "))"
		params = append(params, labels...)
	}
	return j.statementOf(append(params, "notice"), text+" SELECT EXISTS (SELECT 1 FROM ended) FROM made")
}

// ending ends a record and removes its entries under n labels. Nothing reads forgotten, so that it is run
// last: the record is locked before its entries, as by replacing.
func (j *oneStatement) ending(noted bool, n int) *statement {
	params := []string{"id"}
	if noted {
		params = append(params, "note", "life")
	}
	text := "WITH " + j.ender.endIn(noted)
	if n > 0 {
		words, labels := list("label", n)
		text += ", forgotten AS (DELETE FROM {labels} WHERE id=:id AND label IN (" + words + "))"
		params = append(params, labels...)
	}
	return j.statementOf(append(params, "notice"), text+" SELECT note FROM ended")
}

func (j *oneStatement) create(ctx context.Context, n start) (done started, err error) {
	values := []any{n.id, n.data, n.ttl}
	if len(n.labels) > 0 {
		values = appendTexts(append(values, n.deadline), n.labels)
	}
	if n.oldID == "" {
		done.created, err = j.inserted(ctx, j.starts.of(len(n.labels), 0), values...)
		return done, err
	}
	values = append(values, n.oldID, n.packed)
	if j.tombstones {
		values = append(values, n.note, n.life)
	}
	values = j.told(appendTexts(values, n.oldLabels), n.oldID, n.old, "")
	done.created, err = j.replaces.of(len(n.labels), len(n.oldLabels)).row(ctx, nil, values, &done.oldEnded)
	return done, err
}

func (j *oneStatement) end(ctx context.Context, id, note string, life int64, labels []string) (there string, err error) {
	ends, values := j.endsPlain, []any{id}
	if life > 0 {
		ends, values = j.endsNoted, []any{id, note, life}
	}
	values = j.told(appendTexts(values, labels), id, nil, note)
	ended, err := ends.of(len(labels), 0).row(ctx, nil, values, &there)
	if err == nil && life == 0 {
		there, err = j.ender.endRest(ctx, id, ended)
	}
	return there, err
}
