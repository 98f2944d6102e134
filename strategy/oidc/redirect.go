package oidc

import (
	"net/http"
	"net/url"
	"strings"
)

// redirectURL returns the callback at the host of r, or Config.RedirectURL.
func (c *Config) redirectURL(r *http.Request) string {
	for _, u := range c.RedirectURLs {
		if host := hostOf(u); host != "" && host == canonicalHost(schemeOf(u), r.Host) {
			return u
		}
	}
	return c.RedirectURL
}

// hostOf returns the host of an absolute URL as a browser writes it, or "" if it is not one.
func hostOf(absolute string) string {
	u, err := url.Parse(absolute)
	if err != nil {
		return ""
	}
	return canonicalHost(u.Scheme, u.Host)
}

func schemeOf(absolute string) string {
	scheme, _, _ := strings.Cut(absolute, ":")
	return strings.ToLower(scheme)
}

// canonicalHost returns host in lower case and without a default port (RFC 9110 §4.2.3).
func canonicalHost(scheme, host string) string {
	port := map[string]string{"https": ":443", "http": ":80"}[scheme]
	return strings.ToLower(strings.TrimSuffix(host, port))
}
