package session

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// cookieAttrs is a cookie as it is set: what express-session hands to serialize of
// cookie 0.7.2 (index.js:185). Empty fields are left out.
type cookieAttrs struct {
	Name, Value, Domain, Path string
	Priority                  string    // low, medium or high, in any case
	Expires                   time.Time // zero makes a cookie of the browser session
	HTTPOnly, Secure          bool
	Partitioned               bool
	SameSite                  http.SameSite // 0 and SameSiteDefaultMode leave it out
	Expire                    bool          // delete the cookie: Value and Expires do not count
}

// maxCookie is the most that name and value may measure together, in bytes:
// browsers drop what is larger (RFC 6265bis §5.6).
const maxCookie = 4096

// String returns the value of the Set-Cookie header, attributes in the order of
// cookie 0.7.2. A browser silently drops a cookie that breaks a rule, so each
// broken rule is an error here. Errors do not quote the value.
func (c cookieAttrs) String() (string, error) {
	expires := c.Expires
	if c.Expire {
		c.Value, expires = "", time.Unix(0, 0)
	}
	priority, priorityOK := priorityAttr(c.Priority)
	sameSite, sameSiteOK := sameSiteAttr(c.SameSite)
	switch {
	case !validCookieName(c.Name):
		return "", errors.New("session: set cookie: the name is not a token")
	case !validCookieValue(c.Value):
		return "", errors.New("session: set cookie: the value has bytes that no cookie may carry")
	case len(c.Name)+len(c.Value) > maxCookie:
		return "", fmt.Errorf("session: set cookie: name and value take %d bytes, browsers keep %d", len(c.Name)+len(c.Value), maxCookie)
	case !validDomain(c.Domain):
		return "", fmt.Errorf("session: set cookie: domain %q is not a host name", c.Domain)
	case !validPath(c.Path):
		return "", fmt.Errorf("session: set cookie: path %q is not a plain absolute path", c.Path)
	case !expires.IsZero() && !validExpires(expires):
		return "", fmt.Errorf("session: set cookie: year %d is not one that browsers read", expires.UTC().Year())
	case !priorityOK:
		return "", fmt.Errorf("session: set cookie: priority %q is not low, medium or high", c.Priority)
	case !sameSiteOK:
		return "", fmt.Errorf("session: set cookie: SameSite %d is unknown", c.SameSite)
	}

	var b strings.Builder
	b.Grow(len(c.Name) + len(c.Value) + len(c.Domain) + len(c.Path) + 160)
	b.WriteString(c.Name)
	b.WriteByte('=')
	b.WriteString(c.Value)
	if c.Domain != "" {
		b.WriteString("; Domain=")
		b.WriteString(c.Domain)
	}
	if c.Path != "" {
		b.WriteString("; Path=")
		b.WriteString(c.Path)
	}
	if !expires.IsZero() {
		b.WriteString("; Expires=")
		b.WriteString(expires.UTC().Format(http.TimeFormat))
	}
	if c.HTTPOnly {
		b.WriteString("; HttpOnly")
	}
	if c.Secure {
		b.WriteString("; Secure")
	}
	if c.Partitioned {
		b.WriteString("; Partitioned")
	}
	b.WriteString(priority)
	b.WriteString(sameSite)
	return b.String(), nil
}

func priorityAttr(priority string) (attr string, ok bool) {
	switch strings.ToLower(priority) {
	case "":
		return "", true
	case "low":
		return "; Priority=Low", true
	case "medium":
		return "; Priority=Medium", true
	case "high":
		return "; Priority=High", true
	}
	return "", false
}

func sameSiteAttr(mode http.SameSite) (attr string, ok bool) {
	switch mode {
	case 0, http.SameSiteDefaultMode:
		return "", true
	case http.SameSiteLaxMode:
		return "; SameSite=Lax", true
	case http.SameSiteStrictMode:
		return "; SameSite=Strict", true
	case http.SameSiteNoneMode:
		return "; SameSite=None", true
	}
	return "", false
}

// validCookieName reports whether name is a token (RFC 9110 §5.6.2), which is what
// RFC 6265 §4.1.1 asks of a cookie's name.
func validCookieName(name string) bool {
	for i := range len(name) {
		if c := name[i]; !alphanumeric(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return name != ""
}

// validCookieValue reports whether value may stand in a Set-Cookie header without
// quotes.
func validCookieValue(value string) bool {
	for i := range len(value) {
		if !cookieOctet(value[i]) {
			return false
		}
	}
	return true
}

// cookieOctet reports whether c may be part of a cookie's value: RFC 6265 §4.1.1,
// "US-ASCII characters excluding CTLs, whitespace DQUOTE, comma, semicolon, and
// backslash".
func cookieOctet(c byte) bool {
	return 0x21 <= c && c <= 0x7e && c != '"' && c != ',' && c != ';' && c != '\\'
}

// validDomain reports whether domain is a host name, with or without a dot before
// it: labels of 1 to 63 letters, digits and inner hyphens (RFC 1123 §2.1), 253
// bytes at most. Empty means no Domain attribute and is valid too.
func validDomain(domain string) bool {
	if domain == "" {
		return true
	}
	domain = strings.TrimPrefix(domain, ".")
	if len(domain) > 253 {
		return false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if !alphanumeric(label[i]) && label[i] != '-' {
				return false
			}
		}
	}
	return true
}

// validPath reports whether browsers keep path as a cookie's path: it begins with
// a slash (RFC 6265 §5.2.4), has at most 1024 bytes (RFC 6265bis §5.6) and none
// that cookie 0.7.2 refuses: controls, semicolon, "<" and what is not ASCII. Empty
// means no Path attribute and is valid too.
func validPath(path string) bool {
	if path == "" {
		return true
	}
	if path[0] != '/' || len(path) > 1024 {
		return false
	}
	for i := range len(path) {
		if c := path[i]; c < ' ' || c > '~' || c == ';' || c == '<' {
			return false
		}
	}
	return true
}

// validExpires reports whether t is in a year that browsers read (RFC 6265
// §5.1.1) and that takes four digits.
func validExpires(t time.Time) bool {
	year := t.UTC().Year()
	return 1601 <= year && year <= 9999
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// percentEncode is JavaScript's encodeURIComponent (ECMA-262 §19.2.6.4).
func percentEncode(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := range len(s) {
		c := s[i]
		if alphanumeric(c) || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&0xf])
	}
	return b.String()
}
