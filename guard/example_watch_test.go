package guard_test

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/guard"
)

// A stream of events that ends with the log-in, and says why: the page goes to the log-in page
// then.
func ExampleGuard_ServerSentEvents() {
	auth := newClub(slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	mux.Handle("GET /live", auth.RequireAuth(auth.Handle(func(w http.ResponseWriter, r *http.Request) error {
		second := time.NewTicker(time.Second)
		defer second.Stop()
		return auth.ServerSentEvents(w, r, func(ctx context.Context, send func(guard.ServerSentEvent) error) error {
			for {
				select {
				case <-ctx.Done():
					return nil
				case now := <-second.C:
					if err := send(guard.ServerSentEvent{Data: now.Format(time.TimeOnly)}); err != nil {
						return err
					}
				}
			}
		})
	})))
}

// A long poll that ends with the log-in.
func ExampleGuard_Watch() {
	auth := newClub(slog.New(slog.DiscardHandler))
	news := make(chan string)
	mux := http.NewServeMux()
	mux.Handle("GET /news", auth.RequireAuth(auth.Handle(func(w http.ResponseWriter, r *http.Request) error {
		ctx, err := auth.Watch(r.Context())
		if err != nil {
			return err
		}
		select {
		case text := <-news:
			_, err = w.Write([]byte(text))
			return err
		case <-ctx.Done():
			return context.Cause(ctx) // a *guard.LogInEnded: 401
		}
	})))
}
