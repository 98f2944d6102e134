package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// create stores d under a fresh id. Only an OK of the store counts (S2): after any
// other answer the id is given up, for a Create that is still on its way could bring
// it to life at any later moment.
func (s *Session) create(ctx context.Context, d *draft) (id string, e *encoded, err error) {
	if d.born == 0 {
		d.born = time.Now().UnixMilli()
	}
	for tries := 1; ; tries++ {
		id = newID()
		if e, err = s.m.encode(d, id, nil, newRev(), time.Now()); err != nil {
			return "", nil, err
		}
		if err = s.m.cfg.Store.Create(ctx, id, e.rec.data, e.ttl); err == nil {
			return id, e, nil
		}
		s.m.abandon(ctx, id)
		if tries == outageTries || pause(ctx, outagePause, tries) != nil {
			return "", nil, fmt.Errorf("session: create: %w", err)
		}
	}
}

// abandon deletes a record whose id nobody knows, as well as it can: now if there is
// time left, otherwise behind the request's back.
func (m *Manager) abandon(ctx context.Context, id string) {
	if ctx.Err() == nil {
		if m.cfg.Store.Delete(ctx, id, nil) == nil {
			return
		}
	}
	select {
	case m.cleanups <- struct{}{}:
	default:
		return // the store is down; the record, if any, expires by itself
	}
	go func() {
		defer func() { <-m.cleanups }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.cfg.StoreTimeout)
		defer cancel()
		if err := m.cfg.Store.Delete(ctx, id, nil); err != nil {
			m.cfg.Logger.DebugContext(ctx, "session: abandoned record not deleted", "session", refOf(id), "error", err)
		}
	}()
}

// createIndexed is create and the labels' entries. A log-in that cannot be found by
// its label did not happen (S9), nor does one that the guard refuses now that others
// can find it: then this record goes, and nothing else has changed.
func (s *Session) createIndexed(ctx context.Context, d *draft) (id string, e *encoded, err error) {
	born := d.born
	for {
		id, e, err = s.create(ctx, d)
		if err != nil {
			return "", nil, err
		}
		for _, label := range d.labels {
			if err := s.m.addLabel(ctx, label, id, e.deadline); err != nil {
				s.m.abandon(ctx, id)
				return "", nil, err
			}
		}
		accept := s.plan.about().stored
		if accept == nil {
			return id, e, nil
		}
		if err = accept(ctx, refOf(id)); err == nil {
			return id, e, nil
		}
		s.m.abandon(ctx, id)
		s.m.unindex(ctx, d.labels, id)
		if !errors.Is(err, reqstate.ErrAgain) {
			return "", nil, err
		}
		d.born = born
	}
}

// commitNew stores a session that has no record yet.
func (s *Session) commitNew(ctx context.Context) error {
	if s.draft.empty() {
		s.dropChanges()
		return nil
	}
	if s.keepsNothing(ctx) {
		return nil
	}
	if !s.plan.credentials() {
		if err := s.stillNobody(ctx); err != nil {
			return err
		}
	}
	id, e, err := s.createIndexed(ctx, s.draft)
	if err != nil {
		return err
	}
	if s.plan.credentials() {
		if err := s.endPresented(ctx, id); err != nil {
			s.m.abandon(ctx, id)
			return err
		}
	}
	return s.arrive(id, e)
}

// stillNobody asks the authority whether the ids that the visitor presented are really
// unknown, where the load may have asked a replica or a cache: a new session's cookie
// must not take the place of a live one's (S13).
func (s *Session) stillNobody(ctx context.Context) error {
	if s.m.master == nil {
		return nil
	}
	looked := 0
	for p := range s.verified {
		if looked++; looked > maxLookups {
			break
		}
		data, err := s.m.master.GetMaster(ctx, p.id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("session: create: %w", err)
		}
		var rec record
		if rec.parse(p.id, data) != nil {
			continue
		}
		if deadline := rec.deadline(s.m.cfg.AbsoluteTimeout); deadline.IsZero() || time.Now().Before(deadline) {
			return ErrSessionChanged
		}
	}
	return nil
}

// arrive makes the new record the session's and sends its cookie.
func (s *Session) arrive(id string, e *encoded) error {
	s.adopt(id, &e.rec)
	s.via = 0
	return s.sendCookie()
}
