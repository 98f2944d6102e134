package guard

import (
	"net/http"
	"strings"

	"github.com/seed-6f34412b/passport/strategy"
)

// sameSite returns ErrCrossSite for a request with an unsafe method, or the handshake of
// a WebSocket, that a browser sent from another site. [http.CrossOriginProtection] knows
// it by Sec-Fetch-Site, or by Origin; a request with neither is not a browser's.
//
// The handshake is a GET that browsers let every site send, with cookies and without
// asking the server first, and what follows is not safe (RFC 6455 §10.2).
func (g *Guard[U]) sameSite(r *http.Request) error {
	if len(r.Header["Upgrade"]) > 0 && isWebSocket(r) {
		r = asPost(r)
	}
	if g.cross.Check(r) == nil {
		return nil
	}
	if origin := r.Header.Get("Origin"); g.cfg.TrustOrigin != nil && origin != "" && origin != "null" && g.cfg.TrustOrigin(origin) {
		return nil
	}
	return ErrCrossSite
}

// asPost returns r as a request that changes something, for sameSite on a route that does so
// whatever the method.
func asPost(r *http.Request) *http.Request {
	return &http.Request{Method: http.MethodPost, Host: r.Host, Header: r.Header}
}

func isWebSocket(r *http.Request) bool {
	for _, line := range r.Header["Upgrade"] {
		for item := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(item), "websocket") {
				return true
			}
		}
	}
	return false
}

// isPrefetch reports whether a browser asks in case the user goes there, and shows
// nothing of the answer yet: https://wicg.github.io/nav-speculation/prefetch.html
func isPrefetch(r *http.Request) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz"} {
		kind, _, _ := strings.Cut(r.Header.Get(name), ";")
		if strings.EqualFold(strings.TrimSpace(kind), "prefetch") {
			return true
		}
	}
	return false
}

// allowsCrossSite reports whether s lets another site send r.
func allowsCrossSite[U any](s strategy.Strategy[U], r *http.Request) bool {
	c, ok := strategy.Ability[strategy.CrossSite](s)
	return ok && c.AllowCrossSite(r)
}
