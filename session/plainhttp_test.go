package session_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// TestASecureCookieOverPlainHTTPIsSaid (G35), once a minute: the browser does not keep the cookie, and
// nothing else shows why nobody stays logged in. A client that makes up such a request does not use up the
// line.
func TestASecureCookieOverPlainHTTPIsSaid(t *testing.T) {
	const name session.Key[int] = "n"
	for _, row := range []struct {
		name   string
		header http.Header
		edit   func(*session.Config)
		want   int
	}{
		{"a form of a page over http", http.Header{"Origin": {"http://app.example"}}, func(*session.Config) {}, 1},
		{"a proxy that was asked by http", http.Header{"X-Forwarded-Proto": {"http"}}, func(*session.Config) {}, 1},
		{"a proxy that speaks TLS", http.Header{"Origin": {"https://app.example"}, "X-Forwarded-Proto": {"https"}}, func(*session.Config) {}, 0},
		{"a proxy that says nothing", http.Header{}, func(*session.Config) {}, 0},
		{"a form of another site", http.Header{"Origin": {"http://other.example"}}, func(*session.Config) {}, 0},
		{"a form of another port", http.Header{"Origin": {"http://app.example:8080"}}, func(*session.Config) {}, 0},
		{"a form of a site whose name begins like ours", http.Header{"Origin": {"http://app.example.evil.test"}}, func(*session.Config) {}, 0},
		{"a page over https, and a proxy behind that was asked by http", http.Header{"Origin": {"https://app.example"}, "X-Forwarded-Proto": {"http"}}, func(*session.Config) {}, 0},
		{"InsecureHTTP", http.Header{"Origin": {"http://app.example"}}, func(c *session.Config) { c.InsecureHTTP = true }, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			memory, err := store.Memory(store.MemoryConfig{})
			if err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			cfg := session.Config{Store: memory.Sessions, Codec: session.SecureCookie("a made-up secret of 32 bytes or more"), Logger: slog.New(slog.NewTextHandler(&log, nil))}
			row.edit(&cfg)
			m, err := session.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			h := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				s, err := session.FromContext(r.Context())
				if err == nil {
					err = name.Set(s, 1)
				}
				clear(r.Header) // the header as received counts
				if err != nil {
					t.Error(err)
				}
			}))
			for i, host := range []string{"app.example", "App.Example:80"} {
				for range 3 {
					r := httptest.NewRequest(http.MethodPost, "/", nil)
					r.Host, r.Header = host, row.header.Clone()
					h.ServeHTTP(httptest.NewRecorder(), r)
					if got, want := strings.Count(log.String(), "over plain http"), row.want*(i+1); got != want {
						t.Errorf("%s: in minute %d, to %s, the log has the line %d times, want %d: %s", row.name, i+1, host, got, want, &log)
					}
				}
				time.Sleep(time.Minute)
			}
		})
	}
}
