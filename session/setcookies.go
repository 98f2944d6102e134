package session

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/cookies"
)

// sendCookie puts the session's cookie into the response. Only log-in, renewal,
// log-out, re-issue and the first Create do (S13). Outside a request it does nothing.
func (s *Session) sendCookie() error {
	if s.req == nil {
		return nil
	}
	primary := &s.m.accept[0]
	value, err := primary.codec.Encode(primary.name, s.id)
	if err != nil {
		return fmt.Errorf("session: cookie: %w", err)
	}
	var expires time.Time
	now := time.Now()
	if idle, ok := s.rec.idle(); ok {
		expires = s.rec.deadline(s.m.cfg.AbsoluteTimeout)
		if s.m.cfg.Rolling {
			expires = now.Add(idle)
		}
		if latest := now.Add(maxCookieAge); expires.After(latest) {
			expires = latest
		}
	}
	line, err := primary.line.Set(value, now, expires)
	if err != nil {
		return fmt.Errorf("session: cookie: %w", err)
	}
	s.req.setCookie(primary.line, line)
	return nil
}

// reissue sends a session that came under an older cookie back under the primary
// one: same id, no store command.
func (s *Session) reissue() error {
	if s.req == nil || s.via == 0 || !s.m.accept[s.via].reissue {
		return nil
	}
	if cookies.Sent(s.req.cookies, s.m.cfg.Name) {
		return nil
	}
	s.via = 0
	return s.sendCookie()
}

// expireCookies makes the browser forget every accepted cookie that it may have: those whose
// name it sent, with which Domain, Path and Partitioned it does not say, and those that it does
// not send to this path. kept leaves out the primary one, which carries a new session.
func (s *Session) expireCookies(kept bool) {
	if s.req == nil {
		return
	}
	var done []cookies.Scope
	if kept {
		done = append(done, s.m.accept[0].line.Scope)
	}
	sent := s.req.cookies
	for i := range s.m.accept {
		a := &s.m.accept[i]
		mayBe := cookies.Sent(sent, a.name) || a.line.MayHide(s.req.r.URL.Path)
		if !mayBe || slices.Contains(done, a.line.Scope) {
			continue
		}
		done = append(done, a.line.Scope)
		s.req.setCookie(a.line, a.line.Expire())
	}
}
