package session

import (
	"context"

	"github.com/seed-6f34412b/passport/internal/cookies"
)

// load finds the session on first use. The visitor presents every id in the cookies whose signature is
// valid, for each accepted cookie in turn. The caller holds mu.
func (s *Session) load(ctx context.Context) error {
	accepted := s.m.accept
	if s.consult || s.cookies == "" {
		accepted = nil // they were read already, or there are none
	}
	s.consult = true
ids:
	for via := range accepted {
		a := &accepted[via]
		if a.read {
			continue
		}
		for value := range cookies.Values(s.cookies, a.name) {
			id, ok := a.codec.Decode(a.name, value)
			if !ok {
				continue
			}
			more := s.visit.Present(id, via)
			if s.m.bound != nil {
				s.m.bound.judge(s, id)
			}
			if !more {
				break ids
			}
		}
	}
	err := s.visit.Load(ctx)
	s.failed = s.failed || err != nil
	return err
}

// loaded loads s if necessary, and returns it.
func (s *Session) loaded(ctx context.Context) (*Session, error) {
	if !s.mu.TryLock() {
		if s.inside() == inLogger {
			return nil, errInLogger
		}
		s.lock()
	}
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	return s, nil
}
