package session

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/cookies"
	"github.com/seed-6f34412b/passport/internal/record"
)

// sendCookie puts the session's cookie into the response. Only a log-in, renewal, log-out, re-issue and the
// first Create call it (S13). Outside a request it does nothing.
func (s *Session) sendCookie(ctx context.Context) error {
	if s.req == nil {
		return nil
	}
	primary := &s.m.accept[0]
	value, err := primary.codec.Encode(primary.name, s.visit.ID)
	if err != nil {
		return fmt.Errorf("session: cookie: %w", err)
	}
	var expires time.Time
	now := time.Now()
	if idle, ok := s.visit.Idle(); ok {
		expires = s.visit.Deadline()
		if s.m.cfg.Rolling {
			expires = now.Add(idle)
		}
		if latest := now.Add(record.MaxCookieAge); expires.After(latest) {
			expires = latest
		}
	}
	line, err := primary.line.Set(value, now, expires)
	if err != nil {
		return fmt.Errorf("session: cookie: %w", err)
	}
	s.req.setCookie(primary.line, line)
	if s.m.bound != nil {
		s.offer()
	}
	if s.plain {
		s.warnPlainHTTP(ctx)
	}
	return nil
}

// reissueDue reports whether a session that was found by the accepted cookie with index via is to be sent
// back under the primary one: with the same id and no store command.
func (s *Session) reissueDue(via int) bool {
	return s.req != nil && s.m.accept[via].reissue && s.visit.Writable() == nil && !cookies.Sent(s.cookies, s.m.cfg.Name)
}

// expireCookies makes the browser delete every accepted cookie that it may have: those whose names it sent,
// since their Domain, Path and Partitioned are unknown, and those that it does not send to this path. kept
// leaves out the primary one, which carries a new session.
func (s *Session) expireCookies(kept bool) {
	if s.req == nil {
		return
	}
	var done []cookies.Scope
	if kept {
		done = append(done, s.m.accept[0].line.Scope)
	}
	path := s.req.r.RequestURI // a middleware may have changed the URL
	if u, err := url.ParseRequestURI(path); err == nil {
		path = u.Path
	} else { // a program made the request, which has no RequestURI
		path = s.req.r.URL.Path
	}
	for i := range s.m.accept {
		a := &s.m.accept[i]
		mayBe := cookies.Sent(s.cookies, a.name) || a.line.MayHide(path)
		if !mayBe || slices.Contains(done, a.line.Scope) {
			continue
		}
		done = append(done, a.line.Scope)
		s.req.setCookie(a.line, a.line.Expire())
	}
	if s.req.left != nil {
		s.req.left.offer = ""
	}
	if s.m.bound != nil {
		s.m.bound.expire(s)
	}
}
