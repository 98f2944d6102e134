package sqlstore

import "fmt"

// sqlite looks for what is wrong with an SQLite, and with the pool in front of it.
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
	switch one := p.db.Stats().MaxOpenConnections == 1; {
	case file == "" && !one:
		p.bad("the database is in memory, where each connection would have one of its own: call db.SetMaxOpenConns(1)")
	case file != "" && wait == 0:
		p.bad("a connection that meets another's lock fails at once: add _pragma=busy_timeout(5000) to the data source, or what your driver calls it")
	}
}
