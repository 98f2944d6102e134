package journey

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
)

// fullStore is a sessions' store with all optional interfaces.
type fullStore interface {
	session.Store
	session.Ender
	session.Index
	session.Batch
	session.PrimaryReader
}

// node is one server, with everything that the processes of the program store.
type node struct {
	sessions fullStore
	plain    fullStore // for Express, which asks no replica to confirm; nil: sessions
	cells    strategy.Cells
	counter  strategy.Counter
	reader   *node        // records are read from it, and it is never behind; nil: from the node itself
	refuse   func(string) // makes it answer every command with that error, until the text is empty
	flush    func() error // deletes everything
	close    func()
	clock    func()        // sets the server's clock to the journey's time; nil if it uses that anyway
	history  []func(*node) // what it has executed; not of a real server that copies
	copies   *copying      // for a real server that copies to others, or from them; otherwise nil
}

// set sets the node's clock and returns it.
func (n *node) set() *node {
	if n != nil && n.clock != nil {
		n.clock()
	}
	return n
}

// shortNote is how long a store without tombstones keeps the note of where a session went on.
const shortNote = 10 * time.Minute

// fill makes the nodes of the cluster, with a replica that may take over and those for reads, as the
// switches say.
func (s Switches) fill(c *cluster, on servers) (err error) {
	var reads *server
	var reader *node
	if c.notes = shortNote; s.Notes == 1 {
		c.notes = absolute
	}
	if s.Store == 3 {
		reads = on.redis()
		if reader, err = s.redisNode(reads, nil); err != nil {
			return err
		}
	}
	if s.Lag == 1 {
		if c.lagging, err = s.newFollower(on); err != nil {
			return err
		}
	}
	if c.first, err = s.newNode(on, reads); err != nil {
		return err
	}
	c.first.reader = reader
	if c.confirm = s.Outage == 3; s.Outage >= 2 {
		c.replica, err = s.newFollower(on)
	}
	return err
}

func (s Switches) newFollower(on servers) (*follower, error) {
	n, err := s.newNode(on, nil) // its own records are read when it takes over
	return &follower{node: n}, err
}

// newNode makes a node of the kind that s selects. If reads is not nil, records are read from it.
func (s Switches) newNode(on servers, reads *server) (*node, error) {
	if s.Store == 0 {
		n := &node{close: func() {}, refuse: func(string) {}}
		n.flush = func() error {
			stores, err := store.Memory(store.MemoryConfig{Tombstones: s.Notes == 1})
			if err == nil {
				n.sessions, n.cells, n.counter = stores.Sessions, stores.Cells, stores.Counter
			}
			return err
		}
		return n, n.flush()
	}
	if s.Store == onSQL {
		return s.sqlNode(on.sql)
	}
	return s.redisNode(on.redis(), reads)
}

// servers makes the servers of a journey.
type servers struct {
	redis   func() *server
	sql     func() (*database, error)
	cached  bool          // records are read from a cache
	timeout time.Duration // session.Config.StoreTimeout; 0 for its default
}

// inMemory are servers that use the journey's time.
var inMemory = servers{redis: newServer, sql: newSQLite}

// server is a Redis with its client.
type server struct {
	client *redis.Client
	cached *redis.Client // reads records through a client-side cache; may be nil
	copies *copying      // as in node
	refuse func(string)
	flush  func() error
	close  func()
}

func newServer() *server {
	s := miniredis.NewMiniRedis()
	s.ClockTTL(true)
	return &server{
		client: redis.NewClient(&redis.Options{
			Addr:                  "127.0.0.1:6379", // a name would need a look-up
			Dialer:                func(context.Context, string, string) (net.Conn, error) { return s.Dial() },
			ContextTimeoutEnabled: true,
		}),
		refuse: s.SetError,
		flush:  func() error { s.FlushAll(); return nil },
		close:  s.Close,
	}
}

// serverAt returns a database of a real Redis, and empties it.
func serverAt(address string, database int) *server {
	client := redis.NewClient(&redis.Options{Addr: address, DB: database, ContextTimeoutEnabled: true})
	r := new(refusal)
	client.AddHook(r)
	flush := func() error { return client.FlushDB(context.Background()).Err() }
	_ = flush() // if it fails, the first command reports the cause
	return &server{client: client, flush: flush, refuse: func(text string) { r.says.Store(text) }, close: func() {}}
}

// cachedAt returns the first database of a real Redis, whose records are read through a client-side cache.
func cachedAt(address string) *server {
	s := serverAt(address, 0)
	s.cached = redis.NewClient(&redis.Options{
		Addr: address, ContextTimeoutEnabled: true,
		Protocol: 3, ClientSideCacheConfig: &redis.ClientSideCacheConfig{},
	})
	return s
}

// serverError is an error that the server returns.
type serverError string

func (e serverError) Error() string { return string(e) }

// RedisError implements [redis.Error].
func (serverError) RedisError() {}

// refusal makes a client return an error for every command, as if from the server.
type refusal struct{ says atomic.Value }

func (r *refusal) err() error {
	if text, _ := r.says.Load().(string); text != "" {
		return serverError(text)
	}
	return nil
}

// DialHook implements [redis.Hook].
func (*refusal) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements [redis.Hook].
func (r *refusal) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := r.err(); err != nil {
			cmd.SetErr(err)
			return err
		}
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook implements [redis.Hook].
func (r *refusal) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if err := r.err(); err != nil {
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
			return err
		}
		return next(ctx, cmds)
	}
}

func (s Switches) redisNode(main, reads *server) (*node, error) {
	cfg := store.RedisConfig{Name: "test", Tombstones: s.Notes == 1}
	closers := []func() error{main.client.Close}
	switch {
	case main.cached != nil:
		cfg.Reads, closers = main.cached, append([]func() error{main.cached.Close}, closers...)
	case reads != nil:
		cfg.Reads = reads.client
	case s.Store == 2:
		pipeline, err := main.client.AsyncAutoPipeline()
		if err != nil {
			return nil, errors.Join(err, main.client.Close())
		}
		cfg.Reads, closers = pipeline, append([]func() error{pipeline.Close}, closers...)
	}
	var plain fullStore
	if main.copies != nil && s.Outage == 3 {
		unsure, err := store.Redis(main.client, cfg)
		if err != nil {
			return nil, errors.Join(err, main.client.Close())
		}
		plain, cfg.Replicas = unsure.Sessions, 1
	}
	stores, err := store.Redis(main.client, cfg)
	if err != nil {
		return nil, errors.Join(err, main.client.Close())
	}
	return &node{
		plain: plain, copies: main.copies,
		sessions: stores.Sessions, cells: stores.Cells, counter: stores.Counter,
		refuse: main.refuse,
		flush:  main.flush,
		close: func() {
			for _, c := range closers {
				_ = c()
			}
			main.close()
		},
	}, nil
}
