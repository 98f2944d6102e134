package guard_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/guard"
)

// A stream of events that ends with the log-in, and says why: the page goes to the log-in page
// then.
func ExampleGuard_Watch() {
	auth := newClub(slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	mux.Handle("GET /live", auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, err := auth.Watch(r.Context())
		if err != nil {
			auth.Error(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		second := time.NewTicker(time.Second)
		defer second.Stop()
		for {
			select {
			case <-ctx.Done():
				if ended, ok := errors.AsType[*guard.LogInEnded](context.Cause(ctx)); ok {
					fmt.Fprintf(w, "event: end\ndata: %s\n\n", ended.Reason)
				}
				return
			case now := <-second.C:
				fmt.Fprintf(w, "data: %s\n\n", now.Format(time.TimeOnly))
				_ = http.NewResponseController(w).Flush()
			}
		}
	})))
}
