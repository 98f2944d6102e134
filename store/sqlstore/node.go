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

// The layouts. In Node's layouts a table of Node's has the records, byte for byte, and nothing else. What
// only this package needs (notes of ended sessions, labels, counts, tokens, cells) is in tables that Node
// never reads.
const (
	Own                 Layout = iota // our own table
	ConnectPGSimple                   // connect-pg-simple 9 and 10, on PostgreSQL
	ExpressMySQLSession               // express-mysql-session 3, on MySQL and MariaDB
	ConnectSessionKnex                // connect-session-knex 5, on PostgreSQL, MySQL, MariaDB and SQLite
)

// layouts is how the layouts differ.
var layouts = map[Layout]struct {
	name  string
	table string // the default of its package
	makes string // the option of its package that makes the table
	words map[Dialect]map[string]string
}{
	Own: {name: "Own"},
	ConnectPGSimple: {"connect-pg-simple", "session", "createTableIfMissing", map[Dialect]map[string]string{Postgres: {
		"{id}": "sid", "{data}": "sess", "{expires}": "expire",
		"{match}": "sid=:id", "{same}": "sess::text=:old", "{read}": "sess::text", "{write}": ":new::text::json",
		"{live}": "expire AT TIME ZONE {zone}>statement_timestamp()", "{rowlive}": "s.expire AT TIME ZONE {zone}>statement_timestamp()",
		"{end}": "(statement_timestamp()+:ttl::bigint*interval '1 millisecond') AT TIME ZONE {zone}",
		// The first comparison can use the index. The second is also right in the hour that occurs twice
		// when summer time ends.
		"{over}": "expire<statement_timestamp() AT TIME ZONE {zone} AND expire AT TIME ZONE {zone}<statement_timestamp()",
	}}},
	ConnectSessionKnex: {"connect-session-knex", "sessions", "createTable", map[Dialect]map[string]string{
		Postgres: {
			"{id}": "sid", "{data}": "sess", "{expires}": "expired",
			"{match}": "sid=:id", "{same}": "sess::text=:old", "{read}": "sess::text", "{write}": ":new::text::json",
		},
		// Times are in UTC, in whole seconds. The column of ids ignores case.
		MySQL: {
			"{id}": "sid", "{data}": "sess", "{expires}": "expired",
			"{match}": "sid=:id AND CAST(sid AS BINARY)=CAST(:id AS BINARY)",
			"{same}":  "CAST(sess AS BINARY)=CAST(:old AS BINARY)", "{read}": "sess", "{write}": ":new",
			"{live}": "expired>UTC_TIMESTAMP(3)",
			"{kept}": "expired>UTC_TIMESTAMP(3) OR CAST(sid AS BINARY)<>CAST(VALUES(sid) AS BINARY)",
			"{end}":  "TIMESTAMPADD(SECOND,CEIL(({now}+:ttl)/1000),'1970-01-01 00:00:00')",
			"{over}": "expired<UTC_TIMESTAMP(3)",
		},
		// Times are texts, as Date.toISOString makes them.
		SQLite: {
			"{id}": "sid", "{data}": "sess", "{expires}": "expired",
			"{match}": "sid=:id", "{same}": "CAST(sess AS BLOB)=CAST(:old AS BLOB)", "{read}": "CAST(sess AS BLOB)", "{write}": ":new",
			"{live}": "round(unixepoch(expired,'subsec')*1000)>{now}", "{rowlive}": "round(unixepoch(s.expired,'subsec')*1000)>{now}",
			"{end}": "strftime('%Y-%m-%dT%H:%M:%fZ',({now}+:ttl)/1000.0,'unixepoch')",
			// The first comparison can use the index.
			"{over}": "expired<strftime('%Y-%m-%dT%H:%M:%fZ','now') AND round(unixepoch(expired,'subsec')*1000)<{now}",
		},
	}},
	ExpressMySQLSession: {"express-mysql-session", "sessions", "createDatabaseTable", map[Dialect]map[string]string{MySQL: {
		"{id}": "session_id", "{data}": "data", "{expires}": "expires",
		// Comparisons of texts ignore trailing blanks; comparisons of bytes do not.
		"{match}": "session_id=:id AND CAST(session_id AS BINARY)=CAST(:id AS BINARY)",
		"{same}":  "CAST(IFNULL(data,'') AS BINARY)=CAST(:old AS BINARY)", "{read}": "data", "{write}": ":new",
		"{live}": "expires*1000>{now}", "{kept}": "{live}",
		"{end}":  "CEIL(({now}+:ttl)/1000)",
		"{over}": "expires*1000<{now}",
	}}},
}

// zonedWords are the words for times with a zone: those of connect-session-knex, and of connect-pg-simple if
// the program made its table with a zone, which also works with Node.
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

// nodeTable returns the table of a layout of Node's.
func nodeTable(cfg Config, known discovery) table {
	w := dialects[cfg.Dialect]
	t := table{
		words: map[string]string{
			"{sessions}": w.quoted(cfg.Table),
			"{zone}":     "'" + strings.ReplaceAll(known.zone, "'", "''") + "'",
			"{noted}":    "EXISTS (SELECT 1 FROM {notes} x WHERE x.id=:id AND x.until>{now})",
			"{rownoted}": "EXISTS (SELECT 1 FROM {notes} x WHERE x.id={id} AND x.until>{now})",
			"{moved}":    "EXISTS (SELECT 1 FROM {notes} x WHERE x.id=:id AND x.until>{now} AND x.note<>'-')",
		},
		update: "UPDATE {sessions} SET {data}={write}, {expires}={end}",
		remove: func(s *Store) string { return "DELETE FROM {sessions} WHERE {match}" + s.andTell("{live}") },
		ender:  newBeside,
		maxID:  cmp.Or(min(known.maxID, contract.MaxID), contract.MaxID),
		pack:   packText,
		unpack: unpackText,
	}
	maps.Copy(t.words, layouts[cfg.Layout].words[cfg.Dialect])
	if known.zoned || cfg.Layout == ConnectSessionKnex && cfg.Dialect == Postgres {
		maps.Copy(t.words, zonedWords)
	}
	const row = "INSERT INTO {sessions} %s({id},{data},{expires}) VALUES (:id,{write},{end}) "
	if w.returns {
		t.create = fmt.Sprintf(row, "AS s ") + "ON CONFLICT ({id}) DO UPDATE SET {data}=excluded.{data}, {expires}=excluded.{expires} WHERE NOT ({rowlive})"
		return t
	}
	t.create = fmt.Sprintf(row, "") + `ON DUPLICATE KEY UPDATE
{data}=IF(LAST_INSERT_ID(IF({kept},2,1))=2,{data},VALUES({data})),
{expires}=IF({kept},{expires},VALUES({expires}))`
	t.ids = func(id string) bool { return !strings.HasSuffix(id, " ") } // the table's key ignores trailing blanks
	return t
}

// wrapped is the prefix of the JSON that is stored for a record that is not JSON or is a number, since Node's
// tables cannot hold that as it is. The session layer makes no such records. If a column of text has one
// without the prefix, it is compared as it is: see found.packed.
const wrapped = `{"_bytes":"`

func packText(data []byte) any { return textOf(data) }

// textOf returns data if that is JSON and does not look wrapped; else data in a wrapping.
func textOf(data []byte) string {
	if json.Valid(data) && utf8.Valid(data) && bytes.Equal(unpackText(data), data) && !isNumber(data) {
		return string(data)
	}
	return wrapped + base64.StdEncoding.EncodeToString(data) + `"}`
}

// isNumber reports whether JSON is a number, whose text SQLite would change.
func isNumber(text []byte) bool {
	c := bytes.TrimLeft(text, " \t\r\n")[0]
	return c == '-' || '0' <= c && c <= '9'
}

// unpackText is the reverse of textOf. A text with the prefix that textOf would not make is a record of
// Node's: it is returned as it is, so that a comparison finds it again.
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
