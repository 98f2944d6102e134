package store

import "sync/atomic"

// busyFrom is the number of reads in flight from which reading together pays: for fewer, the hand-over to
// another goroutine costs more than the batch saves.
const busyFrom = 12

// busyFor is how many reads still go together after fewer than busyFrom were in flight. All reads of a
// batch are answered at the same moment, so the number in flight falls with each batch. Without busyFor, a
// dozen single reads would follow every batch: a fifth of all reads at 128 connections.
const busyFor = 64

// readers are the ways in which Get reads a record: alone, or together with others while many reads are in
// flight. At most one of pipeline and batches is set.
type readers struct {
	alone    *sender
	pipeline *sender  // RedisConfig.Pipeline, or nil
	batches  *batches // or nil

	from     int64 // busyFrom; 1 in some tests; the largest int64 if all reads go alone
	inFlight atomic.Int64
	stays    atomic.Int64 // how many more reads go together
}

// busy reports whether a read goes together with others. n is the number of reads in flight, with this one.
func (a *readers) busy(n int64) bool {
	if n >= a.from {
		if a.stays.Load() < busyFor {
			a.stays.Store(busyFor)
		}
		return true
	}
	return a.stays.Load() > 0 && a.stays.Add(-1) >= 0
}
