package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/internal/cookies"
)

// presented is an id in the request's cookies whose signature verified.
type presented struct {
	id  string
	via int // index in Manager.accept
}

// maxLookups is how many of a request's verified ids are looked up for one that
// lives. Each was issued by us, so more than one is rare.
const maxLookups = 8

// verified yields every id in the request whose signature verifies, under each
// accepted cookie in turn. Ids may repeat.
func (s *Session) verified(yield func(presented) bool) {
	if s.req == nil {
		if s.id != "" {
			yield(presented{s.id, 0})
		}
		return
	}
	s.consult = true
	for via := range s.m.accept {
		a := &s.m.accept[via]
		if a.read {
			continue
		}
		for value := range cookies.Values(s.req.cookies, a.name) {
			if id, ok := a.codec.Decode(a.name, value); ok && !yield(presented{id, via}) {
				return
			}
		}
	}
}

// load finds the request's session on first use. Later calls return the same
// outcome: an outage costs a request one StoreTimeout, not many. The caller holds mu.
func (s *Session) load(ctx context.Context) error {
	switch s.state {
	case stateLoaded:
		return nil
	case stateFailed:
		return s.loadErr
	}
	var err error
	var now time.Time
	looked := 0
	for p := range s.verified {
		if looked++; looked > maxLookups {
			break
		}
		if looked == 1 {
			now = time.Now()
			s.wait.begin(ctx, now, s.m.cfg.StoreTimeout)
		}
		var found bool
		if found, err = s.fetch(&s.wait, now, p.id, s.m.cfg.Store.Get); err != nil || found {
			s.via = p.via
			break
		}
	}
	if looked > 0 {
		s.wait.end()
	}
	if err != nil {
		s.state, s.loadErr = stateFailed, err
		return err
	}
	s.state = stateLoaded
	return nil
}

// fetch reads the record of id by get at now and makes s that session. found is false,
// and s unchanged but for lost, when there is no record, or one that is malformed or past its
// deadline: the visitor is anonymous then.
func (s *Session) fetch(ctx context.Context, now time.Time, id string, get func(context.Context, string) ([]byte, error)) (found bool, err error) {
	data, err := get(ctx, id)
	if errors.Is(err, ErrNotFound) {
		s.lost = &lost{id: id}
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("session: load: %w", err)
	}
	rec := s.rec
	if s.id != "" {
		rec = new(record) // keep what is there if the new one is no good
	}
	if err := rec.parse(id, data); err != nil {
		s.m.cfg.Logger.WarnContext(ctx, "session: record ignored, visitor is anonymous", "session", refOf(id), "error", err)
		return false, nil
	}
	if deadline := rec.deadline(s.m.cfg.AbsoluteTimeout); !deadline.IsZero() && !now.Before(deadline) {
		s.m.cfg.Logger.DebugContext(ctx, "session: past its absolute deadline", "session", refOf(id))
		s.m.deleteQuietly(ctx, id, data)
		if rec == s.rec {
			s.rec = new(record)
		}
		s.lost = &lost{id, rec}
		return false, nil
	}
	s.id, s.rec, s.at = id, rec, now
	return true, nil
}

// deleteQuietly ends a record that is of no more use, if it still is what was read.
// Failing is harmless: the record is refused at every load.
func (m *Manager) deleteQuietly(ctx context.Context, id string, old []byte) {
	if err := m.cfg.Store.Delete(ctx, id, old); err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrConflict) {
		m.cfg.Logger.DebugContext(ctx, "session: deleting a finished record failed", "session", refOf(id), "error", err)
	}
}
