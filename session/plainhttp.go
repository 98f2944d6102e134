package session

import (
	"context"
	"log/slog"
	"strings"
)

// warnPlainHTTP says once that a browser came over plain http and was sent a Secure cookie, which it drops: the log-in
// succeeds, and the next request knows nobody. The request itself has to say so, since behind a proxy that speaks TLS
// every request comes without: the Origin of a form, or what the proxy tells of the browser's scheme.
func (s *Session) warnPlainHTTP(ctx context.Context) {
	m, r := s.m, &s.req.r
	plain := strings.HasPrefix(r.Header.Get("Origin"), "http://"+r.Host) || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "http")
	if !plain || m.cfg.InsecureHTTP || !m.toldPlainHTTP.CompareAndSwap(false, true) {
		return
	}
	s.log(ctx, slog.LevelWarn, "session: a Secure cookie was sent over plain http, and browsers drop it, so that nobody stays logged in (told once): "+
		"serve https, or set Config.InsecureHTTP for development on loopback", append(s.req.attrs(), slog.String("host", r.Host))...)
}
