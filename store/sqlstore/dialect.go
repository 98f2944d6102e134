package sqlstore

import (
	"fmt"
	"slices"
	"strings"
)

// Dialect says which database it is.
type Dialect int

// The dialects. The zero value is none of them.
const (
	Postgres Dialect = iota + 1 // PostgreSQL 12 or later
	MySQL                       // MySQL 8.0 or MariaDB 10.5 or later, with InnoDB
	SQLite                      // SQLite 3.42 or later
)

// String returns the database's name.
func (d Dialect) String() string {
	if w, ok := dialects[d]; ok {
		return w.name
	}
	return fmt.Sprintf("Dialect(%d)", int(d))
}

// wording is how the databases differ.
type wording struct {
	name     string
	quote    string // the quote around names
	now      string // milliseconds since 1970 by the database's clock, the same throughout a statement
	empty    string // a value of no bytes
	greatest string // the function for the larger of two
	bytes    string // types of columns
	id       string
	text     string
	returns  bool     // INSERT, UPDATE and DELETE have RETURNING
	writesIn bool     // WITH may write
	numbered bool     // placeholders are $1, $2
	undone   []string // texts of the errors after which the database has rolled back: a deadlock, a busy lock
	blocks   bool     // a statement may wait for longer than its context
	sameTime bool     // the database runs in this process: its clock is the process's
	prepared bool     // statements are prepared: it saves a round trip, or parsing
}

var dialects = map[Dialect]wording{
	Postgres: {
		name: "PostgreSQL", quote: `"`, empty: `''::bytea`, greatest: "GREATEST",
		// extract() computes with decimals, which takes three times as long.
		now:   "floor(date_part('epoch',statement_timestamp())*1000)::bigint",
		bytes: "bytea", id: `text COLLATE "C"`, text: `text COLLATE "C"`,
		returns: true, writesIn: true, numbered: true,
	},
	MySQL: {
		// UNIX_TIMESTAMP(NOW(3)) is ambiguous in the hour in which summer time ends.
		name: "MySQL", quote: "`", empty: "''", greatest: "GREATEST",
		now:   "(TIMESTAMPDIFF(MICROSECOND,'1970-01-01 00:00:00',UTC_TIMESTAMP(3)) DIV 1000)",
		bytes: "LONGBLOB", id: "VARBINARY(512)", text: "VARBINARY(512)",
		prepared: true,
		undone:   []string{"Error 1213 ", "Error 1020 "}, // a deadlock; a row that has changed since it was read
	},
	SQLite: {
		name: "SQLite", quote: `"`, empty: "x''", greatest: "MAX",
		now:   "CAST(round(unixepoch('now','subsec')*1000) AS INTEGER)",
		bytes: "BLOB", id: "TEXT", text: "TEXT",
		returns: true, blocks: true, sameTime: true, prepared: true,
		undone: []string{"SQLITE_BUSY", "SQLITE_LOCKED", "database is locked", "database table is locked"},
	},
}

// quoted quotes a table's name, which may have a schema and a dot before it.
func (w wording) quoted(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = w.quote + p + w.quote
	}
	return strings.Join(parts, ".")
}

// placeholders replaces each :name in text by the database's placeholder. params are the names of the values,
// in the order of the arguments. order has the index of the value for each placeholder; it is nil if the
// placeholders are numbered.
func (w wording) placeholders(params []string, text string) (out string, order []int) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, ":")
		b.WriteString(before)
		if !found {
			break
		}
		if strings.HasPrefix(after, ":") { // a cast
			b.WriteString("::")
			text = after[1:]
			continue
		}
		end := 0
		for end < len(after) && (after[end] >= 'a' && after[end] <= 'z' || after[end] >= '0' && after[end] <= '9') {
			end++
		}
		at := slices.Index(params, after[:end])
		if at < 0 { // a colon in the text, such as in a time of day
			b.WriteString(":")
			text = after
			continue
		}
		if w.numbered {
			fmt.Fprintf(&b, "$%d", at+1)
		} else {
			b.WriteString("?")
			order = append(order, at)
		}
		text = after[end:]
	}
	return b.String(), order
}
