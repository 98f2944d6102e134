package guard

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"unicode"

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
// early hints and trailers included, so that it can neither log the user out nor in as somebody
// else; and so are "cookies" and "*" of Clear-Site-Data. Everything else passes: the upstream's
// pages are of the same origin, and their scripts send requests as the user.
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
	names    []string         // in addition to those of sessions
}

// RoundTrip implements [http.RoundTripper].
func (t *proxyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.sessions != nil { // asked each time, because guards that are made later have cookies too
		t = &proxyTransport{next: t.next, names: slices.Concat(t.names, t.sessions.CookieNames())}
	}
	if r.Header["Cookie"] != nil {
		r = r.Clone(r.Context()) // a RoundTripper must not change the request
		keep(r.Header, "Cookie", func(line string) (string, bool) { line = t.strip(line); return line, line != "" })
	}
	// The hook of httputil.ReverseProxy, which forwards a 1xx, is called after this one with the same
	// header.
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, h textproto.MIMEHeader) error { t.clean(http.Header(h)); return nil },
	})
	res, err := t.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return res, err
	}
	t.clean(res.Header)
	t.clean(res.Trailer)                                 // the announced names
	if res.StatusCode != http.StatusSwitchingProtocols { // its Body must remain an io.Writer, and it has no trailer
		res.Body = &cleanTrailer{res.Body, res, t}
	}
	return res, nil
}

// cleanTrailer is the body of res, after which its trailer is cleaned.
type cleanTrailer struct {
	io.ReadCloser
	res *http.Response
	t   *proxyTransport
}

// Read implements [io.Reader].
func (b *cleanTrailer) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.t.clean(b.res.Trailer)
	}
	return n, err
}

// Close implements [io.Closer].
func (b *cleanTrailer) Close() error {
	err := b.ReadCloser.Close()
	b.t.clean(b.res.Trailer)
	return err
}

// clean removes the cookies that do not pass from an upstream's header, and what would end them.
func (t *proxyTransport) clean(h http.Header) {
	keep(h, "Set-Cookie", func(line string) (string, bool) { return line, !t.sets(line) })
	keep(h, "Clear-Site-Data", func(line string) (string, bool) {
		parts := slices.DeleteFunc(strings.Split(line, ","), endsCookies)
		return strings.TrimSpace(strings.Join(parts, ",")), len(parts) > 0
	})
}

// keep lets edit change or remove the lines of a field. A field without a line is removed.
func keep(h http.Header, field string, edit func(string) (string, bool)) {
	lines, there := h[field]
	if !there {
		return
	}
	var kept []string
	for _, line := range lines {
		if line, ok := edit(line); ok {
			kept = append(kept, line)
		}
	}
	if h[field] = kept; kept == nil {
		delete(h, field)
	}
}

// endsCookies reports whether a part of Clear-Site-Data ends cookies: "cookies" and "*", however browsers
// treat the quotes. https://www.w3.org/TR/clear-site-data/#header
func endsCookies(part string) bool {
	part = strings.Map(func(c rune) rune {
		if c == '*' || unicode.IsLetter(c) {
			return unicode.ToLower(c)
		}
		return -1
	}, part)
	return strings.Contains(part, "cookie") || strings.Contains(part, "*")
}

// strip returns a Cookie line without the cookies that do not pass.
func (t *proxyTransport) strip(line string) string {
	pairs := slices.DeleteFunc(strings.Split(line, ";"), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return t.has(name)
	})
	return strings.TrimSpace(strings.Join(pairs, ";"))
}

// sets reports whether a Set-Cookie line sets a cookie that does not pass. A browser sends a cookie without
// a name as its value alone, which may look like a cookie with a name.
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
	return slices.ContainsFunc(t.names, func(own string) bool {
		prefix, many := strings.CutSuffix(own, "*")
		return name == own || many && strings.HasPrefix(name, prefix)
	})
}
