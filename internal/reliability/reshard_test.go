//go:build integration

package main_test

import (
	"fmt"
	"testing"

	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/internal/reliability/scenario"
	"github.com/seed-6f34412b/passport/store"
)

// TestResharding moves slots between nodes while sessions are used, listed, ended and cleared.
func TestResharding(t *testing.T) {
	row := table("7. Slots move in a cluster", "While slots move", "Wrong", "Of")
	c := redistest.StartCluster(t)
	client := c.Client(t)
	st := newRedis(t, client, store.RedisConfig{ScanCount: 10})
	app, target := serve(t, st)
	ctx := t.Context()

	const sessions = 120
	visitors := make([]*scenario.Visitor, sessions)
	for i := range visitors {
		visitors[i] = loggedIn(t, target, 1+i%3)
	}
	all := map[string]bool{}
	for id, err := range st.IDs(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		all[id] = true
	}
	if len(all) != sessions {
		t.Fatalf("%d ids, want %d", len(all), sessions)
	}
	moved := map[int]bool{}
	move := func(id string, during func()) {
		slot, err := client.ClusterKeySlot(ctx, "sess:"+id).Result()
		if err != nil {
			t.Fatal(err)
		}
		if moved[int(slot)] {
			return
		}
		moved[int(slot)] = true
		if err := c.Move(ctx, int(slot), (int(slot)*3/16384+1)%3, during); err != nil {
			t.Fatal(err)
		}
	}

	// A walk that has seen half of the sessions when others move to slots that it has visited.
	seen := map[string]bool{}
	for id, err := range st.IDs(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		seen[id] = true
		if len(seen) == sessions/2 {
			n := 0
			for other := range all {
				if n++; !seen[other] && n < 60 {
					move(other, nil)
				}
			}
		}
	}
	missed := 0
	for id := range all {
		if !seen[id] {
			missed++
		}
	}
	row("sessions that a walk does not see", missed, sessions)
	if missed != 0 {
		t.Errorf("a walk missed %d of %d sessions", missed, sessions)
	}

	// Reads and writes of every session, while the slot of one is being moved.
	wrong, asked := 0, 0
	for id := range all {
		move(id, func() {
			for i, v := range visitors {
				if i%10 == asked%10 {
					if a := v.Me(ctx); a.Text != fmt.Sprint(1+i%3) {
						wrong++
					}
					if !v.Set(ctx, "k", fmt.Sprint(asked), 0).OK() {
						wrong++
					}
					asked++
				}
			}
		})
		if asked > sized(200, 2000) {
			break
		}
	}
	row("reads of a wrong user, and writes refused", wrong, 2*asked)
	if wrong != 0 {
		t.Errorf("%d of %d requests failed", wrong, 2*asked)
	}

	// The label index: all sessions of one user end. While the slot of a session is being moved, Redis
	// refuses commands on two of its keys (TRYAGAIN), and the call returns an error: not everything has
	// ended.
	var err error
	before := len(moved)
	for id := range all {
		move(id, func() { _, err = app.Users.LogOutEverywhere(ctx, 1) })
		if len(moved) > before {
			break
		}
	}
	if err != nil {
		_, err = app.Users.LogOutEverywhere(ctx, 1)
	}
	alive := 0
	for i := 0; i < sessions; i += 3 {
		if visitors[i].Me(ctx).OK() {
			alive++
		}
	}
	row("sessions of a user alive after log-out everywhere", alive, sessions/3)
	if err != nil || alive != 0 {
		t.Errorf("after log-out everywhere %d of %d sessions are alive, error %v", alive, sessions/3, err)
	}

	cleared, err := st.Clear(ctx)
	left, countErr := st.Count(ctx)
	row("sessions left after Clear", left, sessions-sessions/3)
	if err != nil || countErr != nil || cleared != sessions-sessions/3 || left != 0 {
		t.Errorf("cleared %d, %d left, errors %v, %v", cleared, left, err, countErr)
	}
}
