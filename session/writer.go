package session

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// responseWriter commits the session before the first byte of the response. It has every optional method of
// net/http's own writers, so that a handler can assert each; if the writer below lacks one, it returns
// [http.ErrNotSupported]. Unwrap is for [http.ResponseController].
type responseWriter struct {
	http.ResponseWriter
	q         *request
	phase     phase
	wrote     bool  // the response has started
	over      bool  // the handler has returned or panicked
	bypassed  bool  // the writer below had started the response before the commit
	consulted bool  // it depends on the session's cookie
	noStore   bool  // no cache may keep it
	err       error // why the commit failed
}

// phase says whose response a writer accepts.
type phase uint8

const (
	uncommitted phase = iota // nothing written yet
	committed                // the handler's
	failed                   // the commit failed, and is not answered yet
	answering                // the error handler's, which is running
	answered                 // nothing more is accepted
)

// discarded is the error of a handler's Write after the commit failed. It wraps the cause, so that a
// handler that passes it on does not cause another report.
func (w *responseWriter) discarded() error {
	return fmt.Errorf("session: response discarded: the session could not be committed: %w", w.err)
}

// errPanicked is the failure of a commit that panicked.
var errPanicked = errors.New("session: the commit panicked")

// start reports whether the caller may write; writes says that this starts the response. The first call
// commits the session, and answers if that fails.
func (w *responseWriter) start(writes bool) bool {
	if w.phase == uncommitted {
		if w.over { // the handler panicked: this is the response of the middleware that recovered
			w.phase = committed
		} else {
			w.commit()
		}
	}
	if w.phase == failed {
		w.answer()
	}
	ok := w.phase == committed || w.phase == answering
	w.wrote = w.wrote || ok && writes
	return ok
}

// commit commits the session for the last time, and calls the AfterCommit functions. Afterwards nothing can
// be changed. If it panics, it has failed: the panic continues, and nothing that is written afterwards is
// sent as the handler's response.
func (w *responseWriter) commit() {
	q, s := w.q, &w.q.sess
	w.phase, w.err = failed, errPanicked
	if below, ok := w.ResponseWriter.(interface{ Written() bool }); ok {
		w.bypassed = below.Written()
	}
	var outage error
	var left *answer
	var after []afterCommit
	noStore := false
	defer func() { // the session is unlocked, so the functions may use it
		if w.err != nil {
			q.logFailure("session: not saved, the request is answered with an error", w.err)
		} else {
			defer q.addHeaders(left, noStore) // includes the cookies that the functions add
			if outage != nil && q.Context.Err() == nil {
				q.logFailure("session: could not be loaded", outage)
			}
		}
		if w.bypassed && (w.err != nil || left != nil && len(left.sent)+len(left.cookies) > 0) {
			q.logBypassed()
		}
		for _, a := range after {
			a.f(a.outcome(w.err), a.repeated)
		}
	}()
	s.lock()
	defer func() {
		s.closed, w.consulted = true, s.consult
		if s.failed {
			outage = s.visit.Outage()
		}
		left, noStore = q.left, w.noStore
		if left != nil {
			after, left.after = left.after, nil
		}
		s.mu.Unlock()
	}()
	if w.err = s.commit(q.Context, s.visit.At); w.err == nil {
		w.phase = committed
	}
}

// answer answers a failed commit, with the first error handler that writes something.
func (w *responseWriter) answer() {
	if w.bypassed {
		w.phase = answered // the response has started: an answer would come after its bytes
		return
	}
	w.phase = answering
	defer func() { w.phase = answered }()
	w.q.sess.lock()
	left, noStore := w.q.left, w.noStore
	w.q.sess.mu.Unlock()
	w.q.dropHeaders()
	w.q.addHeaders(left, noStore)
	for _, handler := range w.q.errorHandlers() {
		if handler(w, &w.q.r, w.err); w.wrote {
			return
		}
	}
}

func (w *responseWriter) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		if w.phase != failed && w.phase != answered {
			w.ResponseWriter.WriteHeader(status) // an early hint is not the response
		}
		return
	}
	if w.start(true) {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *responseWriter) Write(p []byte) (int, error) {
	if !w.start(true) {
		return 0, w.discarded()
	}
	return w.ResponseWriter.Write(p)
}

// WriteString implements [io.StringWriter].
func (w *responseWriter) WriteString(s string) (int, error) {
	if !w.start(true) {
		return 0, w.discarded()
	}
	return io.WriteString(w.ResponseWriter, s)
}

// ReadFrom implements [io.ReaderFrom], for sendfile.
func (w *responseWriter) ReadFrom(src io.Reader) (int64, error) {
	if !w.start(true) {
		return 0, w.discarded()
	}
	return io.Copy(w.ResponseWriter, src)
}

// Flush implements [http.Flusher].
func (w *responseWriter) Flush() { _ = w.FlushError() }

// FlushError is preferred to Flush by [http.ResponseController].
func (w *responseWriter) FlushError() error {
	if !w.start(true) {
		return w.discarded()
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack implements [http.Hijacker]. The session is committed first; whoever hijacks the connection must
// send the header with the new cookie.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !w.start(true) {
		return nil, nil, w.discarded()
	}
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Push implements [http.Pusher]. It does not commit: a push is a request of its own, not part of this
// response.
func (w *responseWriter) Push(target string, opts *http.PushOptions) error {
	if w.phase == failed || w.phase == answered {
		return w.discarded()
	}
	if p, ok := w.ResponseWriter.(http.Pusher); ok {
		return p.Push(target, opts)
	}
	return http.ErrNotSupported
}

// Unwrap lets [http.ResponseController] reach the writer below. Deadlines and full
// duplex do not start the response; Flush and Hijack are found here first.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
