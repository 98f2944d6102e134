package session

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// attrs returns the attributes that all cookies of m share.
func (m *Manager) attrs(name string) cookieAttrs {
	return cookieAttrs{
		Name: name, Domain: m.cfg.Domain, Path: m.cfg.Path, Priority: m.cfg.Priority,
		HTTPOnly: !m.cfg.ScriptReadable, Secure: !m.cfg.InsecureHTTP, Partitioned: m.cfg.Partitioned, SameSite: m.cfg.SameSite,
	}
}

// sendCookie puts the session's cookie into the response. Only log-in, renewal,
// log-out, re-issue and the first Create do (S13). Outside a request it does nothing.
func (s *Session) sendCookie() error {
	if s.req == nil {
		return nil
	}
	primary := s.m.accept[0]
	value, err := primary.Codec.encode(primary.Name, s.id)
	if err != nil {
		return fmt.Errorf("session: cookie: %w", err)
	}
	a := s.m.attrs(primary.Name)
	a.Value = value
	if idle, ok := s.rec.idle(); ok {
		a.Expires = s.rec.deadline(s.m.cfg.AbsoluteTimeout)
		if s.m.cfg.Rolling {
			a.Expires = time.Now().Add(idle)
		}
		if latest := time.Now().Add(maxCookieAge); a.Expires.After(latest) {
			a.Expires = latest
		}
	}
	line, err := a.String()
	if err != nil {
		return fmt.Errorf("session: cookie: %w", err)
	}
	s.req.setCookie(line)
	return nil
}

// reissue sends a session that came under an older cookie back under the primary
// one: same id, no store command.
func (s *Session) reissue() error {
	if s.req == nil || s.via == 0 || !s.m.accept[s.via].Reissue {
		return nil
	}
	present := false
	cookieValues(s.req.r.Header, s.m.cfg.Name, func(string) bool { present = true; return false })
	if present {
		return nil
	}
	s.via = 0
	return s.sendCookie()
}

// identity is what tells cookies apart in a browser (RFC 6265 §5.3, step 11).
type identity struct{ name, domain, path string }

// identityOf returns the identity of the cookie in a Set-Cookie line.
func identityOf(line string) identity {
	pair, attrs, _ := strings.Cut(line, ";")
	name, _, _ := strings.Cut(pair, "=")
	c := identity{name: name}
	for attr := range strings.SplitSeq(attrs, ";") {
		switch key, value, _ := strings.Cut(strings.TrimSpace(attr), "="); {
		case strings.EqualFold(key, "Domain"):
			c.domain = sameDomain(value)
		case strings.EqualFold(key, "Path"):
			c.path = value
		}
	}
	return c
}

// sameDomain returns the form in which browsers compare domains.
func sameDomain(domain string) string { return strings.ToLower(strings.TrimPrefix(domain, ".")) }

func (a *Accept) identity() identity { return identity{a.Name, sameDomain(a.Domain), a.Path} }

// expireCookies makes the browser forget every accepted cookie whose name it sent: with
// which Domain and Path it does not say. kept leaves out the primary one, which carries
// a new session.
func (s *Session) expireCookies(kept bool) {
	if s.req == nil {
		return
	}
	var done []identity
	if kept {
		done = append(done, s.m.accept[0].identity())
	}
	for i, a := range s.m.accept {
		if slices.Contains(done, a.identity()) {
			continue
		}
		present := false
		cookieValues(s.req.r.Header, a.Name, func(string) bool { present = true; return false })
		if !present && !(i == 0 && s.req.sent != nil && s.req.sent.issued) {
			continue
		}
		done = append(done, a.identity())
		attrs := s.m.attrs(a.Name)
		attrs.Domain, attrs.Path, attrs.Expire = a.Domain, a.Path, true
		if line, err := attrs.String(); err == nil { // a constant line, checked by New
			s.req.setCookie(line)
		}
	}
}
