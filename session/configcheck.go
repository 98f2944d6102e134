package session

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-6f34412b/passport/internal/cookies"
	"github.com/seed-6f34412b/passport/internal/record"
)

// prefixes are the prefixes of cookie names that browsers accept only with certain attributes (RFC 6265bis
// §4.1.3, and the drafts that add Http). They are compared without case. A longer prefix comes before a
// shorter one that it begins with.
var prefixes = []struct {
	name             string
	host, httpOnlyOn bool
}{
	{"__Host-Http-", true, true}, {"__Host-", true, false}, {"__Http-", false, true}, {"__Secure-", false, false},
}

// checkName reports the mistakes in the name of a cookie and its scope.
func (c *Config) checkName(bad func(string, ...any), field, name, domain, path string) {
	if !cookies.ValidName(name) {
		bad("%s %q is not a cookie name (RFC 6265 §4.1.1): use letters, digits, - _ and .", field, name)
	}
	if len(name) > maxName {
		bad("%s has %d bytes, which leaves no room for the value in the %d that browsers keep: use at most %d", field, len(name), cookies.MaxSize, maxName)
	}
	for _, p := range prefixes {
		if len(name) < len(p.name) || !strings.EqualFold(name[:len(p.name)], p.name) {
			continue
		}
		if c.InsecureHTTP {
			bad("%s %q needs the Secure attribute: drop InsecureHTTP or the %s prefix", field, name, p.name)
		}
		if p.host && domain != "" {
			bad("%s %q does not go with Domain: drop Domain or the %s prefix", field, name, p.name)
		}
		if p.host && path != "/" {
			bad("%s %q needs Path \"/\": drop Path or the %s prefix", field, name, p.name)
		}
		if p.httpOnlyOn && c.ScriptReadable {
			bad("%s %q needs the HttpOnly attribute: drop ScriptReadable or the %s prefix", field, name, p.name)
		}
		return
	}
}

// maxName is the length of the longest cookie name with which browsers keep a codec's longest value.
const maxName = 256

// checkScope reports the mistakes in the attributes that say where a cookie is sent.
func checkScope(bad func(string, ...any), field, domain, path string) {
	_, notAddress := netip.ParseAddr(domain)
	switch {
	case domain == "":
	case strings.ContainsFunc(domain, func(r rune) bool { return r >= utf8.RuneSelf }):
		bad("%sDomain %q is not in punycode: write it as browsers do, like xn--bcher-kva.example for bücher.example", field, domain)
	case !cookies.ValidDomain(domain) || notAddress == nil:
		bad("%sDomain %q is not a domain name: write it like example.com, or leave it out", field, domain)
	case !strings.Contains(strings.TrimPrefix(domain, "."), "."):
		bad("%sDomain %q has no dot in it, and browsers refuse cookies for a top-level domain: leave it out, for the host alone", field, domain)
	case cookies.PublicSuffix(domain):
		bad("%sDomain %q is a public suffix, below which anybody can register, and browsers refuse cookies for it: use your own domain below it, or leave it out, for the host alone", field, domain)
	}
	if !cookies.ValidPath(path) {
		bad("%sPath %q is not a path that begins with / (RFC 6265 §4.1.1): use /", field, path)
	}
}

func (c *Config) checkCookie(bad func(string, ...any)) {
	c.checkName(bad, "Name", c.Name, c.Domain, c.Path)
	checkScope(bad, "", c.Domain, c.Path)
	switch c.SameSite {
	case http.SameSiteLaxMode, http.SameSiteStrictMode:
	case http.SameSiteNoneMode:
		if c.InsecureHTTP {
			bad("SameSite None needs the Secure attribute: drop InsecureHTTP or use Lax")
		}
	default:
		bad("SameSite %d is unknown: use http.SameSiteLaxMode", int(c.SameSite))
	}
	if c.Partitioned && c.InsecureHTTP {
		bad("Partitioned needs the Secure attribute: drop InsecureHTTP or Partitioned")
	}
	switch c.Priority {
	case "", "Low", "Medium", "High":
	default:
		bad("Priority %q is unknown: use Low, Medium, High or nothing", c.Priority)
	}
}

func (c *Config) checkTimes(bad func(string, ...any)) {
	broken := false
	for _, f := range []struct {
		name  string
		value *time.Duration
		def   time.Duration
	}{
		{"IdleTimeout", &c.IdleTimeout, defaultIdle},
		{"AbsoluteTimeout", &c.AbsoluteTimeout, defaultAbsolute},
		{"RefreshAfter", &c.RefreshAfter, 0},
		{"WatchInterval", &c.WatchInterval, defaultWatch},
		{"StoreTimeout", &c.StoreTimeout, defaultStore},
	} {
		if *f.value == 0 {
			*f.value = f.def
		}
		if *f.value < 0 || *f.value > 0 && *f.value < time.Millisecond {
			bad("%s is %v: want at least a millisecond, or 0 for the default", f.name, *f.value)
			broken = true
		}
	}
	if broken {
		return // the rest compares codecs
	}
	if c.RefreshAfter == 0 {
		c.RefreshAfter = max(c.IdleTimeout/10, time.Millisecond)
	}
	if c.IdleTimeout > c.AbsoluteTimeout {
		bad("IdleTimeout %v is longer than AbsoluteTimeout %v: use a shorter one, or raise AbsoluteTimeout", c.IdleTimeout, c.AbsoluteTimeout)
	}
	if c.RefreshAfter >= c.IdleTimeout {
		bad("RefreshAfter %v must be shorter than IdleTimeout %v, or sessions in use end: use 0 for a tenth of it", c.RefreshAfter, c.IdleTimeout)
	}
	if c.WatchInterval > maxWatch {
		bad("WatchInterval is %v: what no notice tells, such as Node's log-out, would end no stream for as long, and a renewal that none tells would be forgotten: want at most %v, or 0 for %v", c.WatchInterval, maxWatch, defaultWatch)
	}
	if c.StoreTimeout > maxStoreTimeout {
		bad("StoreTimeout is %v: in an outage every request would hang as long: want at most %v, or 0 for %v", c.StoreTimeout, maxStoreTimeout, defaultStore)
	}
	if c.AbsoluteTimeout > record.MaxCookieAge {
		bad("AbsoluteTimeout %v is over 400 days, longer than a browser keeps a cookie (RFC 6265bis §5.5): use less, or 0 for 30 days", c.AbsoluteTimeout)
	}
}

// checkAccepted sets the defaults of AlsoAccept and returns the mistakes in its codecs.
func (c *Config) checkAccepted(bad func(string, ...any)) (errs []error) {
	c.AlsoAccept = append([]Accept(nil), c.AlsoAccept...)
	for i := range c.AlsoAccept {
		a := &c.AlsoAccept[i]
		if a.Codec == nil {
			bad("AlsoAccept[%d].Codec is nil: name the codec that signed those cookies", i)
			continue
		}
		errs = append(errs, checkCodec(a.Codec)...)
		if a.Path == "" {
			a.Path = "/"
		}
		if a.Name == "" {
			a.Name = c.usualName(a.Codec, a.Domain, a.Path)
		}
		field := fmt.Sprintf("AlsoAccept[%d].", i)
		checkScope(bad, field, a.Domain, a.Path)
		c.checkName(bad, field+"Name", a.Name, a.Domain, a.Path)
		if a.Partitioned && c.InsecureHTTP {
			bad("%sPartitioned needs the Secure attribute: drop InsecureHTTP or Partitioned", field)
		}
		for j, b := range c.AlsoAccept[:i] {
			if c.sameCookie(a, &b) {
				bad("AlsoAccept[%d] and [%d] are the same cookie of the same kind: put all secrets into one codec", j, i)
			}
		}
		if primary := c.primary(); c.sameCookie(a, &primary) {
			bad("AlsoAccept[%d] is the primary cookie, of the same kind: add its secrets behind the first of Codec instead, or say what was different, Domain, Path or Partitioned", i)
		}
		if a.Name == c.Name && a.Reissue {
			bad("AlsoAccept[%d].Reissue needs another name than the primary %q, or the old and the new cookie cannot be told apart: use one, or drop Reissue", i, c.Name)
		}
	}
	return errs
}

// sameCookie reports whether a and b are one cookie for a browser, signed by the same kind of codec.
func (c *Config) sameCookie(a, b *Accept) bool {
	at, bt := c.attributes(a), c.attributes(b)
	return a.Codec != nil && b.Codec != nil && at.Scope() == bt.Scope() && a.Codec.codec().Kind() == b.Codec.codec().Kind()
}
