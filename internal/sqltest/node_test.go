//go:build integration

package sqltest_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-6f34412b/passport/internal/interop/live"
)

// nodeStacks are the stacks of ../interop/live/node/stacks.mjs that store sessions in a database.
var nodeStacks = []string{
	"express-session 1.17, connect-pg-simple 9, passport 0.4",
	"express-session 1.18, connect-pg-simple 9, passport 0.6",
	"express-session 1.19, connect-pg-simple 10, passport 0.7",
	"express-session 1.17, express-mysql-session 3, passport 0.4",
	"express-session 1.18, express-mysql-session 3, passport 0.6",
	"express-session 1.19, express-mysql-session 3, passport 0.7",
	"express-session 1.19, connect-session-knex 5, passport 0.7",
	"express-session 1.19, connect-session-knex 5 with mysql2, passport 0.7",
	"express-session 1.19, connect-session-knex 5 with better-sqlite3, passport 0.7",
}

// stacks are the stacks to test: all with -full, otherwise one for each package and for each of its major
// versions.
func stacks() []string {
	return sized([]string{nodeStacks[1], nodeStacks[2], nodeStacks[3], nodeStacks[6], nodeStacks[7], nodeStacks[8]}, nodeStacks)
}

// TestNodeLive runs every scenario of package live with each stack: Node and Go share one table.
func TestNodeLive(t *testing.T) {
	s := start(t)
	var passed, all atomic.Int64
	t.Cleanup(func() {
		n := int64(len(stacks()))
		t.Logf("%d of %d live scenarios passed in databases: %d over %d version pairs", passed.Load(), all.Load(), all.Load()/n, n)
	})
	for _, stack := range stacks() {
		t.Run(stack, func(t *testing.T) {
			together(t)
			p, n := live.Scenarios(newNodePlace(t, s, stack).world(t, stack))
			passed.Add(int64(p))
			all.Add(int64(n))
		})
	}
}

// TestNodeRaces runs requests of Node and Go at the same time, lets Node copy Go's notes, and moves from Node
// to Go.
func TestNodeRaces(t *testing.T) {
	s := start(t)
	row := report.Table(writeBackTitle, "Written back by", "Sessions", "Accepted by Go without tombstones", "with tombstones", "with them, 25 hours later")
	for _, stack := range sized(stacks()[1:], nodeStacks) { // without -full one for each package
		t.Run(stack, func(t *testing.T) {
			together(t)
			w := newNodePlace(t, s, stack).world(t, stack)
			t.Run("S15", func(t *testing.T) {
				got := live.WriteBack(w.Fresh(t), sized(1, 50))
				row(stack, got.Runs, got.Plain, got.Noting, got.Later)
				if want := (live.LateSets{Runs: got.Runs, Plain: got.Runs}); got != want || got.Runs == 0 {
					t.Errorf("got %+v, want %+v", got, want)
				}
			})
			t.Run("S15, what tombstones cannot cover", func(t *testing.T) { live.WhatTombstonesCannotCover(w.Fresh(t)) })
			t.Run("blind writes", func(t *testing.T) { live.BlindWrites(w.Fresh(t), sized(3, 25)) })
			t.Run("notes that Node copies", func(t *testing.T) { live.NotesThatNodeCopies(w.Fresh(t)) })
			if live.OldPassport(stack) {
				t.Run("identities", func(t *testing.T) { live.RaceOfIdentities(w.Fresh(t), sized(5, 25)) })
			}
			t.Run("moving can be rolled back", func(t *testing.T) { live.MovingCanBeRolledBack(w.Fresh(t)) })
			t.Run("moving for good", func(t *testing.T) { live.MovingForGood(w.Fresh(t)) }) // switches Node off
		})
	}
}

const writeBackTitle = "12. Sessions that Express wrote back after Go ended them, SQL stores"

// otherZone reports whether the stores' connections use another time zone than the database. The stores are
// then given Node's zone.
func otherZone(stack string) bool { return strings.HasSuffix(stack, "passport 0.6") }
