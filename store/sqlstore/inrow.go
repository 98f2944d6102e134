package sqlstore

import (
	"context"
	"database/sql"
	"slices"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// inRow ends records of our own layout. The note is in the record's row, so each end is one statement about
// one row.
//
// In a row, data is valid until the time in expires, and note until the time in until. After gone, the later
// of both, the row may be removed.
type inRow struct {
	*Store
	endNote, endPlain         *statement
	endLive                   *statement // SQLite: tried before endPlain, as it is cheaper
	endSameNote, endSamePlain *statement
	lookAt                    *statement
}

func newInRow(s *Store) ender {
	e := &inRow{Store: s}
	e.endSameNote = s.statement("id old note life notice", e.same(true)+s.andTell("true"))
	e.endSamePlain = s.statement("id old notice", e.same(false)+s.andTell("true"))
	e.endNote = s.statement("id note life notice", e.text(true))
	e.endPlain = s.statement("id notice", e.text(false))
	if s.words.returns && !s.words.writesIn {
		e.endLive = s.statement("id", endLive)
	}
	e.lookAt = s.statement("id", "SELECT data, expires>{now}, note, until>{now} FROM {sessions} WHERE id=:id")
	return e
}

// same ends the record of id if it is old.
func (e *inRow) same(noted bool) string {
	const same = " WHERE id=:id AND data=:old AND expires>{now} AND until<={now}"
	if noted {
		return "UPDATE {sessions} SET data={empty}, expires=0, note=:note, until={now}+:life, gone={now}+:life" + same
	}
	return "DELETE FROM {sessions}" + same
}

// endLive ends the record of id without a note. It affects no row if there is none, or a live note in it:
// endPlain has to follow. It is the cheaper of both, since it writes no row and no entry of an index.
const endLive = "DELETE FROM {sessions} WHERE id=:id AND until<={now}"

// text ends the record of id, and returns id and the note that is stored then.
func (e *inRow) text(noted bool) string {
	switch {
	case noted && e.words.returns:
		return e.upsert("(:id,{empty},0,:note,{now}+:life,{now}+:life)") + ", " + e.tell(wasLive)
	case noted:
		return e.upsert("(:id,{empty},0,:note,{now}+:life,{now}+:life)")
	case e.words.returns:
		return "UPDATE {sessions} AS s SET data={empty}, expires=" + e.over() + ", gone=until WHERE id=:id RETURNING id, " + liveNote + " AS note, " + e.tell(wasLive)
	}
	return "UPDATE {sessions} SET data={empty}, expires=0*LAST_INSERT_ID(IF(until>{now},2,1)), gone=until WHERE id=:id"
}

func (e *inRow) statements() []*statement {
	list := []*statement{e.endNote, e.endPlain, e.endSameNote, e.endSamePlain}
	if e.endLive != nil {
		list = append(list, e.endLive)
	}
	return list
}

func (e *inRow) endIn(noted bool) string {
	if noted {
		return "ended AS (" + e.text(true) + ")"
	}
	return "ended AS (" + endLive + " RETURNING '' AS note, " + e.tell("expires>{now}") + ")"
}

func (e *inRow) endRest(ctx context.Context, id string, ended bool) (there string, err error) {
	if ended {
		return "", nil
	}
	return e.end(ctx, nil, id, contract.Ended, 0) // there is a live note, or nothing
}

func (e *inRow) sameIn(noted bool, condition string) string {
	return "ended AS (" + e.same(noted) + " AND " + condition + " RETURNING id, " + e.tell("true") + ")"
}

// over returns the new value of expires for an UPDATE that ends row s: -1 tells its RETURNING that the record
// was live.
func (s *Store) over() string {
	if s.listen == nil {
		return "0"
	}
	return "CASE WHEN s.expires>{now} THEN -1 ELSE 0 END"
}

// Expressions for the RETURNING of a statement that has ended a row.
const (
	wasLive  = "expires<0" // see Store.over
	liveNote = "CASE WHEN until>{now} THEN note ELSE '' END"
)

// upsert stores notes unless there are live ones, and returns the notes that are stored then. MySQL assigns
// from left to right; with one row, LAST_INSERT_ID tells whether there was a live note.
func (e *inRow) upsert(rows string) string {
	if e.words.returns {
		return `INSERT INTO {sessions} AS s (id,data,expires,note,until,gone) VALUES ` + rows + ` ON CONFLICT (id) DO UPDATE SET
data={empty}, expires=` + e.over() + `,
note=CASE WHEN s.until>{now} THEN s.note ELSE excluded.note END,
until=CASE WHEN s.until>{now} THEN s.until ELSE excluded.until END,
gone=CASE WHEN s.until>{now} THEN s.until ELSE excluded.until END
RETURNING id, note`
	}
	return `INSERT INTO {sessions} (id,data,expires,note,until,gone) VALUES ` + rows + ` ON DUPLICATE KEY UPDATE
data={empty}, expires=0*LAST_INSERT_ID(IF(until>{now},2,1)),
note=IF(until>{now},note,VALUES(note)),
until=IF(until>{now},until,VALUES(until)),
gone=until`
}

func (e *inRow) end(ctx context.Context, tx *sql.Tx, id, note string, life int64) (there string, err error) {
	if life == 0 && e.endLive != nil {
		if n, err := e.endLive.affected(ctx, tx, id); err != nil || n > 0 {
			return "", err
		}
	}
	q, values := e.endPlain, []any{id}
	if life > 0 {
		q, values = e.endNote, []any{id, note, life}
	}
	if e.words.returns {
		_, err = q.row(ctx, tx, e.told(values, id, nil, note), new(string), &there, new(any))
		return there, err
	}
	result, err := q.exec(ctx, tx, values...)
	if err != nil {
		return "", err
	}
	if was, err := result.LastInsertId(); err != nil || was != stayed {
		return "", err
	}
	f, err := e.look(ctx, id, nil)
	return f.note, err
}

func (e *inRow) endSame(ctx context.Context, tx *sql.Tx, id string, old []byte, packed any, note string, life int64) (bool, error) {
	q, values := e.endSamePlain, []any{id, packed}
	if life > 0 {
		q, values = e.endSameNote, []any{id, packed, note, life}
	}
	n, err := q.affected(ctx, tx, e.told(values, id, old, note)...)
	return n > 0, err
}

func (e *inRow) endMany(ctx context.Context, ids []string, life int64) (map[string]string, error) {
	words, params := list("id", len(ids))
	values, with := valuesOf(ids), params
	var text string
	if life > 0 {
		text = e.upsert(rowsOf(params, "(:id,{empty},0,'-',{now}+:life,{now}+:life)"))
		with, values = append(slices.Clone(params), "life"), append(values, life)
	} else {
		text = "UPDATE {sessions} AS s SET data={empty}, expires=" + e.over() + ", gone=until WHERE id IN (" + words + ")"
		if e.words.returns {
			text += " RETURNING id, " + liveNote + " AS note"
		}
	}
	if e.listen != nil {
		text, with, values = e.tellMany(text+", "+wasLive+" AS live", ids, with, values)
		return e.notes(ctx, e.once(with, text), values, new(any))
	}
	q := e.once(with, text)
	if !e.words.returns {
		if _, err := q.exec(ctx, nil, values...); err != nil {
			return nil, err
		}
		// A move before this UPDATE has stored its note by now; a later one finds no record to move.
		q, values = e.once(params, "SELECT id, note FROM {sessions} WHERE until>{now} AND id IN ("+words+")"), values[:len(ids)]
	}
	return e.notes(ctx, q, values)
}

// notes reads ids and their notes, and the statement's further columns into more.
func (s *Store) notes(ctx context.Context, q *statement, values []any, more ...any) (map[string]string, error) {
	notes := map[string]string{}
	err := q.each(ctx, nil, values, func(rows *sql.Rows) error {
		var id, note string
		err := rows.Scan(append([]any{&id, &note}, more...)...)
		notes[id] = note
		return err
	})
	return notes, err
}

func (e *inRow) look(ctx context.Context, id string, old []byte) (f found, err error) {
	noted := false
	if _, err = e.lookAt.row(ctx, nil, []any{id}, &f.data, &f.live, &f.note, &noted); err != nil {
		return found{}, err
	}
	if !noted {
		f.note = ""
	}
	return f.judged(e.table, old), nil
}
