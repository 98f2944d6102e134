package article

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/guard"
)

// live is a stream of server-sent events, one a second. When its log-in ends, it sends the event "end" with
// the reason, and ends too. The page goes to the log-in page then:
//
//	const live = new EventSource("/live")
//	live.addEventListener("end", e => { live.close(); location = "/login?reason=" + e.data })
func (a *app) live(w http.ResponseWriter, r *http.Request) error {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	return a.auth.ServerSentEvents(w, r, func(ctx context.Context, send func(guard.ServerSentEvent) error) error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case now := <-second.C:
				if err := send(guard.ServerSentEvent{Data: now.UTC().Format(time.RFC3339)}); err != nil {
					return err
				}
			}
		}
	})
}
