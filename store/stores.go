package store

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/store/internal/together"
)

// RedisStores is everything that a program keeps in Redis. It is made by [Redis] or [OpenRedis], and safe for
// concurrent use. What Redis has made needs no closing: the connections are the client's.
type RedisStores struct {
	Sessions *RedisStore   // a session.Store with every ability
	Counter  *RedisCounter // a strategy.Counter: attempts, for throttles
	Tokens   *RedisTokens  // a strategy.Tokens: links that work once
	Cells    *RedisCells   // a strategy.Cells: used codes, remembered browsers, refresh tokens

	opened *redis.Client // by OpenRedis, or nil
}

// Redis returns what a program keeps in Redis, on client. It sends nothing; see
// [RedisStores.Check]. The least rights that the client's Redis user needs, for a program
// named shop, are
//
//	~sess:* ~shop:* -@all +hello +get +mget +set +del +getdel +eval +evalsha +exists
//	+incrby +pexpire +pttl +zadd +zrange +zrangebyscore +zrem +zremrangebyscore
//
// and some more for walks, clusters and Replicas, which docs/REDIS.md has. The error names every mistake in
// cfg at once.
func Redis(client RedisClient, cfg RedisConfig) (*RedisStores, error) {
	if err := cfg.complete(client); err != nil {
		return nil, err
	}
	main := newSender(client)
	main.replicas = cfg.Replicas
	r := &RedisStore{main: main, load: &together.Load{From: together.From}, cfg: cfg, notes: cfg.own("x:"), labels: cfg.own("label:") + cfg.Prefix, channel: cfg.own("ended:") + cfg.Prefix, fresh: authoritative(client)}
	if oneServer(client) && !cfg.NoBatches {
		main.batches, main.load = newBatches(r), r.load
	}
	r.reads.alone = main
	if cfg.Reads != nil {
		r.reads.alone = newSender(cfg.Reads)
	}
	switch {
	case cfg.Pipeline != nil:
		r.reads.pipeline = newSender(cfg.Pipeline)
	case cfg.Reads == nil && r.fresh:
		r.reads.batches = main.batches
	}
	r.tagged, _ = hashTag(cfg.Prefix)
	r.large.likely, r.large.from = cfg.Replicas == 0 && oneServer(client), largeFrom
	r.joint.likely = cfg.Replicas == 0 && (r.tagged || oneServer(client))
	return &RedisStores{
		Sessions: r,
		Counter:  &RedisCounter{main, cfg.own("count:")},
		Tokens:   &RedisTokens{main, cfg.own("token:")},
		Cells:    &RedisCells{main, cfg.own("cell:"), r.fresh},
	}, nil
}

// MemoryConfig says how much is held in memory. Its zero value can be used.
type MemoryConfig struct {
	// MaxSessions is how many sessions are held at most; zero means no limit. A full
	// store refuses new sessions with ErrFull. It evicts none, since otherwise a client
	// that opens enough sessions logs everyone else out. Notes of ended sessions count
	// until they expire.
	MaxSessions int

	// MaxValues is how many counts, how many tokens and how many cells are held at most;
	// zero means 1,000,000 of each, about 250 MB of short tokens. Beyond that, Tokens and
	// Cells return ErrFull: to drop one would invalidate somebody's link, or make a used
	// code valid again. Counter drops a counter with a low count.
	MaxValues int

	// Tombstones makes the store treat an ended id as unknown until the note of its end
	// expires, as RedisConfig.Tombstones does.
	Tombstones bool
}

const defaultMaxValues = 1_000_000

// ErrFull is returned by stores in memory that have reached their limit: by MemoryStore's
// Create when MaxSessions are alive, and by MemoryTokens and MemoryCells. For the session
// layer it is an outage: nobody is logged out, and new sessions get 503.
var ErrFull = errors.New("store: full: raise the limit, or use Redis")

// MemoryStores has all stores of a program, in the memory of its process: for tests, and
// for a program that runs as one process and may lose them when it ends. [Memory] makes it.
// It is safe for concurrent use, has no goroutine and needs no closing.
type MemoryStores struct {
	Sessions *MemoryStore   // as RedisStores.Sessions
	Counter  *MemoryCounter // as RedisStores.Counter
	Tokens   *MemoryTokens  // as RedisStores.Tokens
	Cells    *MemoryCells   // as RedisStores.Cells
}

// Memory returns empty stores. The error names every number below zero.
func Memory(cfg MemoryConfig) (*MemoryStores, error) {
	var errs []error
	for _, f := range []struct {
		name  string
		value int
	}{{"MaxSessions", cfg.MaxSessions}, {"MaxValues", cfg.MaxValues}} {
		if f.value < 0 {
			errs = append(errs, fmt.Errorf("store: MemoryConfig.%s is %d: give the most to hold, or 0 for the default", f.name, f.value))
		}
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	most := cmp.Or(cfg.MaxValues, defaultMaxValues)
	return &MemoryStores{
		Sessions: newMemoryStore(cfg),
		Counter:  &MemoryCounter{max: most, counts: newExpiring[int64]()},
		Tokens:   &MemoryTokens{max: most, values: newExpiring[string]()},
		Cells:    &MemoryCells{max: most, values: newExpiring[string]()},
	}, nil
}
