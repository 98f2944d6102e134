package sqlstore

import (
	"context"
	"errors"
)

// CheckDurable asks the database whether what it has acknowledged survives a crash of its process and of its
// machine. If not, a crash undoes log-outs that were answered. The error joins each setting that is wrong,
// with its cure; it is nil for an SQLite in memory, which keeps nothing anyway. Call it when the program
// starts. [New] does not call it, since the databases of tests are faster with such settings.
func (s *Stores) CheckDurable(ctx context.Context) error {
	p := &probe{ctx: ctx, db: s.db, cfg: s.cfg}
	switch s.cfg.Dialect {
	case Postgres:
		p.durablePostgres(s.names.Replace("{sessions}"), s.names.Replace("{notes}"))
	case MySQL:
		p.durableMySQL()
	case SQLite:
		p.durableSQLite()
	}
	return errors.Join(p.errs...)
}

func (p *probe) durablePostgres(sessions, notes string) {
	var fsync, pages, commit string
	var unlogged bool
	if !p.ask(`SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
EXISTS (SELECT 1 FROM pg_class WHERE oid IN (to_regclass($1::text), to_regclass($2::text)) AND relpersistence<>'p')`,
		[]any{sessions, notes}, &fsync, &pages, &commit, &unlogged) {
		return
	}
	if fsync == "off" || pages == "off" {
		p.bad("fsync is %s and full_page_writes %s, so that a crash of the machine can lose or damage everything: set both to on", fsync, pages)
	}
	if commit == "off" {
		p.bad("synchronous_commit is off, so that a crash undoes the log-outs of its last moments: leave it on for this role and database")
	}
	if unlogged {
		p.bad("a table of the sessions or their notes is unlogged, which a crash empties: ALTER TABLE … SET LOGGED")
	}
}

func (p *probe) durableMySQL() {
	var flush, binlog int
	var doublewrite string
	var logs bool
	if !p.ask("SELECT @@innodb_flush_log_at_trx_commit, @@innodb_doublewrite, @@log_bin, @@sync_binlog", nil, &flush, &doublewrite, &logs, &binlog) {
		return
	}
	if flush != 1 {
		p.bad("innodb_flush_log_at_trx_commit is %d, so that a crash undoes the log-outs of the last second: set it to 1", flush)
	}
	if doublewrite == "0" || doublewrite == "OFF" || doublewrite == "DETECT_ONLY" {
		p.bad("innodb_doublewrite restores no page, so that a crash of the machine can damage pages: set it to ON")
	}
	if logs && binlog != 1 {
		p.bad("sync_binlog is %d, so that a replica that takes over after a crash can lack log-outs: set it to 1", binlog)
	}
}

func (p *probe) durableSQLite() {
	var file, mode string
	var synchronous int
	if !p.ask("SELECT COALESCE(file,'') FROM pragma_database_list WHERE name='main'", nil, &file) || file == "" ||
		!p.ask("SELECT journal_mode FROM pragma_journal_mode", nil, &mode) ||
		!p.ask("SELECT synchronous FROM pragma_synchronous", nil, &synchronous) {
		return
	}
	if mode == "off" || mode == "memory" {
		p.bad("journal_mode is %s, so that a crash can damage the database: add _pragma=journal_mode(WAL) to the data source, or what your driver calls it", mode)
	}
	const full = 2
	if synchronous < full {
		p.bad("synchronous is below FULL, so that a crash of the machine undoes the last log-outs: add _pragma=synchronous(FULL) to the data source")
	}
}
