package guard

import (
	"net/http"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/internal/cookienames"
	"github.com/seed-6f34412b/passport/session"
)

// ProxyTransport returns a transport for httputil.ReverseProxy behind this guard, which keeps
// the cookies between the browser and this program that log users in: those of the session; of
// Config.RememberMe, and of strategies and their decorators that have a method CookieNames()
// []string, such as a throttle.Throttle, of all guards with the same Config.Sessions; and the named
// ones. A name that ends in "*" stands for all that begin with what is before it. Name the cookies
// of what this guard does not know, such as a throttle.Limiter or a guard with other sessions or
// none. A request goes on without them, so that the upstream
// cannot log in as the user, and a Set-Cookie of their names is dropped from what it answers,
// so that it can neither log the user out nor in as somebody else. Every other cookie passes.
// next does the work; nil means http.DefaultTransport.
//
//	proxy := &httputil.ReverseProxy{Transport: auth.ProxyTransport(nil), Rewrite: …}
//	mux.Handle("/reports/", auth.RequireAuth(proxy))
//
// The upstream learns who the user is from a header that Rewrite sets, and that it trusts from
// this program alone. It is safe for concurrent use.
func (g *Guard[U]) ProxyTransport(next http.RoundTripper, names ...string) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return &proxyTransport{next, g.cfg.Sessions, slices.Concat(names, g.strategyCookies())}
}

// strategyCookies returns the names of the cookies of all strategies.
func (g *Guard[U]) strategyCookies() []string {
	var names []string
	for _, s := range g.strategies {
		names = append(names, cookienames.Of(s)...)
	}
	return names
}

type proxyTransport struct {
	next     http.RoundTripper
	sessions *session.Manager // nil for a stateless guard
	names    []string         // more than those of sessions
}

// RoundTrip implements [http.RoundTripper].
func (t *proxyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if lines := r.Header["Cookie"]; lines != nil {
		r = r.Clone(r.Context()) // a RoundTripper leaves the request as it is
		delete(r.Header, "Cookie")
		for _, line := range lines {
			if kept := t.strip(line); kept != "" {
				r.Header.Add("Cookie", kept)
			}
		}
	}
	res, err := t.next.RoundTrip(r)
	if err != nil || res.Header["Set-Cookie"] == nil {
		return res, err
	}
	if lines := slices.DeleteFunc(res.Header["Set-Cookie"], t.sets); len(lines) > 0 {
		res.Header["Set-Cookie"] = lines
	} else {
		delete(res.Header, "Set-Cookie")
	}
	return res, nil
}

// strip returns a Cookie line without the cookies that do not pass.
func (t *proxyTransport) strip(line string) string {
	pairs := slices.DeleteFunc(strings.Split(line, ";"), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return t.has(name)
	})
	return strings.TrimSpace(strings.Join(pairs, ";"))
}

// sets reports whether a Set-Cookie line sets a cookie that does not pass. A browser sends a
// cookie without a name as its value alone, which may look like one that has a name.
func (t *proxyTransport) sets(line string) bool {
	pair, _, _ := strings.Cut(line, ";")
	name, value, ok := strings.Cut(pair, "=")
	if ok && strings.TrimSpace(name) == "" {
		name, _, _ = strings.Cut(value, "=")
	}
	return t.has(name)
}

func (t *proxyTransport) has(name string) bool {
	name = strings.TrimSpace(name)
	is := func(own string) bool {
		prefix, many := strings.CutSuffix(own, "*")
		return name == own || many && strings.HasPrefix(name, prefix)
	}
	// The Manager is asked each time: a guard that is made later has cookies too.
	return slices.ContainsFunc(t.names, is) || t.sessions != nil && slices.ContainsFunc(t.sessions.CookieNames(), is)
}
