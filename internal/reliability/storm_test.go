//go:build integration

package main_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/internal/reliability/scenario"
	"github.com/seed-6f34412b/passport/store"
)

// TestCancellationStorm: a thousand users whose browsers cancel requests at random. A reply that was left
// unread on a connection must never become the next user's answer.
func TestCancellationStorm(t *testing.T) {
	row := table("6. Cancellation storm: users who hang up at random",
		"Client", "Users", "Lasted", "Requests", "Cancelled", "Answered 503", "Answers for another user", "Connections left", "Goroutines left")
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			server := redistest.Start(t)
			client := newClient(t, server.Addr, c.edit)
			_, target := serve(t, newRedis(t, client, store.RedisConfig{}))
			before := runtime.NumGoroutine()
			lasts := sized(2*time.Second, time.Minute)
			s := storm{t: t, target: target}
			s.rage(lasts)
			target.Close()
			goroutinesBackTo(t, before)
			conns, err := newClient(t, server.Addr).ClientList(t.Context()).Result()
			if err != nil {
				t.Fatal(err)
			}
			pool := client.PoolStats()
			row(c.name, users, lasts, s.asked.Load(), s.cancelled.Load(), s.refused.Load(), s.wrong.Load(), pool.TotalConns, max(0, runtime.NumGoroutine()-before-4))
			if s.wrong.Load() != 0 || s.cancelled.Load() == 0 || s.cancelled.Load() == s.asked.Load() {
				t.Errorf("%d of %d answers for another user, %d cancelled, %d refused; the first: %v",
					s.wrong.Load(), s.asked.Load(), s.cancelled.Load(), s.refused.Load(), s.first.Load())
			}
			if limit := 10 * runtime.GOMAXPROCS(0); int(pool.TotalConns) > limit || lines(conns) > limit+1 {
				t.Errorf("%d connections, and %d that the server has, want at most the pool's %d", pool.TotalConns, lines(conns), limit)
			}
		})
	}
}

const users = 1000

type storm struct {
	t      *testing.T
	target *scenario.Target

	asked, cancelled atomic.Int64
	refused          atomic.Int64 // 503: the time limit was over
	wrong            atomic.Int64
	first            atomic.Value // the first wrong answer, as text
}

// rage makes all users send and cancel requests for a while.
func (s *storm) rage(lasts time.Duration) {
	visitors := make([]*scenario.Visitor, users)
	scenario.Rounds(s.t.Context(), users, func(i int) { visitors[i-1] = loggedIn(s.t, s.target, i) })
	ctx, cancel := context.WithTimeout(s.t.Context(), lasts)
	defer cancel()
	var group sync.WaitGroup
	for i, v := range visitors {
		group.Go(func() {
			for ctx.Err() == nil {
				s.ask(v, i+1)
				scenario.Wait(ctx, 600*time.Millisecond)
			}
		})
	}
	group.Wait()
	for i, v := range visitors {
		if a := v.Me(s.t.Context()); a.Text != fmt.Sprint(i+1) {
			s.t.Errorf("after the storm user %d is %q, status %d", i+1, a.Text, a.Status)
		}
	}
}

// ask makes one request that is cancelled after a random time, perhaps too late. Some users never cancel,
// so that there are answers on a slow machine too.
func (s *storm) ask(v *scenario.Visitor, user int) {
	patience := scenario.Random(100 * time.Millisecond)
	if rand.IntN(8) == 0 {
		patience = redistest.Patience
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	s.asked.Add(1)
	if rand.IntN(4) == 0 {
		if a := v.Set(ctx, "mine", fmt.Sprint(user), 0); !s.told(a, user, "") {
			return
		}
		a := v.Do(s.t.Context(), http.MethodGet, "/data")
		s.told(a, user, fmt.Sprintf(`"mine":"%d"`, user))
		return
	}
	a := v.Me(ctx)
	if s.told(a, user, "") && a.Text != fmt.Sprint(user) {
		s.blame(user, a)
	}
}

// told counts an answer, and reports whether it did what was asked. The text of a right answer contains
// part.
func (s *storm) told(a scenario.Answer, user int, part string) bool {
	switch {
	case a.Err != nil:
		s.cancelled.Add(1)
	case a.Status == http.StatusServiceUnavailable:
		s.refused.Add(1)
	case !a.OK() || !strings.Contains(a.Text, part):
		s.blame(user, a)
	default:
		return true
	}
	return false
}

func (s *storm) blame(user int, a scenario.Answer) {
	s.wrong.Add(1)
	s.first.CompareAndSwap(nil, fmt.Sprintf("user %d: %d %.100q", user, a.Status, a.Text))
}

func lines(s string) (n int) {
	for _, c := range s {
		if c == '\n' {
			n++
		}
	}
	return n
}
