package store

import "sync/atomic"

// busyFrom is the number of calls in flight from which sending together pays: for fewer, the hand-over to
// another goroutine costs more than the batch saves.
const busyFrom = 12

// busyFor is how many calls still go together after fewer than busyFrom were in flight. All calls of a
// batch are answered at the same moment, so the number in flight falls with each batch. Without busyFor, a
// dozen single reads would follow every batch: a fifth of all reads at 128 connections.
const busyFor = 64

// load says whether the calls of a store go together: while many are in flight.
type load struct {
	from     int64 // busyFrom; 1 in some tests
	inFlight atomic.Int64
	stays    atomic.Int64 // how many more calls go together
}

// enter counts a call, until leave, and reports whether it goes together with others.
func (l *load) enter() bool {
	if l.inFlight.Add(1) >= l.from {
		if l.stays.Load() < busyFor {
			l.stays.Store(busyFor)
		}
		return true
	}
	return l.stays.Load() > 0 && l.stays.Add(-1) >= 0
}

func (l *load) leave() { l.inFlight.Add(-1) }

// readers are the ways in which Get reads a record: alone, or under load together with others, by the
// pipeline or by one MGET. At most one of pipeline and batches is set.
type readers struct {
	alone    *sender
	pipeline *sender  // RedisConfig.Pipeline, or nil
	batches  *batches // those of the store's own client, or nil
}
