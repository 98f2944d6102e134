package guard

import (
	"bufio"
	"net"
	"net/http"
)

// startWatcher records whether a handler has started the response.
type startWatcher struct {
	http.ResponseWriter
	started bool
}

// WriteHeader implements [http.ResponseWriter]. An early hint is not the response.
func (w *startWatcher) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.started = true
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *startWatcher) Write(p []byte) (int, error) {
	w.started = true
	return w.ResponseWriter.Write(p)
}

// Flush implements [http.Flusher].
func (w *startWatcher) Flush() { _ = w.FlushError() }

// FlushError is preferred to Flush by [http.ResponseController].
func (w *startWatcher) FlushError() error {
	w.started = true
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack implements [http.Hijacker].
func (w *startWatcher) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.started = true
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap serves [http.ResponseController].
func (w *startWatcher) Unwrap() http.ResponseWriter { return w.ResponseWriter }
