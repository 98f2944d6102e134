// Package sqlstore answers: how are sessions kept in the database that a program already has?
//
// [New] makes everything that a program keeps in PostgreSQL, MySQL, MariaDB or SQLite, on database/sql and
// with the driver that the program has chosen. [Schema] is its tables; [Stores.Upkeep] removes what has
// expired.
//
// # Drivers
//
// pgx (its package stdlib), go-sql-driver/mysql and modernc.org/sqlite are those of the tests. For MySQL the
// data source needs clientFoundRows=true; an SQLite file a busy timeout; an SQLite in memory one connection.
// New says so. A pool keeps two idle connections by default: give it SetMaxIdleConns, or most requests of a
// busy program begin with a new connection.
//
// An SQLite in memory lives as long as its one connection: besides SetMaxOpenConns(1) leave
// SetConnMaxLifetime and SetConnMaxIdleTime at 0, and SetMaxIdleConns above 0.
//
// Behind pgbouncer in its mode transaction give pgx default_query_exec_mode=exec: this package prepares
// nothing itself on PostgreSQL, and keeps nothing in a connection. The tests run it so.
//
// What the database acknowledges must outlast its crash, or a log-out is undone by it: leave PostgreSQL's
// synchronous_commit on, and MySQL's innodb_flush_log_at_trx_commit at 1. [Stores.CheckDurable] asks.
//
// # Node's tables
//
// With a [Layout] of Node's the records are in the table of connect-pg-simple, express-mysql-session or
// connect-session-knex, byte for byte, and Node's programs share them: a log-in, a log-out and a change by
// either side is the other's. What is ours alone is in tables beside it. Node's own writes are blind: they
// bring back a session that Go has ended meanwhile, unless [Config].Tombstones is set, and of two at once the
// later wins.
package sqlstore
