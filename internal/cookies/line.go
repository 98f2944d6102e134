package cookies

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Attributes are those of a cookie except its value and dates: what express-session passes to serialize of
// cookie 0.7.2 (index.js:185). Empty fields are left out.
type Attributes struct {
	// Name is the name; Domain and Path say where the cookie is sent.
	Name, Domain, Path string
	// Priority is low, medium or high, in any case.
	Priority string
	// HTTPOnly, Secure and Partitioned are attributes without a value.
	HTTPOnly, Secure, Partitioned bool
	// MaxAge adds Max-Age to Expires, for browsers with a wrong clock. express-session sets only Expires.
	MaxAge bool
	// SameSite is left out if it is 0 or SameSiteDefaultMode.
	SameSite http.SameSite
}

// MaxSize is the largest size of name and value together, in bytes: browsers drop larger cookies (RFC
// 6265bis §5.6).
const MaxSize = 4096

// Line is the Set-Cookie header of one cookie without the value and the date, which differ in each
// response. It is immutable and safe for concurrent use.
type Line struct {
	Scope
	before string // the attributes before Expires
	after  string // the attributes after Expires
	maxAge bool
}

// Scope distinguishes cookies in a browser (RFC 6265 §5.3, step 11, and CHIPS): a cookie with the same name
// and another Domain, Path or Partitioned is a different cookie. Scopes can be compared with ==.
type Scope struct {
	name, domain, path string
	partitioned        bool
}

// Scope returns the scope of a cookie with these attributes.
func (a *Attributes) Scope() Scope {
	return Scope{a.Name, strings.ToLower(strings.TrimPrefix(a.Domain, ".")), a.Path, a.Partitioned}
}

// MayHide reports whether a browser that has the cookie may not send it with a request for path, because
// its Path does not cover that (RFC 6265 §5.1.4).
func (s *Scope) MayHide(path string) bool {
	rest, below := strings.CutPrefix(path, s.path)
	return !below || rest != "" && rest[0] != '/' && !strings.HasSuffix(s.path, "/")
}

// NewLine returns the line of the cookie with the attributes a, in the order of cookie 0.7.2.
// A browser silently drops a cookie that breaks a rule, so each broken rule is an error.
func NewLine(a Attributes) (*Line, error) {
	priority, priorityOK := priorityAttr(a.Priority)
	sameSite, sameSiteOK := sameSiteAttr(a.SameSite)
	switch {
	case !ValidName(a.Name):
		return nil, errors.New("set cookie: the name is not a token")
	case !ValidDomain(a.Domain):
		return nil, fmt.Errorf("set cookie: domain %q is not a host name", a.Domain)
	case !ValidPath(a.Path):
		return nil, fmt.Errorf("set cookie: path %q is not a plain absolute path", a.Path)
	case !priorityOK:
		return nil, fmt.Errorf("set cookie: priority %q is not low, medium or high", a.Priority)
	case !sameSiteOK:
		return nil, fmt.Errorf("set cookie: SameSite %d is unknown", a.SameSite)
	}
	l := &Line{Scope: a.Scope(), maxAge: a.MaxAge}
	if a.Domain != "" {
		l.before += "; Domain=" + a.Domain
	}
	if a.Path != "" {
		l.before += "; Path=" + a.Path
	}
	if a.HTTPOnly {
		l.after += "; HttpOnly"
	}
	if a.Secure {
		l.after += "; Secure"
	}
	if a.Partitioned {
		l.after += "; Partitioned"
	}
	l.after += priority + sameSite
	return l, nil
}

// Set returns the header's value that sets the cookie to value until expires, relative to now, or until the
// browser closes if expires is zero. The error says why a browser would drop the cookie; it does not quote
// value.
func (l *Line) Set(value string, now, expires time.Time) (string, error) {
	switch year := expires.UTC().Year(); {
	case !validValue(value):
		return "", errors.New("set cookie: the value has bytes that no cookie may carry")
	case len(l.name)+len(value) > MaxSize:
		return "", fmt.Errorf("set cookie: name and value take %d bytes, browsers keep %d", len(l.name)+len(value), MaxSize)
	case expires.IsZero():
		return l.name + "=" + value + l.before + l.after, nil
	case year < 1601 || year > 9999: // RFC 6265 §5.1.1; years have four digits
		return "", fmt.Errorf("set cookie: year %d is not one that browsers read", year)
	}
	if l.maxAge { // takes precedence over Expires: RFC 6265 §4.1.2.2
		value += "; Max-Age=" + strconv.FormatInt(max(1, int64(expires.Sub(now)/time.Second)), 10)
	}
	return l.name + "=" + value + l.before + "; Expires=" + expires.UTC().Format(http.TimeFormat) + l.after, nil
}

// Expire returns the header's value that makes a browser delete the cookie.
func (l *Line) Expire() string {
	return l.name + "=" + l.before + "; Expires=Thu, 01 Jan 1970 00:00:00 GMT" + l.after
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
