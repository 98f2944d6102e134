package sqlstore

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// Layout says in whose table the records are.
type Layout int

// The layouts. In those of Node a table of Node's has the records, byte for byte, and nothing else; what is
// ours alone (notes of ended sessions, labels, counts, tokens, cells) is in tables of ours that Node never
// sees.
const (
	Own                 Layout = iota // our own table
	ConnectPGSimple                   // connect-pg-simple 9 and 10, on PostgreSQL
	ExpressMySQLSession               // express-mysql-session 3, on MySQL and MariaDB
	ConnectSessionKnex                // connect-session-knex 5, on PostgreSQL
)

// layouts is what the layouts of Node differ in.
var layouts = map[Layout]struct {
	name    string
	dialect Dialect
	table   string // by default
	words   map[string]string
}{
	Own: {name: "Own"},
	ConnectPGSimple: {"connect-pg-simple", Postgres, "session", map[string]string{
		"{id}": "sid", "{data}": "sess", "{expires}": "expire",
		"{match}": "sid=:id", "{same}": "sess::text=:old", "{read}": "sess::text", "{write}": ":new::text::json",
		"{live}": "expire AT TIME ZONE {zone}>statement_timestamp()", "{rowlive}": "s.expire AT TIME ZONE {zone}>statement_timestamp()",
		"{end}": "(statement_timestamp()+:ttl::bigint*interval '1 millisecond') AT TIME ZONE {zone}",
		// The first comparison can use the index. The second knows of the hour that comes twice when summer
		// time ends.
		"{over}": "expire<statement_timestamp() AT TIME ZONE {zone} AND expire AT TIME ZONE {zone}<statement_timestamp()",
	}},
	ConnectSessionKnex: {"connect-session-knex", Postgres, "sessions", map[string]string{
		"{id}": "sid", "{data}": "sess", "{expires}": "expired",
		"{match}": "sid=:id", "{same}": "sess::text=:old", "{read}": "sess::text", "{write}": ":new::text::json",
	}},
	ExpressMySQLSession: {"express-mysql-session", MySQL, "sessions", map[string]string{
		"{id}": "session_id", "{data}": "data", "{expires}": "expires",
		// Comparisons of texts overlook blanks at their ends: those of bytes do not.
		"{match}": "session_id=:id AND CAST(session_id AS BINARY)=CAST(:id AS BINARY)",
		"{same}":  "CAST(data AS BINARY)=CAST(:old AS BINARY)", "{read}": "data", "{write}": ":new",
		"{live}": "expires*1000>{now}",
		"{end}":  "CEIL(({now}+:ttl)/1000)",
		"{over}": "expires*1000<{now}",
	}},
}

// zonedWords are those of times with a zone: of connect-session-knex, and of connect-pg-simple where a
// program has made its table so, which is as good for Node.
var zonedWords = map[string]string{
	"{live}": "{expires}>statement_timestamp()", "{rowlive}": "s.{expires}>statement_timestamp()",
	"{end}": "statement_timestamp()+:ttl::bigint*interval '1 millisecond'", "{over}": "{expires}<statement_timestamp()",
}

// String returns the name of Node's package.
func (l Layout) String() string {
	if w, ok := layouts[l]; ok {
		return w.name
	}
	return fmt.Sprintf("Layout(%d)", int(l))
}

// nodeTable is the table of a layout of Node's.
func nodeTable(l Layout, name string, known discovery) table {
	from := layouts[l]
	w := dialects[from.dialect]
	t := table{
		words: map[string]string{
			"{sessions}": w.quoted(name),
			"{zone}":     "'" + strings.ReplaceAll(known.zone, "'", "''") + "'",
			"{noted}":    "EXISTS (SELECT 1 FROM {notes} x WHERE x.id=:id AND x.until>{now})",
			"{rownoted}": "EXISTS (SELECT 1 FROM {notes} x WHERE x.id={id} AND x.until>{now})",
		},
		update: "UPDATE {sessions} SET {data}={write}, {expires}={end}",
		remove: func(s *Store) string { return "DELETE FROM {sessions} WHERE {match}" + s.andTell("{live}") },
		ender:  newBeside,
		maxID:  cmp.Or(min(known.maxID, contract.MaxID), contract.MaxID),
		pack:   packText,
		unpack: unpackText,
	}
	maps.Copy(t.words, from.words)
	if known.zoned || l == ConnectSessionKnex {
		maps.Copy(t.words, zonedWords)
	}
	const row = "INSERT INTO {sessions} %s({id},{data},{expires}) VALUES (:id,{write},{end}) "
	if w.returns {
		t.create = fmt.Sprintf(row, "AS s ") + "ON CONFLICT ({id}) DO UPDATE SET {data}=excluded.{data}, {expires}=excluded.{expires} WHERE NOT ({rowlive})"
		return t
	}
	t.create = fmt.Sprintf(row, "") + `ON DUPLICATE KEY UPDATE
{data}=IF(LAST_INSERT_ID(IF({live},2,1))=2,{data},VALUES({data})),
{expires}=IF({live},{expires},VALUES({expires}))`
	t.ids = func(id string) bool { return !strings.HasSuffix(id, " ") } // to the table's key it would be the id without it
	return t
}

// wrapped begins what stands for a record that is no JSON: Node's tables can hold nothing else. The session
// layer makes none.
const wrapped = `{"_bytes":"`

func packText(data []byte) any { return textOf(data) }

// textOf returns data where that is JSON and no wrapping, else its wrapping.
func textOf(data []byte) string {
	if json.Valid(data) && utf8.Valid(data) && bytes.Equal(unpackText(data), data) {
		return string(data)
	}
	return wrapped + base64.StdEncoding.EncodeToString(data) + `"}`
}

// unpackText is the reverse of textOf. What only looks like a wrapping is a record of Node's, as it is:
// comparing must find it again.
func unpackText(data []byte) []byte {
	if text, found := bytes.CutPrefix(data, []byte(wrapped)); found {
		if text, found = bytes.CutSuffix(text, []byte(`"}`)); found {
			out, err := base64.StdEncoding.AppendDecode([]byte{}, text)
			if err == nil && textOf(out) == string(data) {
				return out
			}
		}
	}
	return unpackBytes(data)
}
