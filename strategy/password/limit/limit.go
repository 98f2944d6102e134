// Package limit answers: how much expensive work may run at a time?
package limit

import (
	"container/list"
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/seed-6f34412b/passport/strategy"
)

// Limit limits how much expensive work runs at a time and how much waits, so that a burst
// of log-ins does not slow down all other requests. The queue is first in, first out,
// with log-ins before registrations: see DoLowPriority.
//
// The zero value can be used. Several hashers can share one Limit. It is safe for
// concurrent use and must not be copied after first use.
type Limit struct {
	// Workers is how many pieces of work run at once. Zero means one less than
	// GOMAXPROCS, but at least one and at most the number of cores: the rest is for
	// other requests. Raising GOMAXPROCS to twice the cores lets all cores hash while
	// other goroutines still get their turn soon.
	Workers int
	// Queue is how many more may wait. Zero means 64 for each worker: at bcrypt's cost
	// 12, a quarter of a second each, the last one waits some 15 seconds. Negative
	// means none.
	Queue int

	mu      sync.Mutex
	waiting [2]list.List // each of chan struct{}, closed when the turn comes; the second one is for low priority
	favours int          // turns in a row given to the first while the second waited
	stats   Stats
}

// Stats has the figures of a Limit.
type Stats struct {
	Running int    // at this moment
	Waiting int    // at this moment
	Done    uint64 // pieces of work finished
	Refused uint64 // times that the queue was full
	// Work is the sum of what the finished pieces cost, each in its hasher's own unit:
	// 2^cost for Bcrypt, KiB times passes for Argon2id.
	Work uint64
}

const (
	normal = 0
	low    = 1

	lowShare  = 4 // low priority may use one part in lowShare of the queue
	mostFavor = 3 // the most turns in a row for the others while it waits
	mostQueue = 100_000
)

// Stats returns the present figures.
func (l *Limit) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Waiting = l.waiting[normal].Len() + l.waiting[low].Len()
	return s
}

// Do runs f when there is a free worker, and returns nil; f returns its cost, for
// Stats.Work. Do returns [strategy.ErrBusy] at once when the queue is full, and an error
// that wraps the context's when ctx ends before f started; f, once started, is not
// interrupted.
func (l *Limit) Do(ctx context.Context, f func() (work uint64)) error { return l.do(ctx, normal, f) }

// DoLowPriority is Do for work that must not delay log-ins: the hashes of new passwords,
// which anybody can cause by registering. It can use a quarter of the queue, and while
// both wait it gets every fourth turn.
func (l *Limit) DoLowPriority(ctx context.Context, f func() (work uint64)) error {
	return l.do(ctx, low, f)
}

func (l *Limit) do(ctx context.Context, line int, f func() (work uint64)) error {
	if err := l.acquire(ctx, line); err != nil {
		return err
	}
	var work uint64
	defer func() { l.release(work) }()
	work = f()
	return nil
}

// Check returns the mistakes in l's fields, which hashers report with their own.
func (l *Limit) Check() error {
	if l != nil && l.Workers < 0 {
		return fmt.Errorf("limit: Workers is %d: give how many run at once, or 0 for one less than GOMAXPROCS", l.Workers)
	}
	if l != nil && l.Queue > mostQueue {
		return fmt.Errorf("limit: Queue is %d: each waiting request holds memory and a connection: give at most %d, or 0 for 64 for each worker", l.Queue, mostQueue)
	}
	return nil
}

func (l *Limit) workers() int {
	if l.Workers > 0 {
		return l.Workers
	}
	return max(1, min(runtime.GOMAXPROCS(0)-1, runtime.NumCPU()))
}

// queue returns how many may wait in that line.
func (l *Limit) queue(line, workers int) int {
	n := l.Queue
	if n == 0 {
		n = 64 * workers
	}
	if line == low {
		n = (n + lowShare - 1) / lowShare
	}
	return n
}

func (l *Limit) acquire(ctx context.Context, line int) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("limit: %w", err)
	}
	workers := l.workers()
	l.mu.Lock()
	if l.stats.Running < workers && l.waiting[normal].Len()+l.waiting[low].Len() == 0 {
		l.stats.Running++
		l.mu.Unlock()
		return nil
	}
	if l.waiting[line].Len() >= l.queue(line, workers) {
		l.stats.Refused++
		l.mu.Unlock()
		return strategy.ErrBusy
	}
	turn := make(chan struct{})
	place := l.waiting[line].PushBack(turn)
	l.mu.Unlock()

	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-turn: // the turn came at the same moment: pass it on
		l.stats.Running--
		l.admit(workers)
	default:
		l.waiting[line].Remove(place)
	}
	return fmt.Errorf("limit: gave up waiting: %w", ctx.Err())
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

// admit gives free places to those whose turn it is: several or none, because GOMAXPROCS may have changed.
// The caller holds l.mu.
func (l *Limit) admit(workers int) {
	for l.stats.Running < workers {
		line := l.next()
		if line == nil {
			return
		}
		l.stats.Running++
		turn, _ := line.Remove(line.Front()).(chan struct{})
		close(turn)
	}
}

// next returns the line that has the next turn, nil if nobody waits.
func (l *Limit) next() *list.List {
	first, second := &l.waiting[normal], &l.waiting[low]
	switch {
	case second.Len() == 0 && first.Len() == 0:
		return nil
	case second.Len() == 0:
		l.favours = 0
		return first
	case first.Len() == 0 || l.favours >= mostFavor:
		l.favours = 0
		return second
	}
	l.favours++
	return first
}
