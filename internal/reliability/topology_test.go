//go:build integration

package main_test

import (
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
)

func TestRedisStoreKeepsTheContractOnCluster(t *testing.T) {
	c := redistest.StartCluster(t)
	client := c.Client(t)
	for name, cfg := range map[string]store.RedisConfig{
		"plain":           {},
		"with tombstones": {Tombstones: true},
		"with a hash tag": {Prefix: "{app}:sess:", Tombstones: true},
	} {
		t.Run(name, func(t *testing.T) {
			sessiontest.Run(t, func(t *testing.T) session.Store {
				for _, s := range c.Masters {
					s.Flush(t)
				}
				return newRedis(t, client, cfg)
			}, func(d time.Duration) {
				for _, s := range c.Masters {
					s.Advance(t, d)
				}
			})
		})
	}
}

func TestRedisStoreKeepsTheContractOnSentinel(t *testing.T) {
	g := redistest.StartSentinel(t, redistest.Patience)
	client := g.Client(t)
	for name, cfg := range map[string]store.RedisConfig{"plain": {}, "with tombstones": {Tombstones: true}} {
		t.Run(name, func(t *testing.T) {
			sessiontest.Run(t, func(t *testing.T) session.Store {
				g.Master.Flush(t)
				return newRedis(t, client, cfg)
			}, func(d time.Duration) { g.Master.Advance(t, d) })
		})
	}
}
