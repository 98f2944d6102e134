package sqlstore

import (
	"fmt"
	"strings"
)

// sqlite checks the settings of an SQLite and of its pool, and Node's table.
func (p *probe) sqlite() {
	var version, file string
	var number int
	if !p.ask("SELECT sqlite_version()", nil, &version) || !p.ask("SELECT COALESCE(file,'') FROM pragma_database_list WHERE name='main'", nil, &file) {
		return
	}
	if n, _ := fmt.Sscanf(version, "3.%d", &number); n == 1 && number < 42 {
		p.bad("SQLite is %s: 3.42 is the first that tells milliseconds", version)
	}
	var wait, readOnly int
	if !p.ask("SELECT timeout FROM pragma_busy_timeout", nil, &wait) || !p.ask("SELECT query_only FROM pragma_query_only", nil, &readOnly) {
		return
	}
	if readOnly != 0 {
		p.bad("the connection may only read: leave the pragma query_only out")
	}
	if p.cfg.Layout != Own {
		p.sqliteColumns()
	}
	switch one := p.db.Stats().MaxOpenConnections == 1; {
	case file == "" && !one:
		p.bad("the database is in memory, where each connection would have one of its own: call db.SetMaxOpenConns(1)")
	case file != "" && wait == 0:
		p.bad("a connection that meets another's lock fails at once: add _pragma=busy_timeout(5000) to the data source, or what your driver calls it")
	}
}

// sqliteColumns checks the columns of Node's table.
func (p *probe) sqliteColumns() {
	schema, table, found := strings.Cut(p.cfg.Table, ".")
	if !found {
		schema, table = "main", p.cfg.Table
	}
	words := layouts[p.cfg.Layout].words[p.cfg.Dialect]
	var encoding string
	if !p.ask("SELECT encoding FROM pragma_encoding", nil, &encoding) {
		return
	}
	if encoding != "UTF-8" {
		p.bad("the database's encoding is %s: records of Node's are UTF-8, so make it anew with PRAGMA encoding='UTF-8'", encoding)
	}
	var columns, sid, sess, expired, key int
	if !p.ask(`SELECT COUNT(*), COUNT(CASE WHEN name=? THEN 1 END), COUNT(CASE WHEN name=? THEN 1 END), COUNT(CASE WHEN name=? THEN 1 END),
COUNT(CASE WHEN name=? AND pk=1 THEN 1 END)*COUNT(CASE WHEN pk>0 THEN 1 END) FROM pragma_table_info(?,?)`,
		[]any{words["{id}"], words["{data}"], words["{expires}"], words["{id}"], table, schema}, &columns, &sid, &sess, &expired, &key) {
		return
	}
	switch {
	case columns == 0:
		p.bad("there is no table %s: let %v make it (%s), or give its name in Config.Table", p.cfg.Table, p.cfg.Layout, layouts[p.cfg.Layout].makes)
	case sid != 1 || sess != 1 || expired != 1:
		p.bad("table %s lacks one of the columns %s, %s and %s: want what %v makes", p.cfg.Table, words["{id}"], words["{data}"], words["{expires}"], p.cfg.Layout)
	case key != 1:
		p.bad("column %s of %s is not the primary key: want what %v makes", words["{id}"], p.cfg.Table, p.cfg.Layout)
	}
}
