package session

import (
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/internal/record"
)

// ErrNoHandler is returned by [FromContext] outside of a [Manager.Handler].
var ErrNoHandler = errors.New("session: no session in this context: wrap the route in Manager.Handler or in a guard's middleware, and pass on the request's own context")

// ErrSessionEnded is returned when the session was ended, by a log-out or its time
// limit, while this request was using it. Its changes are dropped. The default
// answer is 409.
var ErrSessionEnded = errors.New("session: ended while the request was using it")

// ErrSessionChanged is returned when the user of the session changed while this request
// was using it. Its changes are dropped, so that nothing done as one user gets into
// another's session. The default answer is 409.
var ErrSessionChanged = errors.New("session: now belongs to another log-in")

// ErrCommitted is returned by every change of a session after the response has
// started: the commit is over and the change would be lost. Make the change before
// the first Write, WriteHeader or Flush.
var ErrCommitted = errors.New("session: changed after the response had started: make the change before the first byte is written")

// ErrTooLarge is returned by every change, such as [Key.Set] and [Session.Flash], that would
// make the record larger than MaxRecordBytes, or nest it too deeply: nothing is changed
// then. A commit returns it if another request filled the record meanwhile. It is not an
// outage: the default answer is 500. Keep large data in a database and its key in the
// session.
var ErrTooLarge = record.ErrTooLarge

// ErrValueType is returned by [Key.Get], [Key.Update] and [Session.Flashes] when the session
// holds a value of another type than the Key's: an earlier release, or Node, stored it. It
// is not an outage: the default answer is 500. See [Key] for what to do.
var ErrValueType = errors.New("session: the value has another type than its Key")

// errorHandlers returns the functions that may answer a failed commit, in order. The next one is asked if
// one writes nothing: a failure must not look like a 200.
func (q *request) errorHandlers() []func(http.ResponseWriter, *http.Request, error) {
	list := make([]func(http.ResponseWriter, *http.Request, error), 0, 3)
	if f := q.sess.m.cfg.ErrorHandler; f != nil {
		list = append(list, f)
	}
	q.sess.lock()
	guarded := q.guarded
	q.sess.mu.Unlock()
	if guarded != nil {
		list = append(list, guarded) // in the same form as the guard's other refusals
	}
	return append(list, answerError)
}

// answerError is the default ErrorHandler. It reveals nothing about err.
func answerError(w http.ResponseWriter, _ *http.Request, err error) {
	status := http.StatusServiceUnavailable
	text := "The session could not be saved. Please try again."
	switch {
	case errors.Is(err, ErrSessionEnded), errors.Is(err, ErrSessionChanged):
		status = http.StatusConflict
		text = "The session ended or changed while this request was running. Please try again."
	case errors.Is(err, ErrTooLarge), errors.Is(err, ErrValueType):
		status = http.StatusInternalServerError
		text = "The session could not be saved."
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, status)
}
