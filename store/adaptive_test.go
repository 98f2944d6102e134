package store_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/store"
)

// held is a hook that holds every command back until it is released.
type held struct {
	entered chan struct{}
	free    chan struct{}
}

func (h *held) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *held) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *held) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "get" {
			h.entered <- struct{}{}
			<-h.free
		}
		return next(ctx, cmd)
	}
}

func TestReadsTakeThePipelineWhileSixAreInFlight(t *testing.T) {
	m := miniredis.RunT(t)
	direct := redis.NewClient(&redis.Options{Addr: m.Addr(), PoolSize: 20})
	defer direct.Close()
	hold := &held{entered: make(chan struct{}), free: make(chan struct{})}
	direct.AddHook(hold)
	other := redis.NewClient(&redis.Options{Addr: m.Addr()})
	defer other.Close()
	var count commands
	other.AddHook(&count)
	r := newRedis(t, direct, store.RedisConfig{Pipeline: pipelined(t, other.AsyncAutoPipeline)})
	create(t, r, "id", "x")
	read := func() {
		if got, err := r.Get(t.Context(), "id"); string(got) != "x" || err != nil {
			t.Errorf("Get: got %q and error %v, want x", got, err)
		}
	}
	for _, round := range []string{"at first", "again"} {
		var readers sync.WaitGroup
		for range 5 {
			readers.Go(read)
			<-hold.entered
		}
		if got := count.take(); got != "" {
			t.Errorf("%s: the pipeline sent %q for 5 reads, want nothing", round, got)
		}
		read()
		if got := count.take(); !strings.HasPrefix(got, "get") { // followed by what a new connection sends
			t.Errorf("%s: the pipeline sent %q for the sixth read, want get", round, got)
		}
		for range 5 {
			hold.free <- struct{}{}
		}
		readers.Wait()
		// Few reads are in flight right after a batch was answered, so the next 64 go together too.
		for i := range 64 {
			read()
			if got := count.take(); !strings.HasPrefix(got, "get") {
				t.Errorf("%s: the pipeline sent %q for read %d after the rush, want get", round, got, i+1)
			}
		}
	}
}
