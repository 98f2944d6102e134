//go:build integration

package sqltest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// TestARecordLiesInNodesTableByteForByte checks also that Update compares bytes: equivalent JSON is a
// conflict.
func TestARecordLiesInNodesTableByteForByte(t *testing.T) {
	servers := start(t)
	for _, p := range servers.nodes() {
		t.Run(p.name, func(t *testing.T) {
			db, s := p.stores(t)
			ctx := context.Background()
			column, id := columnsOf(p)
			for name, row := range map[string]struct{ text, other string }{
				"spaces":               {`{ "cookie" : {} ,"a":1}`, `{"cookie":{},"a":1}`},
				"the order of keys":    {`{"b":1,"a":2}`, `{"a":2,"b":1}`},
				"the same key twice":   {`{"a":1,"a":2}`, `{"a":2}`},
				"a NUL as JSON has it": {`{"a":"x\u0000y"}`, `{"a":"xy"}`},
				"half a pair":          {`{"a":"\ud800"}`, `{"a":"\ud801"}`},
				"an escape":            {`{"a":"\u00e9"}`, `{"a":"é"}`},
				"blanks at the end":    {`{"a":1} `, `{"a":1}`},
				"the case of letters":  {`{"a":"A"}`, `{"a":"a"}`},
				"accents":              {`{"a":"é"}`, `{"a":"e"}`},
				"beyond the BMP":       {`{"a":"😀"}`, `{"a":"😁"}`},
				"a number's text":      {`{"a":1.0e2}`, `{"a":100}`},
				"quotes":               {`{"a":"'\"\\ ` + "`" + `$1 :id ? {now}"}`, `{"a":"'"}`},
			} {
				err := s.Sessions.Create(ctx, "id", []byte(row.text), time.Hour)
				if name == "half a pair" && p.cfg.Layout == sqlstore.ConnectSessionKnex && p.cfg.Dialect == sqlstore.MySQL {
					_, cure, found := strings.Cut(fmt.Sprint(err), "ALTER TABLE ") // Node cannot store it there either
					if !found {
						t.Errorf("%s: got error %v, want one with the cure", name, err)
					}
					exec(t, db, "ALTER TABLE "+cure)
					err = s.Sessions.Create(ctx, "id", []byte(row.text), time.Hour)
				}
				must(t, err)
				var raw []byte
				must(t, db.QueryRowContext(ctx, "SELECT "+column+" FROM "+nodeTableOf(p)+" WHERE "+id+"='id'").Scan(&raw))
				if string(raw) != row.text {
					t.Errorf("%s: Node's table has %q, want %q", name, raw, row.text)
				}
				var c *session.Conflict
				if err := s.Sessions.Update(ctx, "id", []byte(row.other), []byte(`{}`), time.Hour); !errors.As(err, &c) || string(c.Current) != row.text {
					t.Errorf("%s: Update from %q: got error %v, want a Conflict", name, row.other, err)
				}
				must(t, s.Sessions.Update(ctx, "id", []byte(row.text), []byte(row.text), time.Hour))
				must(t, s.Sessions.Delete(ctx, "id", []byte(row.text)))
			}
		})
	}
}

// TestWhatIsNoJSONInNodesTableIsChangedAndEndsToo: a text column may hold anything; such a record can still
// be updated, deleted and ended.
func TestWhatIsNoJSONInNodesTableIsChangedAndEndsToo(t *testing.T) {
	servers := start(t)
	for _, p := range servers.nodes() {
		if p.cfg.Dialect == sqlstore.Postgres || p.cfg.Layout == sqlstore.ConnectSessionKnex && p.cfg.Dialect == sqlstore.MySQL {
			continue // their columns accept only JSON
		}
		t.Run(p.name, func(t *testing.T) {
			db, s := p.stores(t, tombstones)
			ctx, r := context.Background(), s.Sessions
			column, id := columnsOf(p)
			column = strings.NewReplacer("CAST(", "", " AS BINARY)", "", " AS BLOB)", "").Replace(column)
			write := func(text any) (read []byte) {
				t.Helper()
				must(t, r.Delete(ctx, "id", nil))
				must(t, r.Create(ctx, "id", []byte(`{}`), time.Hour))
				exec(t, db, "UPDATE "+nodeTableOf(p)+" SET "+column+"=? WHERE "+id+"='id'", text)
				read, err := r.Get(ctx, "id")
				must(t, err)
				return read
			}
			texts := []any{"no JSON", "", `{"cookie":{}`, `{"a":01}`, "1.0", "1e300", " 12", `O:8:"stdClass":0:{}`, `{"_bytes":"no base64"}`, `{"_bytes":"eA=="}`, "x  "}
			if p.cfg.Layout == sqlstore.ExpressMySQLSession {
				texts = append(texts, nil) // NULL
			}
			for _, text := range texts {
				for name, change := range map[string]func(old []byte) error{
					"Update":      func(old []byte) error { return r.Update(ctx, "id", old, []byte(`{"a":1}`), time.Hour) },
					"Update to x": func(old []byte) error { return r.Update(ctx, "id", old, []byte("x"), time.Hour) },
					"Delete":      func(old []byte) error { return r.Delete(ctx, "id", old) },
					"End":         func(old []byte) error { _, err := r.End(ctx, "id", old, "", 0); return err },
				} {
					old := write(text)
					if err := r.Update(ctx, "id", append(old, '!'), old, time.Hour); !errors.Is(err, session.ErrConflict) {
						t.Errorf("%v: Update from other bytes: got error %v, want a conflict", text, err)
					}
					if err := change(old); err != nil {
						t.Errorf("%v: %s: %v", text, name, err)
					}
					got, err := r.Get(ctx, "id")
					if want := map[string]string{"Update": `{"a":1}`, "Update to x": "x"}[name]; string(got) != want || want != "" && err != nil {
						t.Errorf("%v: after %s got %q and error %v, want %q", text, name, got, err, want)
					}
				}
			}
			if _, err := r.End(ctx, "id", write("no JSON"), "next", time.Hour); err != nil { // last, because it leaves a note
				t.Errorf("End with a successor: %v", err)
			}
		})
	}
}

// columnsOf returns the columns of Node's table: an expression for the record as text, and the id.
func columnsOf(p place) (record, id string) {
	switch {
	case p.cfg.Layout == sqlstore.ExpressMySQLSession:
		return "CAST(data AS BINARY)", "session_id"
	case p.cfg.Dialect == sqlstore.Postgres:
		return "sess::text", "sid"
	case p.cfg.Dialect == sqlstore.SQLite:
		return "CAST(sess AS BLOB)", "sid"
	}
	return "CAST(sess AS BINARY)", "sid"
}

// TestLargeAndOddValues stores a record of a megabyte, and ids and values with characters that are special in
// SQL.
func TestLargeAndOddValues(t *testing.T) {
	servers := start(t)
	for _, p := range slices.Concat(servers.places(), servers.nodes()) {
		t.Run(p.name, func(t *testing.T) {
			together(t)
			_, s := p.stores(t, tombstones)
			ctx := context.Background()
			large := []byte(`{"a":"` + strings.Repeat(`é'"\\`, 1<<20/6) + `"}`)
			large = slices.Clip(large)
			must(t, s.Sessions.Create(ctx, "large", large, time.Hour))
			if got, err := s.Sessions.Get(ctx, "large"); string(got) != string(large) || err != nil {
				t.Errorf("got %d bytes and error %v, want %d bytes", len(got), err, len(large))
			}
			must(t, s.Sessions.Update(ctx, "large", large, append(large, ' '), time.Hour))
			if _, err := s.Sessions.End(ctx, "large", append(large, ' '), "", time.Hour); err != nil {
				t.Errorf("End of a large one: %v", err)
			}
			for _, id := range []string{`a'b`, `a"b`, "a`b", `a\`, `a'; DROP TABLE passport_sessions; --`, "$1", ":id", "?", "%", "_", "a b", " a", "A", "a"} {
				must(t, s.Sessions.Create(ctx, id, []byte(`{"id":1}`), time.Hour))
				must(t, s.Sessions.AddLabel(ctx, id, id, time.Now().Add(time.Hour)))
				if ids, err := s.Sessions.Labelled(ctx, id); !slices.Equal(ids, []string{id}) || err != nil {
					t.Errorf("under the label %q: got %q and error %v", id, ids, err)
				}
				must(t, s.Sessions.RemoveLabel(ctx, id, id, "other", id+"'"))
				if got, err := s.Sessions.GetMany(ctx, []string{id, id + "x"}); err != nil || got[0] == nil || got[1] != nil {
					t.Errorf("GetMany of %q: got %q and error %v", id, got, err)
				}
				if _, err := s.Sessions.End(ctx, id, nil, id+"'next", time.Hour); err != nil {
					t.Errorf("End of %q: %v", id, err)
				}
				if next, err := s.Sessions.EndMany(ctx, []string{id}, time.Hour); err != nil || next[0] != id+"'next" {
					t.Errorf("EndMany of %q: got %q and error %v", id, next, err)
				}
			}
		})
	}
}

// TestIdsThatNodesTableCannotHold: an id that the column would cut, or that its comparison takes for another,
// is refused by Create and never found.
func TestIdsThatNodesTableCannotHold(t *testing.T) {
	p := start(t).nodes()[2]
	p.prepare = strings.Replace(p.prepare, "512", "128", 1)
	_, s := p.stores(t)
	ctx := context.Background()
	must(t, s.Sessions.Create(ctx, "id", []byte(`{}`), time.Hour))
	for _, id := range []string{strings.Repeat("a", 129), "id ", "id  "} {
		if err := s.Sessions.Create(ctx, id, []byte(`{}`), time.Hour); err == nil || errors.Is(err, session.ErrExists) {
			t.Errorf("Create of %q: got error %v, want one that is not ErrExists", id, err)
		}
		if _, err := s.Sessions.Get(ctx, id); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Get of %q: got error %v, want ErrNotFound", id, err)
		}
	}
	must(t, s.Sessions.Create(ctx, strings.Repeat("a", 128), []byte(`{}`), time.Hour))
}

// TestIdsThatDifferInCase: such ids are different, though connect-session-knex's table in MariaDB takes them
// for equal. No call for one id affects the record of the other.
func TestIdsThatDifferInCase(t *testing.T) {
	p := start(t).nodes()[3]
	db, s := p.stores(t)
	ctx, r := context.Background(), s.Sessions
	must(t, r.Create(ctx, "id", []byte(`{"cookie":{}}`), time.Hour))
	if err := r.Create(ctx, "ID", []byte(`{}`), time.Hour); !errors.Is(err, session.ErrExists) {
		t.Errorf("Create beside a live one: got error %v, want ErrExists", err)
	}
	_, err := r.EndMany(ctx, []string{"ID"}, 0)
	must(t, err)
	must(t, r.Delete(ctx, "ID", nil))
	if _, err := r.Get(ctx, "ID"); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Get: got error %v, want ErrNotFound", err)
	}
	if _, err := r.Get(ctx, "id"); err != nil {
		t.Errorf("after the end of the other: %v", err)
	}
	p.advance(t, db, 2*time.Hour)
	if err := r.Create(ctx, "ID", []byte(`{}`), time.Hour); !errors.Is(err, session.ErrExists) {
		t.Errorf("Create beside an expired one: got error %v, want ErrExists", err)
	}
	if _, err := r.Get(ctx, "id"); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Get of an expired one: got error %v, want ErrNotFound", err)
	}
}

// TestErrorsTellNoSecret: errors contain no ids and no records, though databases quote them.
func TestErrorsTellNoSecret(t *testing.T) {
	servers := start(t)
	for _, p := range slices.Concat(servers.places()[:3], servers.nodes()) {
		t.Run(p.name, func(t *testing.T) {
			db, s := p.stores(t)
			for table := range p.times {
				if p.cfg.Dialect == sqlstore.MySQL {
					exec(t, db, "CREATE TRIGGER refuse_"+table+" BEFORE INSERT ON "+table+" FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused: ''secretId0123'' \"secret record\"'")
				} else if p.cfg.Dialect == sqlstore.Postgres {
					exec(t, db, "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused: \"secretId0123\" ''secret record'''; END $$")
					exec(t, db, "CREATE TRIGGER refuse BEFORE INSERT ON "+table+" FOR EACH ROW EXECUTE FUNCTION refuse()")
				} else {
					exec(t, db, "CREATE TRIGGER refuse_"+table+" BEFORE INSERT ON "+table+" BEGIN SELECT RAISE(ABORT, 'refused: \"secretId0123\" ''secret record'''); END")
				}
			}
			err := s.Sessions.Create(t.Context(), "secretId0123", []byte(`{"secret":"secret record"}`), time.Hour)
			if err == nil || !strings.Contains(err.Error(), "refused: (left out) (left out)") || strings.Contains(err.Error(), "secret") {
				t.Errorf("got error %v, want one that says refused and contains no secret", err)
			}
		})
	}
}
