package guard

import (
	"net/http"
	"strings"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/strategy"
)

// sameSite returns ErrCrossSite for a request that a browser sent from another site and that changes
// something: by method, which is r's or that of a route that changes something by any method; by the method
// that r arrived with; or because it is the handshake of a WebSocket.
// [http.CrossOriginProtection] decides by Sec-Fetch-Site, or by Origin; a request with neither is not
// from a browser. It uses the header as received, because a handler or middleware may have changed it.
//
// The handshake is a GET that browsers let every site send, with cookies and without asking the server
// first, and the messages after it are not safe (RFC 6455 §10.2).
func (g *Guard[U]) sameSite(r *http.Request, method string) error {
	came := r
	if st := reqstate.Of(r.Context(), g.owner); st != nil {
		if came = st.Foreign; came == nil {
			return nil
		}
	}
	asks := http.Request{Method: method, Host: came.Host, Header: came.Header}
	switch {
	case len(came.Header["Upgrade"]) > 0 && isWebSocket(came):
		asks.Method = http.MethodPost
	case method == http.MethodGet, method == http.MethodHead, method == http.MethodOptions:
		asks.Method = came.Method
	}
	if g.cross.Check(&asks) == nil {
		return nil
	}
	if origin := came.Header.Get("Origin"); g.cfg.TrustOrigin != nil && origin != "" && origin != "null" && g.cfg.TrustOrigin(origin) {
		return nil
	}
	return ErrCrossSite
}

// RefuseCrossSite answers unsafe requests that another site caused by 403, and lets all others pass: for routes
// without a middleware of the guard, such as a registration, or around a whole site. It is
// [http.CrossOriginProtection] with Config.TrustedOrigins, Config.TrustOrigin and the guard's answers. Unlike
// the other middlewares it does not ask strategies that accept such requests ([strategy.CrossSite]): do not put
// it around a callback to which a provider sends a POST, or a token's API that other sites call. It panics if
// next is nil.
func (g *Guard[U]) RefuseCrossSite(next http.Handler) http.Handler {
	if next == nil {
		panic("guard: RefuseCrossSite: the handler is nil")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := g.sameSite(r, r.Method); err != nil {
			g.refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
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

// isPrefetch reports whether a browser sent r in case the user goes there, without showing the response
// yet: https://wicg.github.io/nav-speculation/prefetch.html
func isPrefetch(r *http.Request) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz"} {
		kind, _, _ := strings.Cut(r.Header.Get(name), ";")
		if strings.EqualFold(strings.TrimSpace(kind), "prefetch") {
			return true
		}
	}
	return false
}

// allowsCrossSite reports whether s accepts r from another site.
func allowsCrossSite[U any](s strategy.Strategy[U], r *http.Request) bool {
	c, ok := strategy.Ability[strategy.CrossSite](s)
	return ok && c.AllowCrossSite(r)
}
