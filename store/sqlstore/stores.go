package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// Stores is everything that a program keeps in a database. It is made by [New], safe for concurrent use, and
// needs no closing: the connections are the pool's. It has no goroutine; see [Stores.Upkeep].
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

// Config says where and how a program keeps its data in a database.
type Config struct {
	// Dialect is the kind of database; required.
	Dialect Dialect

	// Layout says in whose table the records are: our own, which is the default, or one of Node's.
	Layout Layout

	// Table is the name of Node's table, with its schema and a dot before it if need be; empty means what
	// Node's package has by default. connect-pg-simple: schemaName and tableName; express-mysql-session:
	// schema.tableName; connect-session-knex: tableName. Nothing is to be given with the layout Own.
	Table string

	// TimeZone is that of the connections of Node's programs, which is what the times of ConnectPGSimple
	// mean: they are stored without a zone. Empty means the zone that our own connections have from the
	// server, the database or the role, as Node's have them. It must be given where our connections choose
	// one.
	TimeZone string

	// Prefix begins the names of our tables; empty means "passport_". Programs that share sessions on
	// purpose, and all processes of one program, have the same; programs of different ones share nothing.
	// Letters, digits and '_', with a schema and a dot before it if need be: "auth.shop_".
	Prefix string

	// Tombstones makes every end of a session last against a Node process that still holds it and writes it
	// back, as store.RedisConfig.Tombstones does: an id is unknown for as long as the note of its end lives.
	Tombstones bool

	// Listen, if not nil, makes the end of a session known to every process at once, for guard.Guard.Watch, by
	// PostgreSQL's LISTEN and NOTIFY; set it in all processes. The statement that ends a record sends the
	// notice, in the same trip. Listen waits for notices, which package database/sql cannot do: it sends
	// LISTEN and the channel's name on a connection of its own to the primary, calls tell with "" when that
	// is answered, and with the payload of each notice. It returns when ctx ends, or with an error when the
	// connection breaks, and is called again. With pgx:
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
	// examples/sql has it, and notices a connection whose other end is gone. Its URL is one of the server's:
	// behind pgbouncer in its mode transaction nobody hears anything. A notice is a part of a hash of the
	// id, of no use to who hears it. PostgreSQL commits transactions that notify one after another, and refuses
	// them, log-outs too, while its queue of notices is full, because of a connection that listens and leaves a
	// transaction open: pg_notification_queue_usage() tells how full it is.
	Listen func(ctx context.Context, channel string, tell func(payload string)) error

	// Reads, if not nil, is used for reading records, and nothing else: a replica. What must not be stale
	// is asked of the primary. A log-out is then final within the time by which the replica lags behind.
	// Nil means the primary.
	Reads *sql.DB

	// Migrate makes New create our tables that are not there, by the statements that [Schema] returns.
	// Otherwise their lack is an error. It never creates or changes a table of Node's.
	Migrate bool
}

const defaultPrefix = "passport_"

// New returns what a program keeps in the database behind db, the primary. It asks the database for what
// would go wrong later, and the error joins everything that it finds, each with its cure: see [Stores.Check].
// An outage is an error too; New can be called again.
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

// namesOf is what statements and migrations call tables and types.
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

// spelled replaces the names in text by what they stand for, which may hold names.
func spelled(names *strings.Replacer, text string) string {
	for strings.Contains(text, "{") {
		text = names.Replace(text)
	}
	return text
}

// validPrefix is what may begin the names of our tables: an identifier, perhaps behind that of a schema.
var validPrefix = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,39}$`)

// validTable is the name of a table of Node's.
var validTable = regexp.MustCompile("^([^\"`'.{}:\\x00-\\x1f]{1,64}\\.)?[^\"`'.{}:\\x00-\\x1f]{1,64}$")

// complete fills in what is left out, or returns every mistake.
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
