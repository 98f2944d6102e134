package session

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// warnPlainHTTP says that a browser came over plain http and was sent a Secure cookie, which
// it does not keep: the log-in succeeds, and the next request knows nobody. It says so once a
// minute, since any client can send such a request, and must not use up the line for good.
func (s *Session) warnPlainHTTP(ctx context.Context) {
	if !s.m.plainHTTPLine.due(time.Now()) {
		return
	}
	attrs := append(s.req.attrs(), slog.String("host", s.req.r.Host), slog.String("cure", "serve https, or set Config.InsecureHTTP for development on loopback"))
	s.log(ctx, slog.LevelWarn, "session: a Secure cookie was sent over plain http, where browsers do not keep it (at localhost some do), so that nobody stays logged in (told once a minute)", attrs...)
}

// plainHTTP reports whether the browser says that its page came over plain http, or a proxy
// that it was asked so. The request itself has to say it: behind a proxy that speaks TLS every
// request comes without. Where the page came over https, a proxy's word does not count.
func plainHTTP(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if strings.HasPrefix(origin, "https:") {
		return false
	}
	host, ok := strings.CutPrefix(origin, "http://") // a browser leaves out the port 80
	return ok && strings.EqualFold(host, strings.TrimSuffix(r.Host, ":80")) || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "http")
}
