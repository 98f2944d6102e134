package together

import "sync/atomic"

// From is the number of calls in flight from which sending together pays: for fewer, the hand-over to another
// goroutine costs more than the batch saves.
const From = 6

// busyFor is how many calls still go together after fewer than From were in flight. All calls of a batch are
// answered at the same moment, so the number in flight falls with each batch. Without busyFor, up to From
// single calls would follow every batch.
const busyFor = 64

// Load says whether the calls of a store go together: while many are in flight. A call adds itself to
// InFlight until it ends, and looks at the numbers itself, since most find that they go alone.
type Load struct {
	From     int64 // 1 in some tests
	InFlight atomic.Int64
	Stays    atomic.Int64 // how many more calls go together
}

// Joined counts a call that goes together with others, when n were in flight.
func (l *Load) Joined(n int64) {
	if n < l.From {
		l.Stays.Add(-1)
	} else if l.Stays.Load() < busyFor {
		l.Stays.Store(busyFor)
	}
}
