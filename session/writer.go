package session

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

// responseWriter commits the session before the first byte of the response.
//
// It has every optional method of net/http's own writers, so that a handler which
// asserts one finds it; each answers [http.ErrNotSupported] where the writer below
// lacks it. Unwrap serves [http.ResponseController].
type responseWriter struct {
	http.ResponseWriter
	q       *request
	started bool
	failed  bool
}

// errDiscarded is what a handler's Write gets after the commit failed.
var errDiscarded = errors.New("session: response discarded: the session could not be committed")

// start commits the session once, and reports whether the handler's response may
// pass. When the commit fails, the error handler has answered.
func (w *responseWriter) start() bool {
	if w.started {
		return !w.failed
	}
	w.started = true
	q := w.q
	s := &q.sess
	s.mu.Lock()
	err := s.finish(q.Context)
	consulted := s.consult
	s.mu.Unlock()
	q.Committed(err)
	if err == nil {
		q.addHeaders(consulted)
		return true
	}
	w.failed = true
	q.dropHeaders()
	q.addHeaders(consulted)
	q.errorHandler()(w.ResponseWriter, &q.r, err)
	return false
}

func (w *responseWriter) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		if !w.failed {
			w.ResponseWriter.WriteHeader(status) // an early hint is not the response
		}
		return
	}
	if w.start() {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *responseWriter) Write(p []byte) (int, error) {
	if !w.start() {
		return 0, errDiscarded
	}
	return w.ResponseWriter.Write(p)
}

// WriteString implements [io.StringWriter].
func (w *responseWriter) WriteString(s string) (int, error) {
	if !w.start() {
		return 0, errDiscarded
	}
	return io.WriteString(w.ResponseWriter, s)
}

// ReadFrom implements [io.ReaderFrom], for sendfile.
func (w *responseWriter) ReadFrom(src io.Reader) (int64, error) {
	if !w.start() {
		return 0, errDiscarded
	}
	return io.Copy(w.ResponseWriter, src)
}

// Flush implements [http.Flusher].
func (w *responseWriter) Flush() { _ = w.FlushError() }

// FlushError is what [http.ResponseController] prefers to Flush.
func (w *responseWriter) FlushError() error {
	if !w.start() {
		return errDiscarded
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack implements [http.Hijacker]. The session is committed first; the header that
// carries a new cookie is the hijacker's to send.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !w.start() {
		return nil, nil, errDiscarded
	}
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Push implements [http.Pusher].
func (w *responseWriter) Push(target string, opts *http.PushOptions) error {
	if !w.start() {
		return errDiscarded
	}
	if p, ok := w.ResponseWriter.(http.Pusher); ok {
		return p.Push(target, opts)
	}
	return http.ErrNotSupported
}

// Unwrap lets [http.ResponseController] reach the writer below. Deadlines and full
// duplex do not start the response; Flush and Hijack are found here first.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
