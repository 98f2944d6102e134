// Package bounded answers: how long does a strategy wait for a store?
//
// A store that does not answer, because its server or the network hangs, is an outage, like one that
// refuses commands. session.Config.StoreTimeout limits the wait for sessions; this package does the same
// for what strategies store. Without it, a command would wait as long as the database's client or the
// visitor does.
package bounded

import (
	"context"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/combined"
)

// Limit is the time limit of one command: the default of session.Config.StoreTimeout.
const Limit = 2 * time.Second

// Counter returns c with the time limit [Limit] for each command.
func Counter(c strategy.Counter) strategy.Counter { return counter{c} }

type counter struct{ inner strategy.Counter }

func (c counter) Add(ctx context.Context, key string, n int64, window time.Duration) (count int64, reset time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	return c.inner.Add(ctx, key, n, window)
}

// Cells returns c with the time limit [Limit] for each command. They combine steps if c does.
func Cells(c strategy.Cells) strategy.Cells {
	one := cells{c}
	if joint := combined.Of(c); joint != nil {
		return &combiner{one, joint}
	}
	return one
}

type cells struct{ inner strategy.Cells }

func (c cells) Load(ctx context.Context, key string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	return c.inner.Load(ctx, key)
}

func (c cells) Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) (found []byte, swapped bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	return c.inner.Swap(ctx, key, old, new, ttl)
}

type combiner struct {
	cells
	joint combined.Cells
}

func (c *combiner) Combines() any { return c }

func (c *combiner) LoadAll(ctx context.Context, keys []string) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	return c.joint.LoadAll(ctx, keys)
}

func (c *combiner) SwapAndLoad(ctx context.Context, key string, old, new []byte, ttl time.Duration, others []string) (found []byte, swapped bool, values [][]byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	return c.joint.SwapAndLoad(ctx, key, old, new, ttl, others)
}

// Tokens returns t with the time limit [Limit] for each command.
func Tokens(t strategy.Tokens) strategy.Tokens { return tokens{t} }

type tokens struct{ inner strategy.Tokens }

func (t tokens) Put(ctx context.Context, key string, v []byte, ttl time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	return t.inner.Put(ctx, key, v, ttl)
}

func (t tokens) Take(ctx context.Context, key string) ([]byte, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	return t.inner.Take(ctx, key)
}
