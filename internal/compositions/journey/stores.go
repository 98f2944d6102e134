package journey

import (
	"context"
	"errors"
	"net"
	"sync/atomic"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
)

// fullStore is what both stores of the project can do.
type fullStore interface {
	session.Store
	session.Ender
	session.Index
	session.Batch
	session.PrimaryReader
}

// node is one server with what all processes of the program keep.
type node struct {
	sessions fullStore
	cells    strategy.Cells
	counter  strategy.Counter
	refuse   func(string) // has it answer every command by that error, until it is empty
	flush    func() error // has it forget everything
	close    func()
	clock    func() // sets the server's clock, where that is its own, by the journey's; or nil
}

// set sets the node's clock and returns it.
func (n *node) set() *node {
	if n != nil && n.clock != nil {
		n.clock()
	}
	return n
}

// fill gives the cluster its nodes: with a replica where one can take over, and one where the master's
// records are read.
func (s Switches) fill(c *cluster, on servers) (err error) {
	var reads *server
	if s.Store == 3 {
		reads = on.redis()
		if c.reader, err = s.redisNode(reads, nil); err != nil {
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
	if s.Outage == 2 {
		c.replica, err = s.newFollower(on)
	}
	return err
}

func (s Switches) newFollower(on servers) (*follower, error) {
	n, err := s.newNode(on, nil) // what takes over is read itself
	return &follower{node: n}, err
}

// newNode makes a node of the kind that s names. Its reads go to reads, nil for itself.
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
	redis  func() *server
	sql    func() (*database, error)
	cached bool // records are read from a cache
}

// inMemory are servers whose time is the journey's.
var inMemory = servers{redis: newServer, sql: newSQLite}

// server is a Redis with its client.
type server struct {
	client *redis.Client
	cached *redis.Client // reads records, from its client-side cache; nil for none
	refuse func(string)
	flush  func() error
	close  func()
}

func newServer() *server {
	s := miniredis.NewMiniRedis()
	s.ClockTTL(true)
	return &server{
		client: redis.NewClient(&redis.Options{
			Addr:                  "127.0.0.1:6379", // not looked up, unlike a name
			Dialer:                func(context.Context, string, string) (net.Conn, error) { return s.Dial() },
			ContextTimeoutEnabled: true,
		}),
		refuse: s.SetError,
		flush:  func() error { s.FlushAll(); return nil },
		close:  s.Close,
	}
}

// serverAt is the database of a real Redis, emptied.
func serverAt(address string, database int) *server {
	client := redis.NewClient(&redis.Options{Addr: address, DB: database, ContextTimeoutEnabled: true})
	r := new(refusal)
	client.AddHook(r)
	flush := func() error { return client.FlushDB(context.Background()).Err() }
	_ = flush() // or the first command says what is wrong
	return &server{client: client, flush: flush, refuse: func(text string) { r.says.Store(text) }, close: func() {}}
}

// cachedAt is the first database of a real Redis, whose records are read from a client-side cache.
func cachedAt(address string) *server {
	s := serverAt(address, 0)
	s.cached = redis.NewClient(&redis.Options{
		Addr: address, ContextTimeoutEnabled: true,
		Protocol: 3, ClientSideCacheConfig: &redis.ClientSideCacheConfig{},
	})
	return s
}

// serverError is an error as the server says it.
type serverError string

func (e serverError) Error() string { return string(e) }

// RedisError implements [redis.Error].
func (serverError) RedisError() {}

// refusal has a client say that its server answers every command by an error.
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
	stores, err := store.Redis(main.client, cfg)
	if err != nil {
		return nil, errors.Join(err, main.client.Close())
	}
	return &node{
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
