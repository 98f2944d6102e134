package article

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/guard"
)

// writeTime is how long a client may take for one event.
const writeTime = 10 * time.Second

// live is a stream of server-sent events, one a second. When its log-in ends, it sends the event "end" with
// the reason, and ends too. The page goes to the log-in page then:
//
//	const live = new EventSource("/live")
//	live.addEventListener("end", e => { live.close(); location = "/login?reason=" + e.data })
func (a *app) live(w http.ResponseWriter, r *http.Request) {
	ctx, err := a.auth.Watch(r.Context())
	if err != nil {
		a.auth.Error(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // the server's own limits are for requests
	send := func(format string, args ...any) error {
		_ = out.SetWriteDeadline(time.Now().Add(writeTime))
		_, err := fmt.Fprintf(w, format, args...)
		return errors.Join(err, out.Flush())
	}
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for err = send(": connected\n\n"); err == nil; {
		select {
		case <-a.stopping: // the page connects again, to another process
			return
		case <-ctx.Done(): // the client went away, or the log-in has ended
			if ended, ok := errors.AsType[*guard.LogInEnded](context.Cause(ctx)); ok {
				_ = send("event: end\ndata: %s\n\n", ended.Reason)
			}
			return
		case now := <-second.C:
			err = send("data: %s\n\n", now.UTC().Format(time.RFC3339))
		}
	}
}
