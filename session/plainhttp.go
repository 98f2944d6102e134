package session

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// warnPlainHTTP warns that a browser on plain http was sent a Secure cookie, which it does not keep: the
// log-in succeeds, and the next request is anonymous. It warns once a minute and not once per process,
// because any client can send such a request.
func (s *Session) warnPlainHTTP(ctx context.Context) {
	if !s.m.plainHTTPLine.due(time.Now()) {
		return
	}
	attrs := append(s.req.attrs(), slog.String("host", s.req.r.Host), slog.String("cure", "serve https, or set Config.InsecureHTTP for development on loopback"))
	s.log(ctx, slog.LevelWarn, "session: a Secure cookie was sent over plain http, where browsers do not keep it (at localhost some do), so that nobody stays logged in (logged once a minute)", attrs...)
}

// plainHTTP reports whether the browser's Origin says that its page came over plain http, or a proxy's
// header says that the request did. A request without TLS alone says nothing: behind a proxy that
// terminates TLS every request is like that. If the page came over https, the proxy's header does not
// count.
func plainHTTP(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if strings.HasPrefix(origin, "https:") {
		return false
	}
	host, ok := strings.CutPrefix(origin, "http://") // browsers leave out port 80
	return ok && strings.EqualFold(host, strings.TrimSuffix(r.Host, ":80")) || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "http")
}
