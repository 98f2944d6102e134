package session

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/cookies"
)

// presents reports whether the request came with a cookie of the session, good or not.
func (s *Session) presents() bool {
	return slices.ContainsFunc(s.m.accept, func(a accepted) bool { return cookies.Sent(s.cookies, a.name) })
}

// withholds reports whether browsers send r, which another site caused, without cookies of
// that SameSite (RFC 6265bis §5.8.3). A new session's cookie would then take the place of a
// live one's.
//
// Only Sec-Fetch-Site tells, which browsers send over https since 2020 or 2023 (Safari). A
// request from the same site, from a sub-domain, or from outside of any page brings the
// cookie; so does one with the cookie of another configuration. What the header does not
// say is taken for that.
func withholds(r *http.Request, of http.SameSite) bool {
	return of == http.SameSiteStrictMode || of != http.SameSiteNoneMode && !followsLink(r)
}

// followsLink reports whether r fills a window's address bar, by a method that changes
// nothing: what brings Lax cookies from another site.
func followsLink(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	}
	return false
}

// warnWithheld says that what a visitor without a session stored is for this request alone (S13).
func (s *Session) warnWithheld(ctx context.Context) {
	if !s.m.withheldLine.due(time.Now()) {
		return
	}
	attrs := append(s.req.attrs(), slog.String("cure", "answer with 303 to a page of your own, which the cookie comes with, and store it there"))
	s.log(ctx, slog.LevelWarn, "session: not saved: another site caused the request, which brought no cookie, and a new session would replace the visitor's (told once a minute)", attrs...)
}
