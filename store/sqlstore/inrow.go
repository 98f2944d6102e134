package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"
)

// inRow ends records of our own layout, whose row has the note too: each end is one statement about one row.
//
// A row has data until expires, note until until, and may be swept from gone on, the later of both.
type inRow struct {
	*Store
	endNote, endPlain         *statement
	endSameNote, endSamePlain *statement
	lookAt                    *statement
}

func newInRow(s *Store) ender {
	e := &inRow{Store: s}
	const same = " WHERE id=:id AND data=:old AND expires>{now} AND until<={now}"
	e.endSameNote = s.statement("id old note life", "UPDATE {sessions} SET data={empty}, expires=0, note=:note, until={now}+:life, gone={now}+:life"+same)
	e.endSamePlain = s.statement("id old", "DELETE FROM {sessions}"+same)
	e.lookAt = s.statement("id", "SELECT data, expires>{now}, note, until>{now} FROM {sessions} WHERE id=:id")
	if s.words.returns {
		e.endNote = s.statement("id note life", notedUpsert("(:id,{empty},0,:note,{now}+:life,{now}+:life)"))
		e.endPlain = s.statement("id", "UPDATE {sessions} SET data={empty}, expires=0, gone=until WHERE id=:id RETURNING CASE WHEN until>{now} THEN note ELSE '' END")
	} else {
		e.endNote = s.statement("id note life", notedUpsertMySQL("(:id,{empty},0,:note,{now}+:life,{now}+:life)"))
		e.endPlain = s.statement("id", "UPDATE {sessions} SET data={empty}, expires=0*LAST_INSERT_ID(IF(until>{now},2,1)), gone=until WHERE id=:id")
	}
	return e
}

// notedUpsert leaves notes unless there are live ones, and returns those that are there then.
func notedUpsert(rows string) string {
	return `INSERT INTO {sessions} AS s (id,data,expires,note,until,gone) VALUES ` + rows + ` ON CONFLICT (id) DO UPDATE SET
data={empty}, expires=0,
note=CASE WHEN s.until>{now} THEN s.note ELSE excluded.note END,
until=CASE WHEN s.until>{now} THEN s.until ELSE excluded.until END,
gone=CASE WHEN s.until>{now} THEN s.until ELSE excluded.until END
RETURNING id, note`
}

// notedUpsertMySQL is notedUpsert for MySQL, which assigns from left to right, and tells of one row by
// LAST_INSERT_ID that there was a live note.
func notedUpsertMySQL(rows string) string {
	return `INSERT INTO {sessions} (id,data,expires,note,until,gone) VALUES ` + rows + ` ON DUPLICATE KEY UPDATE
data={empty}, expires=0*LAST_INSERT_ID(IF(until>{now},2,1)),
note=IF(until>{now},note,VALUES(note)),
until=IF(until>{now},until,VALUES(until)),
gone=until`
}

func (e *inRow) end(ctx context.Context, id, note string, life int64) (there string, err error) {
	q, values := e.endPlain, []any{id}
	if life > 0 {
		q, values = e.endNote, []any{id, note, life}
	}
	if e.words.returns {
		into := []any{&there}
		if life > 0 {
			into = []any{new(string), &there}
		}
		_, err = q.row(ctx, nil, values, into...)
		return there, err
	}
	result, err := q.exec(ctx, nil, values...)
	if err != nil {
		return "", err
	}
	if was, err := result.LastInsertId(); err != nil || was != stayed {
		return "", err
	}
	f, err := e.look(ctx, id, nil)
	return f.note, err
}

func (e *inRow) endSame(ctx context.Context, id string, old []byte, note string, life int64) (bool, error) {
	q, values := e.endSamePlain, []any{id, e.table.pack(old)}
	if life > 0 {
		q, values = e.endSameNote, []any{id, e.table.pack(old), note, life}
	}
	n, err := q.affected(ctx, nil, values...)
	return n > 0, err
}

func (e *inRow) endMany(ctx context.Context, ids []string, life int64) (map[string]string, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids))) // all in one order, so that two calls do not block each other
	var q *statement
	values := make([]any, len(ids), len(ids)+1)
	for i, id := range ids {
		values[i] = id
	}
	if life > 0 {
		rows, params := noteRows(len(ids))
		values = append(values, life)
		if text := notedUpsert(rows); e.words.returns {
			q = e.once(params, text)
		} else {
			q = e.once(params, notedUpsertMySQL(rows))
		}
	} else {
		words, params := list(len(ids))
		text := "UPDATE {sessions} SET data={empty}, expires=0, gone=until WHERE id IN (" + words + ")"
		if e.words.returns {
			text += " RETURNING id, CASE WHEN until>{now} THEN note ELSE '' END"
		}
		q = e.once(params, text)
	}
	if !e.words.returns {
		if _, err := q.exec(ctx, nil, values...); err != nil {
			return nil, err
		}
		// What went before had left its note by now, and what comes later finds no record to move.
		words, params := list(len(ids))
		q, values = e.once(params, "SELECT id, note FROM {sessions} WHERE until>{now} AND id IN ("+words+")"), values[:len(ids)]
	}
	return e.notes(ctx, q, values)
}

// noteRows is the rows of an upsert of n tombstones, and the names of its values: n ids and a life.
func noteRows(n int) (rows string, params []string) {
	_, params = list(n)
	list := make([]string, n)
	for i, p := range params {
		list[i] = "(:" + p + ",{empty},0,'-',{now}+:life,{now}+:life)"
	}
	return strings.Join(list, ","), append(params, "life")
}

// notes reads ids and their notes.
func (s *Store) notes(ctx context.Context, q *statement, values []any) (map[string]string, error) {
	notes := map[string]string{}
	err := q.each(ctx, nil, values, func(rows *sql.Rows) error {
		var id, note string
		err := rows.Scan(&id, &note)
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
