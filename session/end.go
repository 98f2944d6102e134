package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxHops is how many times a log-out follows a session that moved on (S8).
const maxHops = 8

var errTooManyHops = fmt.Errorf("session: end: the session moved more than %d times meanwhile", maxHops)

// authority returns the store's way to read past replicas and caches.
func (m *Manager) authority() func(context.Context, string) ([]byte, error) {
	if m.master != nil {
		return m.master.GetMaster
	}
	return m.cfg.Store.Get
}

// end ends one record. A store that cannot leave notes deletes it.
func (m *Manager) end(ctx context.Context, id string, old []byte, next string, life time.Duration) (successor string, err error) {
	if m.ender == nil {
		return "", m.cfg.Store.Delete(ctx, id, old)
	}
	return m.ender.End(ctx, id, old, next, max(life, 0))
}

// commitEnd carries out a log-out or Destroy: every id that the request presented
// ends, then the cookies expire (S8). What the request stored since then goes into a
// new session. Unless all ended, nothing is said to have.
func (s *Session) commitEnd(ctx context.Context) error {
	var newID string
	var e *encoded
	if s.draft != nil && !s.draft.empty() && !s.keepsNothing(ctx) {
		var err error
		if newID, e, err = s.createIndexed(ctx, s.draft); err != nil {
			return err
		}
		s.plan.set().endKey = "" // one cookie cannot carry two sessions: all of the old one ends
	}
	moved, err := s.endAll(ctx)
	if err != nil {
		if newID != "" {
			s.m.abandon(ctx, newID)
		}
		return err
	}
	if moved {
		return nil
	}
	s.forget()
	s.expireCookies(newID != "")
	if newID != "" {
		return s.arrive(newID, e)
	}
	return nil
}

// endAll ends the session in use and everything else that was presented. moved is
// true when another guard's log-in lives on, under a new id whose cookie is sent.
func (s *Session) endAll(ctx context.Context) (moved bool, err error) {
	if err := s.endPresented(ctx, s.id); err != nil || s.id == "" {
		return false, err
	}
	return s.endOwn(ctx)
}

// endOwn ends the session in use, and where it went on. A log-out of one guard that
// finds another's log-in there ends only its own.
func (s *Session) endOwn(ctx context.Context) (moved bool, err error) {
	id, rec, key := s.id, s.rec, s.plan.about().endKey
	for range maxHops + 1 {
		next, err := s.m.endForGood(ctx, id, rec)
		if err != nil || next == "" {
			return false, err
		}
		if rec, err = s.m.look(ctx, next); err != nil {
			return false, err
		}
		if key != "" && rec != nil && slices.ContainsFunc(rec.liveKeys(s.m.cfg.AbsoluteTimeout, time.Now()), func(k string) bool { return k != key }) {
			found, err := s.fetch(ctx, time.Now(), next, s.m.authority())
			if err != nil {
				return false, err
			}
			if found {
				return true, s.leave(ctx, key)
			}
		}
		id = next
	}
	return false, errTooManyHops
}

// leave carries out the log-out of key from the session that s has become.
func (s *Session) leave(ctx context.Context, key string) error {
	s.dropChanges()
	s.plan.move, s.plan.set().follow = true, key
	s.ops = []op{s.m.leaveOp(key)}
	if done, err := s.loggedOutThere(ctx); done || err != nil {
		return err
	}
	d := new(draft)
	if err := d.replay(s.rec, s.ops); err != nil {
		return err
	}
	return s.move(ctx, d)
}

// endPresented ends every verified id of the request, and where its session went on,
// save those that the request itself is still busy with.
func (s *Session) endPresented(ctx context.Context, busy ...string) error {
	ended := slices.Clone(busy)
	for p := range s.verified {
		if slices.Contains(ended, p.id) {
			continue
		}
		ended = append(ended, p.id)
		if err := s.endChain(ctx, p.id, busy); err != nil {
			return err
		}
	}
	return nil
}

// endChain ends id and every id that the session went on to, up to one of stop.
func (s *Session) endChain(ctx context.Context, id string, stop []string) error {
	for range maxHops + 1 {
		rec, err := s.m.look(ctx, id)
		if err != nil {
			return err
		}
		next, err := s.m.endForGood(ctx, id, rec)
		if err != nil || next == "" || slices.Contains(stop, next) {
			return err
		}
		id = next
	}
	return errTooManyHops
}

// look returns the record of id, for its labels and its deadline; nil when there is
// none.
func (m *Manager) look(ctx context.Context, id string) (*record, error) {
	data, err := m.authority()(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("session: end: %w", err)
	}
	rec := new(record)
	if rec.parse(id, data) != nil {
		return new(record), nil //nolint:nilerr // malformed, but there: it is ended like any other
	}
	return rec, nil
}

// noteLife is how long a note on the end of rec is of use: for as long as rec could pass
// for a session if a Node program wrote it back (S15). One that Node made and Go never
// wrote has no deadline; its note lives as long as a log-in does.
func (m *Manager) noteLife(rec *record) time.Duration {
	deadline := rec.deadline(m.cfg.AbsoluteTimeout)
	if deadline.IsZero() {
		return m.cfg.AbsoluteTimeout
	}
	return time.Until(deadline)
}

// endForGood ends id whatever its record holds, and its labels' entries. It returns
// the id under which the session went on, if it did. Asking again is harmless, so a
// lost answer is no failure.
func (m *Manager) endForGood(ctx context.Context, id string, rec *record) (next string, err error) {
	if next, err = m.endOnly(ctx, id, rec); err != nil {
		return "", err
	}
	if rec != nil {
		m.unindex(ctx, rec.labels(), id)
	}
	return next, nil
}

// endOnly is endForGood without the labels' entries.
func (m *Manager) endOnly(ctx context.Context, id string, rec *record) (next string, err error) {
	life := m.lifeOf(rec)
	for tries := 1; ; tries++ {
		next, err = m.end(ctx, id, nil, "", life)
		if err == nil {
			return next, nil
		}
		if tries == outageTries || pause(ctx, outagePause, tries) != nil {
			return "", fmt.Errorf("session: end: %w", err)
		}
	}
}

// lifeOf is noteLife, and zero where there is no record.
func (m *Manager) lifeOf(rec *record) time.Duration {
	if rec == nil {
		return 0
	}
	return m.noteLife(rec)
}
