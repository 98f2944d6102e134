package password

import (
	"container/list"
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/seed-6f34412b/passport/strategy"
)

// Limit bounds how much expensive work runs at a time and how much waits for its
// turn, so that a storm of log-ins does not slow every other request down. Those who
// wait are served in the order they came.
//
// The zero value is ready for use. Several hashers can share one Limit. It is safe
// for concurrent use and must not be copied after first use.
type Limit struct {
	// Workers is how many pieces of work run at once. Zero means one less than
	// GOMAXPROCS, but at least one and at most the number of cores: the rest is for
	// other requests. (Raising GOMAXPROCS to twice the cores lets all cores hash while
	// other goroutines still get their turn soon.)
	Workers int
	// Queue is how many more may wait. Zero means 64 for each worker: at bcrypt's cost
	// 12, a quarter of a second each, the last one waits some 15 seconds. Negative
	// means none.
	Queue int

	mu      sync.Mutex
	waiting list.List // of chan struct{}, closed when it is their turn
	stats   LimitStats
}

// LimitStats is what a Limit did so far.
type LimitStats struct {
	Running int    // at this moment
	Waiting int    // at this moment
	Done    uint64 // pieces of work finished
	Refused uint64 // times that the queue was full
	// Work is the sum of what the finished pieces cost, each in its hasher's own unit:
	// 2^cost for Bcrypt, KiB times passes for Argon2id.
	Work uint64
}

// Stats returns the figures of this moment.
func (l *Limit) Stats() LimitStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Waiting = l.waiting.Len()
	return s
}

// Do runs f when its turn has come and returns nil; f returns what it cost, for
// LimitStats.Work. Do returns ErrBusy at once when the queue is full, and an error
// that wraps the context's when ctx ends before f started; f, once started, is not
// interrupted.
func (l *Limit) Do(ctx context.Context, f func() (work uint64)) error {
	if err := l.acquire(ctx); err != nil {
		return err
	}
	var work uint64
	defer func() { l.release(work) }()
	work = f()
	return nil
}

// check returns the mistakes in l's fields, which hashers report with their own.
func (l *Limit) check() error {
	if l != nil && l.Workers < 0 {
		return fmt.Errorf("password: limit: Workers is %d: give how many run at once, or 0 for one less than GOMAXPROCS", l.Workers)
	}
	if l != nil && l.Queue > mostQueue {
		return fmt.Errorf("password: limit: Queue is %d: who waits holds memory and a connection: give at most %d, or 0 for 64 for each worker", l.Queue, mostQueue)
	}
	return nil
}

const mostQueue = 100_000

func (l *Limit) workers() int {
	if l.Workers > 0 {
		return l.Workers
	}
	return max(1, min(runtime.GOMAXPROCS(0)-1, runtime.NumCPU()))
}

func (l *Limit) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("password: limit: %w", err)
	}
	workers := l.workers()
	queue := l.Queue
	if queue == 0 {
		queue = 64 * workers
	}
	l.mu.Lock()
	if l.stats.Running < workers && l.waiting.Len() == 0 {
		l.stats.Running++
		l.mu.Unlock()
		return nil
	}
	if l.waiting.Len() >= queue {
		l.stats.Refused++
		l.mu.Unlock()
		return strategy.ErrBusy
	}
	turn := make(chan struct{})
	place := l.waiting.PushBack(turn)
	l.mu.Unlock()

	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-turn: // it came in the same moment: hand it on
		l.stats.Running--
		l.admit(workers)
	default:
		l.waiting.Remove(place)
	}
	return fmt.Errorf("password: limit: gave up waiting: %w", ctx.Err())
}

func (l *Limit) release(work uint64) {
	workers := l.workers()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Running--
	l.stats.Done++
	l.stats.Work += work
	l.admit(workers)
}

// admit gives free places to those who wait longest. GOMAXPROCS may have changed, so
// it can be several, or none. l.mu is held.
func (l *Limit) admit(workers int) {
	for l.stats.Running < workers && l.waiting.Len() > 0 {
		l.stats.Running++
		turn, _ := l.waiting.Remove(l.waiting.Front()).(chan struct{})
		close(turn)
	}
}
