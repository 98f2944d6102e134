// Package ginwrap answers: how does gin run a middleware of net/http?
//
// A middleware may replace the response writer, as sessions and compression do. gin's handlers write to
// gin.Context.Writer, so that has to be the middleware's writer while they run. Adapters that do not set it,
// such as gwatts/gin-adapter, let the response start before the session is saved.
package ginwrap

import (
	"bufio"
	"io"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"
)

// Middleware returns m for gin's Use and for its routes. If m does not call its handler, the handlers that
// follow do not run.
func Middleware(m func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		outer, passed := c.Writer, false
		m(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			passed = true
			inner := &writer{ResponseWriter: outer, w: w, status: http.StatusOK, size: -1}
			c.Writer, c.Request = inner, r
			defer func() { c.Writer = outer }() // a recovery further out uses its own
			c.Next()
			if inner.size < 0 && inner.status != http.StatusOK {
				w.WriteHeader(inner.status) // c.Status(204) writes nothing by itself
			}
		})).ServeHTTP(outer, c.Request)
		if !passed {
			c.Abort()
		}
	}
}

// writer is a gin.ResponseWriter that writes to w. Like gin's own it keeps the status until the first byte.
type writer struct {
	gin.ResponseWriter // the one further out
	w                  http.ResponseWriter
	status, size       int // a size of -1 says that nothing is written
}

func (w *writer) Header() http.Header         { return w.w.Header() }
func (w *writer) Unwrap() http.ResponseWriter { return w.w }
func (w *writer) Status() int                 { return w.status }
func (w *writer) Size() int                   { return w.size }
func (w *writer) Written() bool               { return w.size >= 0 }

func (w *writer) WriteHeader(status int) {
	if status > 0 && w.size < 0 {
		w.status = status
	}
}

func (w *writer) WriteHeaderNow() {
	if w.size < 0 {
		w.size = 0
		w.w.WriteHeader(w.status)
	}
}

func (w *writer) Write(p []byte) (int, error) {
	w.WriteHeaderNow()
	n, err := w.w.Write(p)
	w.size += n
	return n, err
}

func (w *writer) WriteString(s string) (int, error) {
	w.WriteHeaderNow()
	n, err := io.WriteString(w.w, s)
	w.size += n
	return n, err
}

func (w *writer) Flush() {
	w.WriteHeaderNow()
	_ = http.NewResponseController(w.w).Flush()
}

func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.size < 0 {
		w.size = 0
	}
	if w.ResponseWriter.Status() == http.StatusSwitchingProtocols {
		w.ResponseWriter.WriteHeaderNow() // what was written to w is still kept there
	}
	return http.NewResponseController(w.w).Hijack()
}
