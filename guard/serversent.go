package guard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	eventWrite     = 10 * time.Second // how long a client may take for one event
	eventKeepAlive = 15 * time.Second // how long a stream is silent at most
)

// ServerSentEvent is an event of a stream of [Guard.ServerSentEvents]. Its zero value is a message with empty
// data.
type ServerSentEvent struct {
	Name string // for addEventListener; empty means "message"; "end" is the library's
	ID   string // the browser sends it as Last-Event-ID when it connects again; empty sends none
	Data string // may have several lines
}

// ServerSentEvents answers r by a stream of server-sent events, which ends when the log-in of its user ends
// ([Guard.Watch]). stream sends the events. It returns when it has no more, after which a browser connects
// again unless its page has closed the stream, or when ctx ends:
//
//	func live(w http.ResponseWriter, r *http.Request) error {
//		tell := func(ctx context.Context, send func(guard.ServerSentEvent) error) error {
//			for {
//				select {
//				case <-ctx.Done():
//					return nil
//				case text := <-news:
//					if err := send(guard.ServerSentEvent{Data: text}); err != nil {
//						return err
//					}
//				}
//			}
//		}
//		return auth.ServerSentEvents(w, r, tell)
//	}
//
//	mux.Handle("GET /live", auth.RequireAuth(auth.Handle(live)))
//
// ctx ends with the log-in, when the client has left, and when the server's Shutdown begins, which would wait
// for the stream otherwise. Where sessions are bound to devices it also ends after
// session.DeviceBound.Lifetime: the browser connects again, and proves its key again. After the end of a
// log-in the client gets an event "end", whose data is LogInEnded.Reason:
//
//	const live = new EventSource("/live")
//	live.addEventListener("end", e => { live.close(); location = "/login?reason=" + e.data })
//
// The server's ReadTimeout and WriteTimeout do not end the stream. A client that takes no event for ten
// seconds has left. After 15 s without an event a comment is sent, so that no proxy ends the connection.
// nginx is told not to buffer (X-Accel-Buffering). The answer to HEAD has no events, and stream is not called.
//
// The error is that of Watch, before anything was sent; one that stream returned while the client was there;
// or that w cannot stream. send is safe for concurrent use until stream returns; its error says that ctx has
// ended, after which nothing is sent, or that a name or an ID has a line break. It panics if stream is nil.
func (g *Guard[U]) ServerSentEvents(
	w http.ResponseWriter, r *http.Request,
	stream func(ctx context.Context, send func(ServerSentEvent) error) error,
) error {
	if stream == nil {
		panic("guard: ServerSentEvents: the function is nil")
	}
	ctx, leave := context.WithCancel(r.Context())
	defer leave()
	if g.binds {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, g.cfg.Sessions.Binding().Lifetime)
		defer cancel()
	}
	ctx, err := g.Watch(ctx)
	if err != nil {
		return err
	}
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
		defer context.AfterFunc(g.shutdowns.of(server), leave)()
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead { // its connection is for the next request at once
		return nil
	}
	e := &eventWriter{w: w, control: http.NewResponseController(w), leave: leave}
	_ = e.control.SetReadDeadline(time.Time{}) // an error means that there is none
	defer e.stop()
	if err = e.write(": connected\n\n"); err == nil {
		err = stream(ctx, func(event ServerSentEvent) error {
			if ctx.Err() != nil { // of two cases that are ready, a select may choose the news
				return context.Cause(ctx)
			}
			return e.send(event)
		})
	}
	if ended, ok := errors.AsType[*LogInEnded](context.Cause(ctx)); ok {
		_ = e.write("event: end\ndata: " + ended.Reason + "\n\n")
		return nil
	}
	if errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("guard: server-sent events: the ResponseWriter cannot flush: %w", err)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// eventWriter writes events, and comments while there are none.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	leave   context.CancelFunc // ends the stream's context

	mu     sync.Mutex
	silent *time.Timer // nil before the first event
	err    error       // of the first write that failed
}

// send is the function that streams get.
func (e *eventWriter) send(event ServerSentEvent) error {
	if strings.ContainsAny(event.Name+event.ID, "\r\n\x00") {
		return errors.New("guard: server-sent events: a name or an ID has a line break")
	}
	var text strings.Builder
	if event.Name != "" {
		text.WriteString("event: " + event.Name + "\n")
	}
	if event.ID != "" {
		text.WriteString("id: " + event.ID + "\n")
	}
	lines := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(event.Data)
	for line := range strings.SplitSeq(lines, "\n") {
		text.WriteString("data: " + line + "\n")
	}
	return e.write(text.String() + "\n")
}

func (e *eventWriter) write(text string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil {
		return e.err
	}
	_ = e.control.SetWriteDeadline(time.Now().Add(eventWrite))
	_, err := e.w.Write([]byte(text))
	if e.err = errors.Join(err, e.control.Flush()); e.err != nil {
		e.leave()
		return e.err
	}
	_ = e.control.SetWriteDeadline(time.Time{}) // that of HTTP/2 ends a stream also while nothing is written
	if e.silent == nil {
		e.silent = time.AfterFunc(eventKeepAlive, func() { _ = e.write(":\n\n") })
	} else {
		e.silent.Reset(eventKeepAlive)
	}
	return nil
}

// stop waits for a comment that is being written, and lets none follow. The end of the response has a deadline
// too.
func (e *eventWriter) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.control.SetWriteDeadline(time.Now().Add(eventWrite))
	e.err = http.ErrHandlerTimeout
	if e.silent != nil {
		e.silent.Stop()
	}
}

// shutdowns has a context for each server that has had a stream. It ends when the server's Shutdown begins.
type shutdowns struct{ servers sync.Map }

func (s *shutdowns) of(server *http.Server) context.Context {
	if known, ok := s.servers.Load(server); ok {
		return known.(context.Context)
	}
	ctx, ends := context.WithCancel(context.Background())
	known, was := s.servers.LoadOrStore(server, ctx)
	if was {
		ends()
	} else {
		server.RegisterOnShutdown(ends)
	}
	return known.(context.Context)
}
