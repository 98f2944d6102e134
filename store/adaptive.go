package store

import "sync/atomic"

// busyFrom is the number of calls in flight from which sending together pays: for fewer, the hand-over to
// another goroutine costs more than the batch saves.
const busyFrom = 6

// busyFor is how many calls still go together after fewer than busyFrom were in flight. All calls of a
// batch are answered at the same moment, so the number in flight falls with each batch. Without busyFor, up
// to busyFrom single reads would follow every batch.
const busyFor = 64

// load says whether the calls of a store go together: while many are in flight. A call adds itself to inFlight
// until it ends, and looks at both numbers itself, since most find that they go alone.
type load struct {
	from     int64 // busyFrom; 1 in some tests
	inFlight atomic.Int64
	stays    atomic.Int64 // how many more calls go together
}

// joined counts a call that goes together with others, when n were in flight.
func (l *load) joined(n int64) {
	if n < l.from {
		l.stays.Add(-1)
	} else if l.stays.Load() < busyFor {
		l.stays.Store(busyFor)
	}
}

// readers are the ways in which Get reads a record: alone, or under load together with others, by the
// pipeline or by one MGET. At most one of pipeline and batches is set.
type readers struct {
	alone    *sender
	pipeline *sender  // RedisConfig.Pipeline, or nil
	batches  *batches // those of the store's own client, or nil
}
