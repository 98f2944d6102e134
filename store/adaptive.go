package store

import "sync/atomic"

// pipelineFrom is how many reads must be in flight for the pipeline to pay: a batch of
// a few costs each of them the hand-over to another goroutine and saves little.
const pipelineFrom = 12

// pipelineStays is how many reads still take the pipeline after the last moment at
// which it paid. A batch is answered at once, so the number in flight falls with each
// one: without this every batch would be followed by a dozen single reads, a fifth of
// all at 128 connections.
const pipelineStays = 64

// readers chooses how a record is asked for: directly, or through the automatic
// pipeline while many others are asked for at the same moment.
type readers struct {
	direct   *sender
	pipeline *sender // nil: always directly
	inFlight atomic.Int64
	stays    atomic.Int64 // how many reads still take the pipeline
}

// choose returns the way for one read, which calls done at its end.
func (a *readers) choose() (via *sender, done func()) {
	via = a.direct
	if a.busy(a.inFlight.Add(1)) {
		via = a.pipeline
	}
	return via, func() { a.inFlight.Add(-1) }
}

// busy reports whether a read that finds itself one of n takes the pipeline.
func (a *readers) busy(n int64) bool {
	if n >= pipelineFrom {
		if a.stays.Load() < pipelineStays {
			a.stays.Store(pipelineStays)
		}
		return true
	}
	return a.stays.Load() > 0 && a.stays.Add(-1) >= 0
}
