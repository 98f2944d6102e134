package session

import (
	"context"

	"github.com/seed-6f34412b/passport/internal/cookies"
)

// load finds the request's session on first use, among the ids in its cookies, which are
// taken once. The caller holds mu.
func (s *Session) load(ctx context.Context) error {
	if s.req != nil && !s.consult {
		s.consult = true
		s.present(s.req.cookies)
	}
	err := s.visit.Load(ctx)
	s.failed = s.failed || err != nil
	return err
}

// present gives the visit every id in the lines of a Cookie header whose signature verifies,
// under each accepted cookie in turn.
func (s *Session) present(lines []string) {
	for via := range s.m.accept {
		a := &s.m.accept[via]
		if a.read {
			continue
		}
		for value := range cookies.Values(lines, a.name) {
			if id, ok := a.codec.Decode(a.name, value); ok && !s.visit.Present(id, via) {
				return
			}
		}
	}
}

// loaded returns s after its first load.
func (s *Session) loaded(ctx context.Context) (*Session, error) {
	s.lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	return s, nil
}
