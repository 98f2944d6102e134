package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"strings"
)

// Stores is everything that a program keeps in a database. New makes it; it is safe for concurrent use, and
// needs no closing, since the connections belong to the pool. It starts no goroutine: run [Stores.Upkeep] in
// one.
type Stores struct {
	Sessions *Store   // a session.Store with every ability
	Counter  *Counter // a strategy.Counter: attempts, for throttles
	Tokens   *Tokens  // a strategy.Tokens: links that work once
	Cells    *Cells   // a strategy.Cells: used codes, remembered browsers, refresh tokens

	*database
	cfg    Config
	lease  lease
	sweeps []func(context.Context) (int64, error)
}

// Config is what [New] needs to know of the database. Dialect is required.
type Config struct {
	// Dialect is the kind of database; required.
	Dialect Dialect

	// Layout says in whose table the records are: this package's own, which is the default, or one of Node's.
	Layout Layout

	// Table is the name of Node's table, with its schema and a dot before it if needed. Empty means the
	// default of Node's package; with the layout Own it must be empty. connect-pg-simple: schemaName and
	// tableName; express-mysql-session: schema.tableName; connect-session-knex: tableName.
	Table string

	// TimeZone is the time zone of the connections of Node's programs. ConnectPGSimple stores times without a
	// zone, so they are times of that zone. Empty means the zone that this program's connections get from the
	// server, the database or the role, as Node's do. It is required if this program's connections choose one
	// themselves.
	TimeZone string

	// Prefix begins the names of this package's tables; empty means "passport_". All processes of one program
	// have the same Prefix, and so have programs that share sessions. Programs with different ones share
	// nothing. It has letters, digits and '_', with a schema and a dot before it if needed: "auth.shop_".
	Prefix string

	// Tombstones keeps a session ended that a slow request of Node writes back, as
	// store.RedisConfig.Tombstones does: its id stays unknown for as long as the note of its end is stored.
	Tombstones bool

	// Listen, if not nil, tells every process at once when a session ends, for guard.Guard.Watch, by
	// PostgreSQL's LISTEN and NOTIFY. Set it in all processes. The statement that ends a record also sends
	// the notice, in the same trip. Listen waits for notices, which package database/sql cannot do. It sends
	// LISTEN and the channel's name on a connection of its own to the primary. When that is answered, it
	// calls tell with "", and then with the payload of each notice. It returns when ctx ends, or with an
	// error when the connection breaks, and is called again. With pgx:
	//
	//	conn, err := pgx.Connect(ctx, url)
	//	if err != nil {
	//		return err
	//	}
	//	defer conn.Close(context.Background())
	//	_, err = conn.Exec(ctx, "LISTEN "+channel)
	//	for payload := ""; err == nil; {
	//		tell(payload)
	//		var n *pgconn.Notification
	//		if n, err = conn.WaitForNotification(ctx); err == nil {
	//			payload = n.Payload
	//		}
	//	}
	//	return err
	//
	// examples/sql has this function, and also notices a connection whose other end is gone. Connect to the
	// server itself: through pgbouncer in its mode transaction no notice arrives. A notice is a part of a
	// hash of the id; nobody can use it to find or take over a session. PostgreSQL commits transactions that
	// notify one after another. If a connection listens and leaves a transaction open, its queue of notices
	// can become full; then it refuses such transactions, log-outs too. pg_notification_queue_usage() tells
	// how full it is.
	Listen func(ctx context.Context, channel string, tell func(payload string)) error

	// Reads, if not nil, is a replica that is used only to read records. What must not be stale is read from
	// the primary. A log-out is final then as soon as the replica has caught up. Nil means the primary.
	Reads *sql.DB

	// NoBatches reads each record alone. Otherwise what is asked for at the same moment is read by one SELECT,
	// once six reads are in flight, and for the next 64. That delays a few reads a little, and takes much
	// less of the database's time. One connection of the pool reads for all; if the answer takes longer than
	// a millisecond, the next SELECT takes another. Its context has none of the values of theirs, such as a
	// trace. What it does not find, or if it fails, is read once more, alone: so the error of a read is
	// always that of a SELECT of its own. A read whose context has no deadline is always alone.
	NoBatches bool

	// Migrate makes New create those tables of this package that are missing, by the statements of [Schema].
	// Without it, a missing table is an error. It never creates or changes a table of Node's.
	Migrate bool

	// Logger receives the errors of [Stores.Upkeep]; nil means slog.Default().
	Logger *slog.Logger
}

const defaultPrefix = "passport_"

// New returns what a program keeps in the database of db, which is the primary: see [OpenDB]. It asks the
// database about everything that would go wrong later, and its error joins all that it finds, each with its
// cure: see [Stores.Check]. An outage is an error too; call New again then.
func New(ctx context.Context, db *sql.DB, cfg Config) (*Stores, error) {
	errs := cfg.complete()
	if db == nil {
		errs = append(errs, errors.New("sqlstore: db is nil: give the pool of database/sql"))
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	known, err := discover(ctx, db, cfg)
	if err != nil {
		return nil, err
	}
	t := ownTable(cfg.Dialect, cfg.Prefix)
	if cfg.Layout != Own {
		t = nodeTable(cfg, known)
	}
	s := newStores(db, cfg, t)
	if cfg.Migrate {
		if err := s.migrate(ctx); err != nil {
			return nil, err
		}
	}
	if err := s.Check(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func newStores(db *sql.DB, cfg Config, t table) *Stores {
	names := namesOf(cfg.Dialect, cfg.Prefix)
	maps.Copy(names, t.words)
	d := &database{db: db, words: dialects[cfg.Dialect], names: replacer(names)}
	reads := d
	if cfg.Reads != nil {
		reads = &database{db: cfg.Reads, words: d.words, names: d.names}
	}
	return &Stores{
		Sessions: newStore(d, reads, t, cfg),
		Counter:  newCounter(d),
		Tokens:   newTokens(d),
		Cells:    newCells(d),
		database: d,
		cfg:      cfg,
		lease:    newLease(d),
		sweeps:   newSweeps(d, cfg),
	}
}

// namesOf returns the texts for the names of tables and types in statements and migrations.
func namesOf(d Dialect, prefix string) map[string]string {
	w := dialects[d]
	return map[string]string{
		"{labels}":   w.quoted(prefix + "labels"),
		"{values}":   w.quoted(prefix + "values"),
		"{notes}":    w.quoted(prefix + "notes"),
		"{now}":      w.now,
		"{empty}":    w.empty,
		"{greatest}": w.greatest,
		"{bytes}":    w.bytes,
		"{idtype}":   w.id,
		"{text}":     w.text,
	}
}

func replacer(names map[string]string) *strings.Replacer {
	var pairs []string
	for name, text := range names {
		pairs = append(pairs, name, text)
	}
	return strings.NewReplacer(pairs...)
}

// spelled replaces the names in text, and the names in their replacements.
func spelled(names *strings.Replacer, text string) string {
	for strings.Contains(text, "{") {
		text = names.Replace(text)
	}
	return text
}

// validPrefix matches a prefix for the names of our tables: an identifier, with or without a schema.
var validPrefix = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,39}$`)

// validTable matches the name of a table of Node's.
var validTable = regexp.MustCompile("^([^\"`'.{}:\\x00-\\x1f]{1,64}\\.)?[^\"`'.{}:\\x00-\\x1f]{1,64}$")

// complete sets the defaults, and returns every mistake.
func (c *Config) complete() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("sqlstore: "+format, args...)) }
	if _, ok := dialects[c.Dialect]; !ok {
		bad("Config.Dialect is %v: give Postgres, MySQL or SQLite", c.Dialect)
	}
	node, ok := layouts[c.Layout]
	switch {
	case !ok:
		bad("Config.Layout is %v: give Own, ConnectPGSimple, ExpressMySQLSession or ConnectSessionKnex", c.Layout)
	case c.Layout == Own && c.Table != "":
		bad("Config.Table is %q beside the layout Own: give a layout of Node's, or Prefix for the names of our own tables", c.Table)
	case c.Layout != Own && node.words[c.Dialect] == nil:
		for d := range node.words {
			bad("Config.Layout %v is one of %v, not of %v", c.Layout, d, c.Dialect)
		}
	}
	c.Table = cmp.Or(c.Table, node.table)
	if c.Table != "" && !validTable.MatchString(c.Table) {
		bad("Config.Table is %q: give a name without quotes, with a schema and a dot before it if need be", c.Table)
	}
	if c.TimeZone != "" && c.Layout != ConnectPGSimple {
		bad("Config.TimeZone is %q beside the layout %v, whose times need none", c.TimeZone, c.Layout)
	}
	if c.Listen != nil && c.Dialect != Postgres {
		bad("Config.Listen is for PostgreSQL, and not for %v, which has no LISTEN: leave it out", c.Dialect)
	}
	if c.Prefix == "" {
		c.Prefix = defaultPrefix
	}
	if !validPrefix.MatchString(c.Prefix) {
		bad("Config.Prefix is %q: give at most 40 letters, digits and '_', with a schema and a dot before them if need be", c.Prefix)
	}
	return errs
}
