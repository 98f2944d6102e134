package session

import (
	"context"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/record"
)

// Regenerate makes the session an empty one under a new id, except for the values
// named in keep: express-session's req.session.regenerate. Log-ins are dropped too;
// use [Session.Renew] to keep them. It takes effect at the commit.
func (s *Session) Regenerate(ctx context.Context, keep ...AnyKey) error {
	return s.renew(ctx, func(d *record.Draft, _ time.Time) error {
		d.Clear(func(name string) bool {
			return slices.ContainsFunc(keep, func(k AnyKey) bool { return k.keyName() == name })
		})
		return nil
	})
}

// Renew gives the session a new id and keeps its content. Call it whenever the user's
// rights change. It takes effect at the commit, which fails with ErrSessionEnded if the
// session ended meanwhile.
func (s *Session) Renew(ctx context.Context) error {
	return s.renew(ctx, func(*record.Draft, time.Time) error { return nil })
}

// renew plans a new id with o as the change of content.
func (s *Session) renew(ctx context.Context, o record.Op) error {
	s.lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return err
	}
	if err := s.writable(); err != nil {
		return err
	}
	if err := s.visit.LookAgain(ctx); err != nil {
		return err
	}
	if err := s.visit.Rotate(o); err != nil {
		return err
	}
	if s.req != nil && s.req.left != nil {
		s.req.left.plannedWithout(func(key string) bool {
			_, ok := s.visit.Slot(key, time.Now())
			return !ok
		})
	}
	return nil
}

// Destroy ends the session for good, at the commit: req.session.destroy. It ends every
// id that the request presented and expires their cookies. What is stored afterwards
// goes into a new session.
func (s *Session) Destroy(ctx context.Context) error {
	s.lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return err
	}
	if s.closed {
		return s.writable()
	}
	if err := s.visit.End(); err != nil {
		return err
	}
	if s.req != nil && s.req.left != nil {
		s.req.left.ended("")
		s.req.left.sent = nil // cookies of a session that this request made must not reach the browser
	}
	return nil
}
