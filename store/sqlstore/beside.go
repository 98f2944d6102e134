package sqlstore

import (
	"context"
	"database/sql"
	"slices"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// beside ends records of one of Node's tables. The notes are in a separate table, so an end affects two rows.
//
// An end that compares removes the record first and stores the note in the same transaction. An end that does
// not compare also removes the record first, and then reads the note. So of two concurrent ends, either the
// second sees the note of the first, or it finds no record.
type beside struct {
	*Store
	removeSame *statement // if there is no note
	seeNote    *statement
	lookAt     *statement

	// PostgreSQL can write in WITH: there both steps are one statement.
	endNote, endSameNote *statement

	leave *statement // stores a note unless there is a live one; MySQL and SQLite
}

func newBeside(s *Store) ender {
	e := &beside{Store: s}
	e.removeSame = s.statement("id old notice", removeSame+s.andTell("true"))
	e.seeNote = s.statement("id", "SELECT note FROM {notes} WHERE id=:id AND until>{now}")
	e.lookAt = s.statement("id", "SELECT EXISTS (SELECT 1 FROM {sessions} WHERE {match} AND {live}), (SELECT {read} FROM {sessions} WHERE {match} AND {live}), "+
		"(SELECT note FROM {notes} WHERE id=:id AND until>{now})")
	if !s.words.writesIn {
		leave := leaveMySQL("(:id,:note,{now}+:life)")
		if s.words.returns {
			leave = "INSERT INTO {notes} AS n (id,note,until) VALUES (:id,:note,{now}+:life)" + leaveUnlessLive
		}
		e.leave = s.statement("id note life", leave)
		return e
	}
	e.endNote = s.statement("id note life notice", "WITH "+e.endIn(true)+" SELECT note FROM ended")
	e.endSameNote = s.statement("id old note life notice", "WITH "+e.sameIn(true, "true")+" SELECT 1 FROM ended")
	return e
}

const removeSame = "DELETE FROM {sessions} WHERE {match} AND {same} AND {live} AND NOT {noted}"

func (e *beside) statements() []*statement {
	return []*statement{e.remove, e.removeSame, e.seeNote, e.leave}
}

// endIn makes the INSERT of the note depend on the DELETE, so that the DELETE runs first and rows are always
// locked in the same order. Without a note, endRest reads the note afterwards: this statement cannot see one
// that another transaction has stored in the meantime.
func (e *beside) endIn(noted bool) string {
	gone := "gone AS (DELETE FROM {sessions} WHERE {match} RETURNING " + e.tell("{live}") + "), ended AS ("
	if !noted {
		return gone + "SELECT '' AS note FROM gone)"
	}
	return gone + "INSERT INTO {notes} AS n (id,note,until) SELECT :id::text,:note::text,{now}+:life::bigint FROM (SELECT count(*) FROM gone) AS done" + leaveUnlessLive + ")"
}

func (e *beside) endRest(ctx context.Context, id string, _ bool) (there string, err error) {
	_, err = e.seeNote.row(ctx, nil, []any{id}, &there)
	return there, err
}

func (e *beside) sameIn(noted bool, condition string) string {
	gone := " AS (" + removeSame + " AND " + condition + " RETURNING " + e.tell("true") + ")"
	if !noted {
		return "ended" + gone
	}
	return "gone" + gone + ", ended AS (INSERT INTO {notes} AS n (id,note,until) SELECT :id::text,:note::text,{now}+:life::bigint FROM gone " +
		"ON CONFLICT (id) DO UPDATE SET note=excluded.note, until=excluded.until WHERE n.until<={now} RETURNING 1)"
}

// leaveUnlessLive ends an INSERT of notes: it keeps live ones, and returns the notes that are stored then.
const leaveUnlessLive = ` ON CONFLICT (id) DO UPDATE SET
note=CASE WHEN n.until>{now} THEN n.note ELSE excluded.note END,
until=CASE WHEN n.until>{now} THEN n.until ELSE excluded.until END
RETURNING id, note`

// leaveMySQL stores notes, and keeps live ones. With one row, LAST_INSERT_ID tells whether there was a live
// one.
func leaveMySQL(rows string) string {
	return "INSERT INTO {notes} (id,note,until) VALUES " + rows + ` ON DUPLICATE KEY UPDATE
note=IF(LAST_INSERT_ID(IF(until>{now},2,1))=2,note,VALUES(note)),
until=IF(until>{now},until,VALUES(until))`
}

func (e *beside) end(ctx context.Context, tx *sql.Tx, id, note string, life int64) (there string, err error) {
	switch {
	case life == 0:
		if _, err = e.remove.exec(ctx, tx, e.told([]any{id}, id, nil, note)...); err == nil {
			_, err = e.seeNote.row(ctx, tx, []any{id}, &there)
		}
	case e.endNote != nil:
		_, err = e.endNote.row(ctx, tx, e.told([]any{id, note, life}, id, nil, note), &there)
	case note == contract.Ended && !e.words.returns:
		// A transaction would need two more round trips. If only the first statement succeeds, the session
		// has ended, and the caller gets an error. If Node writes the record back between the two, the note
		// hides it.
		if _, err = e.remove.exec(ctx, nil, id); err == nil {
			there, err = e.leaveNote(ctx, nil, id, note, life)
		}
	default:
		err = e.transaction(ctx, tx, func(tx *sql.Tx) (err error) {
			if _, err = e.remove.exec(ctx, tx, id); err == nil {
				there, err = e.leaveNote(ctx, tx, id, note, life)
			}
			return err
		}, e.remove, e.leave)
	}
	return there, err
}

// leaveNote stores a note unless there is a live one, and returns the note that is stored then.
func (e *beside) leaveNote(ctx context.Context, tx *sql.Tx, id, note string, life int64) (there string, err error) {
	if e.words.returns {
		_, err = e.leave.row(ctx, tx, []any{id, note, life}, new(string), &there)
		return there, err
	}
	result, err := e.leave.exec(ctx, tx, id, note, life)
	if err != nil {
		return "", err
	}
	if was, err := result.LastInsertId(); err != nil || was != stayed {
		return note, err
	}
	_, err = e.seeNote.row(ctx, tx, []any{id}, &there)
	return there, err
}

func (e *beside) endSame(ctx context.Context, tx *sql.Tx, id string, old []byte, packed any, note string, life int64) (ended bool, err error) {
	if life == 0 {
		n, err := e.removeSame.affected(ctx, tx, e.told([]any{id, packed}, id, old, note)...)
		return n > 0, err
	}
	if e.endSameNote != nil {
		// No row can also mean that the record was removed, but a concurrent log-out had already stored its
		// note. Then the log-out's note is valid.
		return e.endSameNote.row(ctx, tx, e.told([]any{id, packed, note, life}, id, old, note), new(int))
	}
	err = e.transaction(ctx, tx, func(tx *sql.Tx) error {
		n, err := e.removeSame.affected(ctx, tx, id, packed)
		if err != nil || n == 0 {
			return err
		}
		there, err := e.leaveNote(ctx, tx, id, note, life)
		ended = there == note
		return err
	}, e.removeSame, e.leave)
	return ended && err == nil, err
}

func (e *beside) endMany(ctx context.Context, ids []string, life int64) (map[string]string, error) {
	words, params := list("id", len(ids))
	values := valuesOf(ids)
	remove, with, all := "DELETE FROM {sessions} WHERE {id} IN ("+words+")", params, values
	if !e.words.returns { // MySQL may ignore case and trailing blanks
		remove += " AND CAST({id} AS BINARY) IN (" + words + ")"
	}
	if e.listen != nil {
		remove, with, all = e.tellMany(remove+" RETURNING {id} AS id, COALESCE((SELECT x.note FROM {notes} x WHERE x.id={id} AND x.until>{now}),'') AS note, {live} AS live", ids, params, values)
	}
	if _, err := e.once(with, remove).exec(ctx, nil, all...); err != nil {
		return nil, err
	}
	if life > 0 {
		rows := rowsOf(params, "(:id,'-',{now}+:life)")
		params, all := append(slices.Clone(params), "life"), append(values, life)
		if e.words.returns {
			return e.notes(ctx, e.once(params, "INSERT INTO {notes} AS n (id,note,until) VALUES "+rows+leaveUnlessLive), all)
		}
		if _, err := e.once(params, leaveMySQL(rows)).exec(ctx, nil, all...); err != nil {
			return nil, err
		}
	}
	return e.notes(ctx, e.once(params, "SELECT id, note FROM {notes} WHERE until>{now} AND id IN ("+words+")"), values)
}

func (e *beside) look(ctx context.Context, id string, old []byte) (f found, err error) {
	var note sql.NullString
	if _, err = e.lookAt.row(ctx, nil, []any{id}, &f.live, &f.data, &note); err != nil {
		return found{}, err
	}
	f.note = note.String
	return f.judged(e.table, old), nil
}
