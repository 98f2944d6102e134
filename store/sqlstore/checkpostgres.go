package sqlstore

import (
	"database/sql"
	"fmt"
)

// postgres checks the settings of a PostgreSQL, and Node's table.
func (p *probe) postgres() {
	var version int
	var replica bool
	var readOnly, encoding, client string
	if !p.ask(`SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), current_setting('transaction_read_only'),
current_setting('server_encoding'), current_setting('client_encoding')`, nil, &version, &replica, &readOnly, &encoding, &client) {
		return
	}
	switch {
	case version < 120000:
		p.bad("the server is PostgreSQL %d: 12 is the first that is supported", version/10000)
	case replica:
		p.bad("the server is a replica: give the primary's pool, and the replica's as Config.Reads")
	case readOnly == "on":
		p.bad("transactions are read-only: set default_transaction_read_only to off for this role and database")
	}
	if p.cfg.Layout == Own {
		return
	}
	if encoding != "UTF8" || client != "UTF8" {
		p.bad("the database's encoding is %s and the connection's %s: records of Node's are UTF-8, so both must be UTF8", encoding, client)
	}
	p.postgresColumns()
	if p.cfg.Layout == ConnectPGSimple && !p.known.zoned {
		p.postgresZone()
	}
}

// postgresColumns checks the columns of Node's table.
func (p *probe) postgresColumns() {
	table := dialects[Postgres].quoted(p.cfg.Table)
	words := layouts[p.cfg.Layout].words[p.cfg.Dialect]
	types, unique := map[string]string{}, map[string]bool{}
	columns := statement{db: p.db, text: `SELECT a.attname, format_type(a.atttypid, a.atttypmod), EXISTS (
SELECT 1 FROM pg_index i WHERE i.indrelid=a.attrelid AND i.indisunique AND i.indpred IS NULL AND i.indnkeyatts=1 AND i.indkey[0]=a.attnum)
FROM pg_attribute a WHERE a.attrelid=to_regclass($1::text) AND a.attnum>0 AND NOT a.attisdropped`}
	err := columns.each(p.ctx, nil, []any{table}, func(rows *sql.Rows) error {
		var name, kind string
		var only bool
		err := rows.Scan(&name, &kind, &only)
		types[name], unique[name] = kind, only
		return err
	})
	if err != nil {
		p.failed(err)
		return
	}
	if len(types) == 0 {
		p.bad("there is no table %s: let %v make it (%s), or give its name in Config.Table", table, p.cfg.Layout, layouts[p.cfg.Layout].makes)
		return
	}
	sid, sess, expire := words["{id}"], words["{data}"], words["{expires}"]
	switch types[sess] {
	case "json":
	case "jsonb":
		p.bad(`column %s of %s is jsonb, which changes the text of records and refuses \u0000: ALTER TABLE %[2]s ALTER COLUMN %[1]s TYPE json USING %[1]s::json`, sess, table)
	default:
		p.bad("column %s of %s is %q: want json, as %v makes it", sess, table, types[sess], p.cfg.Layout)
	}
	switch kind := types[expire]; {
	case kind == "timestamp with time zone" || kind == "timestamp(6) with time zone" || kind == "timestamp(3) with time zone":
		p.known.zoned = true
	case p.cfg.Layout == ConnectPGSimple && (kind == "timestamp(6) without time zone" || kind == "timestamp without time zone" || kind == "timestamp(3) without time zone"):
	default:
		p.bad("column %s of %s is %q: want what %v makes", expire, table, kind, p.cfg.Layout)
	}
	kind := types[sid]
	if _, err := fmt.Sscanf(kind, "character varying(%d)", &p.known.maxID); err != nil && kind != "character varying" && kind != "text" {
		p.bad("column %s of %s is %q: want varchar or text", sid, table, kind)
	}
	if p.known.maxID > 0 && p.known.maxID < leastID {
		p.bad("column %s of %s holds ids of %d bytes: widen it to %d at least", sid, table, p.known.maxID, leastID)
	}
	if !unique[sid] {
		p.bad("column %s of %s is not unique: ALTER TABLE %[2]s ADD PRIMARY KEY (%[1]s)", sid, table)
	}
}

// leastID is the length of the ids that the session layer and express-session make.
const leastID = 32

// postgresZone finds the time zone of the times in Node's table.
func (p *probe) postgresZone() {
	var zone, source string
	if !p.ask("SELECT setting, source FROM pg_settings WHERE name='TimeZone'", nil, &zone, &source) {
		return
	}
	if p.known.zone = p.cfg.TimeZone; p.known.zone == "" {
		if p.known.zone = zone; source == "client" || source == "session" {
			p.bad("the times in %s have no zone and mean that of Node's connections, while ours choose %q themselves: "+
				"give the zone of Node's in Config.TimeZone, or leave ours to the server", p.cfg.Table, zone)
		}
		p.postgresSummer()
		return
	}
	var valid bool
	if !p.ask("SELECT EXISTS (SELECT 1 FROM pg_timezone_names WHERE lower(name)=lower($1::text))", []any{p.cfg.TimeZone}, &valid) || !valid {
		p.bad("Config.TimeZone is %q, which the server does not know: give a name of pg_timezone_names", p.cfg.TimeZone)
		return
	}
	p.postgresSummer()
}

// postgresSummer checks that AT TIME ZONE and the setting TimeZone take the zone's name for the same zone.
// CET, MET, EET and WET are not the same: TimeZone takes them for zones with summer time, and AT TIME ZONE
// for abbreviations of standard time.
func (p *probe) postgresSummer() {
	var same bool
	if !p.ask(`SELECT (SELECT bool_and(t::timestamp=t AT TIME ZONE z.name) FROM generate_series(now()-interval '1 year', now(), interval '10 days') AS t)
FROM (SELECT set_config('TimeZone', $1::text, true) AS set, $1::text AS name OFFSET 0) AS z WHERE z.set<>''`, []any{p.known.zone}, &same) {
		return
	}
	if !same {
		p.bad("the time zone %q is also an abbreviation, without summer time: give a place of that zone in Config.TimeZone, "+
			"such as Europe/Brussels for CET", p.known.zone)
	}
}
