//go:build integration

package live_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/interop/live"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/store"
)

// stacks are those of node/stacks.mjs that keep sessions in Redis. Nest is the application of the article.
var stacks = []string{
	"express-session 1.17, connect-redis 6, passport 0.4",
	"express-session 1.18, connect-redis 7, passport 0.6",
	"express-session 1.19, connect-redis 10, passport 0.7",
	nest,
}

const nest = "Nest 11, express-session 1.19, connect-redis 10, passport 0.7"

// runs is how many times each race is run.
const runs = 25

// place is a Redis as a live.Place.
type place struct {
	*redistest.Server
	client *redis.Client
}

const prefix = "sess:"

func (p place) Sessions(t *testing.T, o live.GoStore) live.Sessions {
	t.Helper()
	cfg := store.RedisConfig{Name: "go", Tombstones: o.Tombstones}
	if o.Elsewhere {
		cfg.Prefix = "shop:"
	}
	s, err := store.Redis(p.Client(t), cfg)
	must(t, err)
	return s.Sessions
}

func (place) Elsewhere() map[string]any { return map[string]any{"prefix": "shop:"} }
func (place) Lists() []string           { return []string{"ids", "length", "all", "clear"} }
func (place) TouchesAll() bool          { return true }

func (p place) IDs(t *testing.T) []string {
	t.Helper()
	keys, err := p.client.Keys(t.Context(), prefix+"*").Result()
	must(t, err)
	for i, key := range keys {
		keys[i] = strings.TrimPrefix(key, prefix)
	}
	return slices.Clone(keys)
}

func (p place) Record(t *testing.T, id string) (string, bool) {
	t.Helper()
	data, err := p.client.Get(t.Context(), prefix+id).Result()
	if errors.Is(err, redis.Nil) {
		return "", false
	}
	must(t, err)
	return data, true
}

func (p place) Put(t *testing.T, id, data string) {
	t.Helper()
	must(t, p.client.SetArgs(t.Context(), prefix+id, data, redis.SetArgs{KeepTTL: true}).Err())
}

func (p place) Left(t *testing.T, id string) time.Duration {
	t.Helper()
	d, err := p.client.PTTL(t.Context(), prefix+id).Result()
	must(t, err)
	return d
}

func (p place) Shorten(t *testing.T, id string, d time.Duration) {
	t.Helper()
	must(t, p.client.PExpire(t.Context(), prefix+id, d).Err())
}

func (p place) Advance(t *testing.T, d time.Duration) { t.Helper(); p.Server.Advance(t, d) }
func (p place) Empty(t *testing.T)                    { t.Helper(); p.Flush(t) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// each calls f for every stack, each with a Redis of its own.
func each(t *testing.T, f func(*live.World)) {
	t.Helper()
	for _, stack := range stacks {
		t.Run(stack, func(t *testing.T) { f(newWorld(t, stack)) })
	}
}

func newWorld(t *testing.T, stack string) *live.World {
	t.Helper()
	server := redistest.Start(t)
	return live.NewWorld(t, "node", stack, server.URL(), place{server, server.Client(t)})
}

// TestLive runs every scenario with every Node stack beside Go, on one Redis.
func TestLive(t *testing.T) {
	passed, all := 0, 0
	each(t, func(w *live.World) {
		p, n := live.Scenarios(w)
		passed, all = passed+p, all+n
	})
	t.Logf("%d of %d live scenarios passed: %d over %d version pairs", passed, all, all/len(stacks), len(stacks))
}

func TestNotesThatNodeCopies(t *testing.T) {
	for _, stack := range stacks {
		if stack != nest { // Nest's has passport 0.7, like another stack
			t.Run(stack, func(t *testing.T) { live.NotesThatNodeCopies(newWorld(t, stack)) })
		}
	}
}

func TestMovingForGood(t *testing.T)         { each(t, live.MovingForGood) }
func TestMovingCanBeRolledBack(t *testing.T) { each(t, live.MovingCanBeRolledBack) }

func TestRaceWithABlindWrite(t *testing.T) {
	each(t, func(w *live.World) { live.BlindWrites(w, runs) })
}

func TestS15_Live(t *testing.T) {
	each(t, func(w *live.World) {
		if got, want := live.WriteBack(w, runs), (live.LateSets{Runs: 8 * runs, Plain: 8 * runs}); got != want {
			w.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestS15_WhatTombstonesCannotCover(t *testing.T) { each(t, live.WhatTombstonesCannotCover) }

func TestRaceOfIdentities(t *testing.T) { live.RaceOfIdentities(newWorld(t, stacks[0]), runs) }

var _ live.Place = place{}
