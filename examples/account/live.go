package main

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/guard"
)

// live is a stream of events. It ends when its log-in ends, on any device: docs/STREAMS.md.
func (a *app) live(w http.ResponseWriter, r *http.Request) error {
	tell := func(ctx context.Context, send func(guard.ServerSentEvent) error) (err error) {
		for ctx.Err() == nil && err == nil {
			err = send(guard.ServerSentEvent{Data: time.Now().Format(time.TimeOnly)})
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Second):
			}
		}
		return err
	}
	return a.auth.ServerSentEvents(w, r, tell)
}
