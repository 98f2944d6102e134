package guard

import "net/http"

// sameSite returns ErrCrossSite for a request with an unsafe method that a browser
// sent from another site. [http.CrossOriginProtection] knows it by Sec-Fetch-Site, or
// by Origin; a request with neither is not a browser's.
func (g *Guard[U]) sameSite(r *http.Request) error {
	if g.cross.Check(r) != nil {
		return ErrCrossSite
	}
	return nil
}

// sameSiteStrict is sameSite for a route that changes state whatever the method: a
// link or an image on another site must not log anyone out.
func (g *Guard[U]) sameSiteStrict(r *http.Request) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
		r = &http.Request{Method: http.MethodPost, Host: r.Host, Header: r.Header}
	}
	return g.sameSite(r)
}
