package oidc

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-6f34412b/passport/guard"
)

// errElsewhere is the error of a log-in that another site's page began.
var errElsewhere = fmt.Errorf("another site's page began it: %w", guard.ErrCrossSite)

// begunHere reports whether the user began this log-in, on a page of this application or by typing its
// address. ASVS 5.0 7.6.2: "creation of a session requires either the user's consent or an explicit action".
//
// The guard has checked a POST: see AllowCrossSite. For a GET the browser says which page caused it, or began
// the chain of redirects (Fetch Metadata §2.3); a browser that does not say so sends a Referer. A log-in that
// links an account must come from a page of the application: a typed address, or a browser that says nothing,
// is not enough.
func (c *core) begunHere(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return true
	}
	links := c.links(r)
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin":
		return true
	case "none":
		return !links
	case "":
		from, err := url.Parse(r.Referer())
		if r.Referer() == "" {
			return !links
		}
		return err == nil && strings.EqualFold(from.Host, r.Host)
	}
	return false
}

// links reports whether a log-in connects an account to a user who is logged in.
func (c *core) links(r *http.Request) bool { return c.cfg.Bind != nil && c.cfg.Bind(r) != "" }
