package main_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/seed-6f34412b/passport/examples/routers/ginwrap"
)

// usual is how adapters such as gwatts/gin-adapter run a middleware of net/http: they pass the request on,
// and not the response writer.
func usual(m func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		passed := false
		m(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			passed = true
			c.Request = r
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
		if !passed {
			c.Abort()
		}
	}
}

// TestWhatGinsUsualAdapterLoses: the response of gin's handlers starts before the commit.
func TestWhatGinsUsualAdapterLoses(t *testing.T) {
	for _, row := range []struct {
		name string
		wrap func(func(http.Handler) http.Handler) gin.HandlerFunc
		good bool
	}{{"the usual adapter", usual, false}, {"ginwrap", ginwrap.Middleware, true}} {
		t.Run(row.name, func(t *testing.T) {
			s := open(t, "gin", nil, nil)
			engine := gin.New()
			hello := func(c *gin.Context) { c.String(http.StatusOK, "hello joe@example.com") }
			engine.POST("/app/api/login", row.wrap(s.app.Auth.Authenticate("local")), row.wrap(s.app.Auth.LogIn), hello)
			engine.POST("/app/note", row.wrap(s.app.Sessions.Handler), func(c *gin.Context) {
				_, _ = s.app.Note(c.Request.Context(), "milk")
				c.String(http.StatusOK, "noted")
			})
			s.server.Config.Handler = engine
			v := s.visitor()
			a := v.get("api/login")
			lines := strings.Count(s.log.String(), "the response started before the commit")
			if got := len(a.Cookies()) > 0; got != row.good || row.good != (lines == 0) {
				t.Errorf("a log-in: got a cookie %t and %d lines in the log that say why not, want a cookie %t", got, lines, row.good)
			}
			s.broken.Store(true)
			a = v.get("note?milk")
			if row.good {
				if a.StatusCode != http.StatusServiceUnavailable || strings.Contains(a.text, "noted") {
					t.Errorf("a failed commit: got %d %q, want 503 without the handler's answer", a.StatusCode, a.text)
				}
				return
			}
			if a.StatusCode != http.StatusOK || a.text != "noted" {
				t.Errorf("a failed commit: got %d %q, want the handler's answer alone: it was on its way", a.StatusCode, a.text)
			}
			if got := strings.Count(s.log.String(), "the response started before the commit"); got != lines+1 {
				t.Errorf("got %d lines in the log, want %d", got, lines+1)
			}
		})
	}
}
