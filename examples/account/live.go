package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/guard"
)

// live is a stream of events. It ends when its log-in ends, on any device: docs/STREAMS.md.
func (a *app) live(w http.ResponseWriter, r *http.Request) error {
	ctx, err := a.auth.Watch(r.Context())
	if err != nil {
		return err
	}
	stream := http.NewResponseController(w)
	_ = stream.SetWriteDeadline(time.Time{}) // the server's deadline is for pages
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	clock := time.NewTicker(5 * time.Second)
	defer clock.Stop()
	enough := time.After(5 * time.Minute) // the browser connects again, and proves its device's key again
	for now := time.Now(); ; {
		_, err := fmt.Fprintf(w, "data: %s\n\n", now.Format(time.TimeOnly))
		if err != nil || stream.Flush() != nil {
			return nil // the browser has disconnected
		}
		select {
		case <-enough:
			return nil
		case <-a.ending: // the browser connects again, to the next program
			return nil
		case <-ctx.Done():
			if ended, ok := errors.AsType[*guard.LogInEnded](context.Cause(ctx)); ok {
				_, _ = fmt.Fprintf(w, "event: end\ndata: %s\n\n", ended.Reason)
			}
			return nil
		case now = <-clock.C:
		}
	}
}
