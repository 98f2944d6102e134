package store

import (
	"context"
	"sync/atomic"
)

// pipelineFrom is how many reads must be in flight for the pipeline to pay: a batch of
// a few costs each of them the hand-over to another goroutine and saves little.
const pipelineFrom = 12

// readers chooses how a record is asked for: directly, or through the automatic
// pipeline while many others are asked for at the same moment.
type readers struct {
	direct   *sender
	pipeline *sender // nil: always directly
	inFlight atomic.Int64
}

// get asks for what id has, by ask.
func (a *readers) get(ctx context.Context, id string, ask func(ctx context.Context, via *sender, id string) ([]byte, error)) ([]byte, error) {
	if a.pipeline == nil {
		return ask(ctx, a.direct, id)
	}
	n := a.inFlight.Add(1)
	defer a.inFlight.Add(-1)
	if n < pipelineFrom {
		return ask(ctx, a.direct, id)
	}
	return ask(ctx, a.pipeline, id)
}
