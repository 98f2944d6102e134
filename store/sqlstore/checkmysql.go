package sqlstore

import "strings"

// mysql checks the settings of a MySQL or MariaDB, and Node's table.
func (p *probe) mysql() {
	var autocommit, readOnly bool
	var mode, client, connection string
	if !p.ask("SELECT @@autocommit, @@global.read_only, @@sql_mode, @@character_set_client, @@character_set_connection", nil, &autocommit, &readOnly, &mode, &client, &connection) {
		return
	}
	if !autocommit {
		p.bad("autocommit is off, so that nothing would last: leave autocommit=0 out of the data source, and init_connect without it")
	}
	if readOnly {
		p.bad("the server is read-only, as replicas are: give the primary's pool, and the replica's as Config.Reads")
	}
	if !strings.Contains(mode, "STRICT_") {
		p.bad("sql_mode is not strict, so that what is too long would be cut: add STRICT_TRANS_TABLES to sql_mode")
	}
	if p.cfg.Layout == Own {
		return
	}
	if client != "utf8mb4" || connection != "utf8mb4" {
		p.bad("the connection's character set is %s: leave charset out of the data source, or give utf8mb4", client)
	}
	schema, table, found := strings.Cut(p.cfg.Table, ".")
	if !found {
		schema, table = "", p.cfg.Table
	}
	words := layouts[p.cfg.Layout].words[p.cfg.Dialect]
	var engine string
	if !p.ask("SELECT COALESCE(engine,'') FROM information_schema.tables WHERE table_schema=COALESCE(NULLIF(?,''),DATABASE()) AND table_name=?", []any{schema, table}, &engine) {
		if len(p.errs) == 0 {
			p.bad("there is no table %s: let %v make it (%s), or give its name in Config.Table", p.cfg.Table, p.cfg.Layout, layouts[p.cfg.Layout].makes)
		}
		return
	}
	if engine != "InnoDB" {
		p.bad("table %s is of the engine %s, which has no transactions: ALTER TABLE %[1]s ENGINE=InnoDB", p.cfg.Table, engine)
	}
	column := func(name string) (kind, collation, key string, length int64) {
		const query = `SELECT data_type, COALESCE(collation_name,''), column_key, COALESCE(character_maximum_length,0)
FROM information_schema.columns WHERE table_schema=COALESCE(NULLIF(?,''),DATABASE()) AND table_name=? AND column_name=?`
		if !p.ask(query, []any{schema, table, name}, &kind, &collation, &key, &length) {
			p.bad("table %s has no column %s: want what %v makes", p.cfg.Table, name, p.cfg.Layout)
		}
		return kind, collation, key, length
	}
	sid, data, expires := words["{id}"], words["{data}"], words["{expires}"]
	kind, collation, key, length := column(sid)
	if !strings.Contains(kind, "char") || key != "PRI" && key != "UNI" {
		p.bad("column %s of %s is %q and no primary key: want what %v makes", sid, p.cfg.Table, kind, p.cfg.Layout)
	}
	if p.known.maxID = int(length); length < leastID {
		p.bad("column %s of %s holds ids of %d bytes: widen it to %d at least", sid, p.cfg.Table, length, leastID)
	}
	if !strings.HasSuffix(collation, "_bin") && p.cfg.Layout == ExpressMySQLSession { // the table of connect-session-knex has no _bin
		p.bad("column %s of %s takes ids for the same that differ in case: ALTER TABLE %[2]s MODIFY %[1]s VARCHAR(%[3]d) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL", sid, p.cfg.Table, length)
	}
	switch kind, collation, _, length := column(data); {
	case kind == "json":
		p.bad("column %s of %s is json, which changes the text of records: ALTER TABLE %[2]s MODIFY %[1]s MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", data, p.cfg.Table)
	case !strings.HasSuffix(kind, "text") || !strings.HasPrefix(collation, "utf8mb4_") || length < 1<<20:
		p.bad("column %s of %s is %s with the collation %q and of %d bytes: ALTER TABLE %[2]s MODIFY %[1]s MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", data, p.cfg.Table, kind, collation, length)
	}
	switch kind, _, _, _ := column(expires); {
	case p.cfg.Layout == ConnectSessionKnex && kind != "datetime":
		p.bad("column %s of %s is %q: want DATETIME, as %v makes it", expires, p.cfg.Table, kind, p.cfg.Layout)
	case p.cfg.Layout == ExpressMySQLSession && kind != "int" && kind != "bigint":
		p.bad("column %s of %s is %q: want INT UNSIGNED, as %v makes it", expires, p.cfg.Table, kind, p.cfg.Layout)
	}
}
