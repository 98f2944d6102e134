package store

import "sync/atomic"

// busyFrom is how many reads must be in flight for reading together to pay: a batch of a
// few costs each of them the hand-over to another goroutine and saves little.
const busyFrom = 12

// busyFor is how many reads still go together after the last moment at which it paid. A
// batch is answered at once, so the number in flight falls with each one: without this
// every batch would be followed by a dozen single reads, a fifth of all at 128 connections.
const busyFor = 64

// readers are the ways in which Get asks for a record: alone, or together with others
// while many are asked for at the same moment. At most one of pipeline and batches is there.
type readers struct {
	alone    *sender
	pipeline *sender  // RedisConfig.Pipeline, or nil
	batches  *batches // or nil

	from     int64 // how many reads in flight are many: busyFrom
	inFlight atomic.Int64
	stays    atomic.Int64 // how many reads still go together
}

// busy reports whether a read that finds itself one of n goes together with others.
func (a *readers) busy(n int64) bool {
	if n >= a.from {
		if a.stays.Load() < busyFor {
			a.stays.Store(busyFor)
		}
		return true
	}
	return a.stays.Load() > 0 && a.stays.Add(-1) >= 0
}
