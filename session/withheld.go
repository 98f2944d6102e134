package session

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/cookies"
)

// presents reports whether the request came with a cookie of the session, valid or not.
func (s *Session) presents() bool {
	return slices.ContainsFunc(s.m.accept, func(a accepted) bool { return cookies.Sent(s.cookies, a.name) })
}

// withholds reports whether browsers send r, which another site caused, without cookies that have the
// SameSite of (RFC 6265bis §5.8.3). The cookie of a new session would then replace that of a live one.
//
// It is decided by Sec-Fetch-Site, which browsers send over https since 2020 (Safari: 2023). A request from
// the same site, from a subdomain, or from outside any page has the cookie, and so may one with the cookie
// of another configuration. Without the header, the cookie counts as sent.
func withholds(r *http.Request, of http.SameSite) bool {
	return of == http.SameSiteStrictMode || of != http.SameSiteNoneMode && !followsLink(r)
}

// followsLink reports whether r is a navigation of a top-level window by a safe method: with those,
// browsers send Lax cookies from other sites.
func followsLink(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	}
	return false
}

// warnWithheld logs that what a visitor without a session stored is visible to this request only (S13).
func (s *Session) warnWithheld(ctx context.Context) {
	if !s.m.withheldLine.due(time.Now()) {
		return
	}
	attrs := append(s.req.attrs(), slog.String("cure", "answer with 303 to a page of your own, which the cookie comes with, and store it there"))
	s.log(ctx, slog.LevelWarn, "session: not saved: another site caused the request, which brought no cookie, and a new session would replace the visitor's (logged once a minute)", attrs...)
}
