package sqlstore

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"
)

// ownSchema makes the table of our own layout.
const ownSchema = `CREATE TABLE IF NOT EXISTS {sessions} (
	id {idtype} PRIMARY KEY,
	data {bytes} NOT NULL,   -- the record
	expires BIGINT NOT NULL, -- its end, in milliseconds since 1970, as every time here
	note {text} NOT NULL,    -- what came of the session
	until BIGINT NOT NULL,   -- the end of the note
	gone BIGINT NOT NULL     -- the later of both: the row may then be removed
){engine};
CREATE INDEX {ifnot}{sessionsgone} ON {onsessions} (gone);
`

// notesSchema makes the table of notes, which Node's tables have no columns for.
const notesSchema = `CREATE TABLE IF NOT EXISTS {notes} (
	id {idtype} PRIMARY KEY,
	note {text} NOT NULL,  -- what came of the session
	until BIGINT NOT NULL  -- the end of the note, in milliseconds since 1970, as every time here
){engine};
CREATE INDEX {ifnot}{notesgone} ON {onnotes} (until);
`

// sideSchema makes the tables that every layout has besides its records.
const sideSchema = `CREATE TABLE IF NOT EXISTS {labels} (
	label CHAR(32){binary} NOT NULL, -- a digest
	id {idtype} NOT NULL,
	expires BIGINT NOT NULL,
	PRIMARY KEY (label, id)
){engine};
CREATE INDEX {ifnot}{labelsgone} ON {onlabels} (expires);
CREATE TABLE IF NOT EXISTS {values} (
	kind CHAR(1){binary} NOT NULL, -- n: counts, t: tokens, c: cells, l: leases
	k CHAR(32){binary} NOT NULL,   -- a digest
	value {bytes},
	n BIGINT NOT NULL DEFAULT 0,
	expires BIGINT NOT NULL,
	PRIMARY KEY (kind, k)
){engine};
CREATE INDEX {ifnot}{valuesgone} ON {onvalues} (expires);
`

// Schema returns the statements that make the tables of this package, each with a semicolon at its end. They
// change no table that is there. Only Dialect, Layout and Prefix of cfg are used. The command schema prints
// them:
//
//	go run github.com/seed-6f34412b/passport/store/sqlstore/schema -dialect postgres
func Schema(cfg Config) (string, error) {
	if err := errors.Join(cfg.complete()...); err != nil {
		return "", err
	}
	w := dialects[cfg.Dialect]
	names := namesOf(cfg.Dialect, cfg.Prefix)
	maps.Copy(names, ownTable(cfg.Dialect, cfg.Prefix).words)
	names["{engine}"], names["{binary}"], names["{ifnot}"] = "", "", "IF NOT EXISTS "
	if cfg.Dialect == SQLite {
		names["{engine}"] = " WITHOUT ROWID" // rows are stored in the primary key's index: one search instead of two
	}
	if cfg.Dialect == MySQL {
		names["{engine}"], names["{binary}"] = " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4", " CHARACTER SET ascii COLLATE ascii_bin"
	}
	schema, bare, found := strings.Cut(cfg.Prefix, ".")
	if !found {
		schema, bare = "", cfg.Prefix
	}
	for _, table := range []string{"sessions", "notes", "labels", "values"} {
		index := bare + table + "_gone"
		if cfg.Dialect == SQLite && schema != "" {
			index = schema + "." + index
		}
		names["{"+table+"gone}"] = w.quoted(index)
		names["{on"+table+"}"] = names["{"+table+"}"]
		if cfg.Dialect == SQLite { // the schema is part of the index's name, not of the table's
			names["{on"+table+"}"] = w.quoted(bare + table)
		}
	}
	text := ownSchema + sideSchema
	if cfg.Layout != Own {
		text = notesSchema + sideSchema
	}
	if cfg.Dialect == MySQL { // it has no CREATE INDEX IF NOT EXISTS
		text = inlineIndexes(text)
	}
	return spelled(replacer(names), text), nil
}

// inlineIndexes turns each CREATE INDEX into a part of the CREATE TABLE before it.
func inlineIndexes(text string) string {
	var out []string
	for statement := range strings.SplitSeq(text, ";\n") {
		rest, found := strings.CutPrefix(statement, "CREATE INDEX {ifnot}")
		if !found {
			out = append(out, statement)
			continue
		}
		name, after, _ := strings.Cut(rest, " ON ")
		columns := after[strings.Index(after, "("):]
		last := &out[len(out)-1]
		at := strings.LastIndex(*last, "\n){engine}")
		head := (*last)[:at]
		if body, comment, ok := cutComment(head); ok {
			head = body + "," + comment
		} else {
			head += ","
		}
		*last = head + "\n\tINDEX " + name + " " + columns + (*last)[at:]
	}
	return strings.Join(out, ";\n")
}

// cutComment cuts the comment off the last line of text.
func cutComment(text string) (body, comment string, ok bool) {
	line := text[strings.LastIndex(text, "\n")+1:]
	at := strings.Index(line, "--")
	if at < 0 {
		return text, "", false
	}
	start := len(text) - len(line) + at
	body = strings.TrimRight(text[:start], " ")
	return body, text[len(body):], true
}

// migrateTries is how often a statement of a migration is sent. If two processes make the same table at once,
// PostgreSQL refuses one of them; when that one tries again, the table exists.
const migrateTries = 5

// migrate makes the tables that are missing.
func (s *Stores) migrate(ctx context.Context) error {
	text, err := Schema(s.cfg)
	if err != nil {
		return err
	}
	for statement := range strings.SplitSeq(text, ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		for range migrateTries {
			err = s.do(ctx, "migrate", func() error {
				_, err := s.db.ExecContext(ctx, statement)
				return err
			})
			if err == nil || ctx.Err() != nil {
				break
			}
			pause(ctx, 20*time.Millisecond)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
