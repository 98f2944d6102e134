// Package sqlstore answers: how does a program keep its sessions in the database that it already has?
//
// [New] returns everything that a program keeps in PostgreSQL, MySQL, MariaDB or SQLite: sessions, counters,
// tokens and cells. It uses database/sql, with the driver that the program has chosen: [OpenDB] opens what a
// URL names. [Schema] returns the statements that make the tables, and [Stores.Upkeep] removes what has
// expired.
//
// # Drivers
//
// The tests use pgx (its package stdlib), go-sql-driver/mysql and modernc.org/sqlite. OpenDB sets what is
// needed. For a pool of your own: MySQL needs clientFoundRows=true in its data source, an SQLite file needs a
// busy timeout, and an SQLite in memory needs one connection; New is an error otherwise, which names the
// cure. A pool keeps only two idle connections by default: call SetMaxIdleConns, or most requests of a busy
// program begin with a new connection.
//
// An SQLite in memory ends with its one connection: call SetMaxOpenConns(1), leave SetConnMaxLifetime and
// SetConnMaxIdleTime at 0, and SetMaxIdleConns above 0.
//
// Behind pgbouncer in its mode transaction, give pgx default_query_exec_mode=exec. On PostgreSQL this package
// prepares no statements itself and keeps nothing in a connection, and it is tested in this way.
//
// A session ends by the database's clock. SQLite's is that of the program, and its reads take it from there.
// So with a driver that reaches an SQLite over a network, the clocks of the programs have to agree with its
// clock.
//
// What the database has acknowledged must survive its crash, or a crash undoes log-outs: leave PostgreSQL's
// synchronous_commit on, and MySQL's innodb_flush_log_at_trx_commit at 1. [Stores.CheckDurable] checks that.
//
// # Node's tables
//
// With one of Node's [Layout] values the records are in the table of connect-pg-simple, express-mysql-session
// or connect-session-knex, byte for byte, and Node's programs share them: each side sees the log-ins,
// log-outs and changes of the other. What only this package needs is in tables beside Node's. Node writes
// without comparing: unless [Config].Tombstones is set, it can bring back a session that Go has ended
// meanwhile, and of two writes at once the later wins.
package sqlstore
