//go:build integration

package sqltest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/store/sqlstore"
)

func TestUpkeepRemovesWhatHasExpiredAndNothingElse(t *testing.T) {
	servers := start(t)
	for _, p := range slices.Concat(servers.places(), servers.nodes()) {
		t.Run(p.name, func(t *testing.T) {
			db, s := p.stores(t, tombstones)
			ctx := t.Context()
			put := func(kind string, n int, ttl time.Duration) {
				for i := range n {
					id := fmt.Sprint(kind, i)
					must(t, s.Sessions.Create(ctx, id, []byte(`{"cookie":{}}`), ttl))
					must(t, s.Sessions.AddLabel(ctx, "l", id, time.Now().Add(ttl)))
					must(t, s.Tokens.Put(ctx, id, []byte("x"), ttl))
					_, err := s.Sessions.End(ctx, kind+"ended"+fmt.Sprint(i), nil, "", ttl)
					must(t, err)
				}
			}
			put("over", 3, time.Minute)
			p.advance(t, db, 48*time.Hour)
			put("live", 3, time.Hour)
			_, err := s.Sessions.End(ctx, "live0", nil, "", time.Hour) // the record is removed, the note stays
			must(t, err)
			if n, err := s.Sweep(ctx); err != nil || n != 4*3 {
				t.Errorf("the sweep removed %d rows (error %v), want %d", n, err, 4*3)
			}
			if n, err := s.Sweep(ctx); err != nil || n != 0 {
				t.Errorf("the second sweep removed %d rows (error %v), want 0", n, err)
			}
			for i, want := range []bool{false, true, true} {
				_, err := s.Sessions.Get(ctx, fmt.Sprint("live", i))
				if (err == nil) != want {
					t.Errorf("session live%d: got error %v, want it to live: %t", i, err, want)
				}
			}
			if ids, err := s.Sessions.Labelled(ctx, "l"); len(ids) != 3 || err != nil {
				t.Errorf("got %q under the label (error %v), want 3", ids, err)
			}
			must(t, s.Sessions.Create(ctx, "liveended0", []byte(`{"cookie":{}}`), time.Hour)) // as Node would write it back
			if _, err := s.Sessions.Get(ctx, "liveended0"); err == nil {
				t.Error("a tombstone that has not expired was removed")
			}
		})
	}
}

// TestUpkeepOfManyRowsIsInBatches: so many rows need more than one statement.
func TestUpkeepOfManyRowsIsInBatches(t *testing.T) {
	servers := start(t)
	for _, p := range servers.kinds() {
		t.Run(p.name, func(t *testing.T) {
			together(t)
			db, s := p.stores(t)
			const n = 1201
			for i := range n {
				must(t, s.Sessions.Create(t.Context(), fmt.Sprint("id", i), []byte(`{"cookie":{}}`), time.Minute))
			}
			p.advance(t, db, time.Hour)
			if removed, err := s.Sweep(t.Context()); removed != n || err != nil {
				t.Errorf("the sweep removed %d rows (error %v), want %d", removed, err, n)
			}
		})
	}
}

func TestUpkeepIsOneProcessAtATimeAndEndsWithItsContext(t *testing.T) {
	servers := start(t)
	for _, p := range servers.places()[:3] {
		t.Run(p.name, func(t *testing.T) {
			_, s := p.stores(t)
			ctx, cancel := context.WithCancel(t.Context())
			const processes, every = 4, 200 * time.Millisecond
			reports := make(chan error, 100)
			done := make(chan struct{})
			began := time.Now()
			for range processes {
				go func() {
					s.Upkeep(ctx, every, func(_ int64, err error) { reports <- err })
					done <- struct{}{}
				}()
			}
			for range 3 {
				if err := <-reports; err != nil {
					t.Error(err)
				}
			}
			cancel()
			for range processes {
				<-done
			}
			took := time.Since(began)
			if n := 3 + len(reports); int64(n) > 1+int64(took/(every/2))+1 {
				t.Errorf("%d processes swept %d times in %v, want once in %v at most", processes, n, took, every/2)
			}
		})
	}
}

// TestUpkeepReportsAnOutage: Upkeep reports it and goes on.
func TestUpkeepReportsAnOutage(t *testing.T) {
	servers := start(t)
	p := servers.places()[0]
	proxy, _, s := servers.behind(t, p, func(*sqlstore.Config) {})
	proxy.Down()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reports := make(chan error, 100)
	go s.Upkeep(ctx, 10*time.Millisecond, func(_ int64, err error) { reports <- err })
	if err := <-reports; err == nil {
		t.Error("the database is down: got no error")
	}
	proxy.Up()
	for err := range reports {
		if err == nil {
			return
		}
	}
}

// TestUpkeepWithoutAReportLogsAnOutage to Config.Logger.
func TestUpkeepWithoutAReportLogsAnOutage(t *testing.T) {
	servers := start(t)
	r, w := io.Pipe()
	log := slog.New(slog.NewTextHandler(w, nil))
	proxy, _, s := servers.behind(t, servers.places()[0], func(cfg *sqlstore.Config) { cfg.Logger = log })
	proxy.Down()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		s.Upkeep(ctx, 10*time.Millisecond, nil)
		close(ended)
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if want := `level=ERROR msg="expired rows were not removed" removed=0 error="sqlstore: lease: `; err != nil || !strings.Contains(line, want) {
		t.Errorf("got %q, %v, want %s", line, err, want)
	}
	cancel()
	must(t, r.Close())
	<-ended
}
