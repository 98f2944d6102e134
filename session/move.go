package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// commitMove stores the session under a new id and ends the old one (S5, S6, S7):
// Create, index, compare-and-delete, cookie. The comparison makes sure that what was
// written under the old id until its end is carried on.
func (s *Session) commitMove(ctx context.Context) error {
	unlock, err := s.m.locks.lock(ctx, s.id)
	if err != nil {
		return fmt.Errorf("session: save: waiting for another commit: %w", err)
	}
	defer unlock()

	if s.plan.about().follow != "" { // every other way in ends first, or nothing does (S8)
		if err := s.endPresented(ctx, s.id); err != nil {
			return err
		}
	}
	return s.move(ctx, s.draft)
}

// move does the work of commitMove, with d as the content.
func (s *Session) move(ctx context.Context, d *draft) error {
	before := s.rec
	for hops := 0; ; {
		newID, e, err := s.createIndexed(ctx, d)
		if errors.Is(err, errPastDeadline) {
			return ErrSessionEnded
		}
		if err != nil {
			return err
		}
		var successor string
		if before.data != nil {
			successor, err = s.endOld(ctx, newID, &e, &before)
		}
		switch {
		case err == nil:
			if s.plan.credentials() {
				if err := s.endPresented(ctx, s.id, newID); err != nil {
					s.m.abandon(ctx, newID)
					return err
				}
			}
			s.m.unindex(ctx, before.labels(), s.id)
			return s.arrive(newID, e)
		case errors.Is(err, errAgain): // before is what the next round starts from
			s.m.abandon(ctx, newID)
		case errors.Is(err, ErrSessionEnded) && s.plan.about().follow != "" && successor != "" && hops < maxHops:
			s.m.abandon(ctx, newID)
			if hops, err = s.fetchSuccessor(ctx, successor, hops); err != nil {
				return err
			}
			if s.id == "" {
				return nil // ended there too: nobody is logged in
			}
			before = s.rec
			if done, err := s.loggedOutThere(ctx); done || err != nil {
				return err
			}
		case errors.Is(err, ErrSessionEnded) && s.plan.about().follow != "" && successor == "":
			s.m.abandon(ctx, newID)
			s.forget() // the session is gone, and the log-in with it
			return nil
		default:
			s.m.abandon(ctx, newID)
			return err
		}
		d = new(draft)
		if err := d.replay(before, s.ops); err != nil {
			return err
		}
	}
}

// fetchSuccessor makes s the session that the old one became: that of id, or, where id
// has ended too, of its own successor, and so on. s is empty when none of them lives.
// hops counts all that a log-out followed.
func (s *Session) fetchSuccessor(ctx context.Context, id string, hops int) (int, error) {
	for ; hops < maxHops; hops++ {
		found, err := s.fetch(ctx, time.Now(), id, s.m.authority())
		if found || err != nil {
			return hops + 1, err
		}
		if id, err = s.m.endForGood(ctx, id, nil); err != nil {
			return hops, err
		}
		if id == "" {
			s.forget()
			return hops, nil
		}
	}
	return hops, errTooManyHops
}

// errAgain says that the log-ins to carry changed, so that the new record must be
// made again under another id: they never change under one (S1).
var errAgain = errors.New("session: internal: carry again")

// endOld ends the record *before that newID continues. While it changes under our hands
// its content is carried again; *e and *before follow.
func (s *Session) endOld(ctx context.Context, newID string, e **encoded, before **record) (successor string, err error) {
	for rivals, outages := 0, 0; ; {
		next := ""
		if s.leavesSuccessor(*before) {
			next = newID
		}
		successor, err := s.m.end(ctx, s.id, (*before).data, next, s.m.noteLife(*before))
		var conflict *Conflict
		switch {
		case err == nil:
			return "", nil
		case errors.Is(err, ErrNotFound):
			switch {
			case !s.plan.credentials():
				return successor, ErrSessionEnded
			case next == "":
				return "", nil // two log-ins at once: both are true
			}
			// Another guard's log-in was to be carried. It may have been ended: what this
			// request did not prove itself cannot outlive the record it was in.
			*before = new(record)
			return "", errAgain
		case errors.As(err, &conflict):
			found := new(record)
			if found.parse(s.id, conflict.Current) != nil {
				return "", ErrSessionChanged
			}
			if !s.plan.credentials() && !s.rec.sameIdentity(found) {
				return "", ErrSessionChanged
			}
			*before = found
			var d draft
			if err := d.replay(found, s.ops); err != nil {
				return "", err
			}
			if d.born == 0 {
				d.born = (*e).rec.own.born
			}
			next, err := s.m.encode(&d, newID, &(*e).rec.own, newRev(), time.Now())
			if err != nil {
				return "", err
			}
			if !(*e).rec.sameIdentity(&next.rec) {
				return "", errAgain
			}
			if err := s.m.cfg.Store.Update(ctx, newID, (*e).rec.data, next.rec.data, next.ttl); err != nil {
				return "", fmt.Errorf("session: save: %w", err)
			}
			*e = next
			if rivals++; rivals > 1 && pause(ctx, rivalPause, rivals) != nil {
				return "", fmt.Errorf("session: save: too many writers: %w", ctx.Err())
			}
		default:
			// Asking again is safe where the outcome is the same: the note makes it so, and a
			// log-in does not mind that the old record is gone.
			if outages++; next == "" && !s.plan.credentials() || outages == outageTries || pause(ctx, outagePause, outages) != nil {
				return "", fmt.Errorf("session: save: end the old record: %w", err)
			}
		}
	}
}

// leavesSuccessor reports whether the end of the old record must tell where the
// session went on: where a log-in is carried that did not just prove itself, a
// log-out under the old id must find it.
func (s *Session) leavesSuccessor(before *record) bool {
	now := time.Now()
	for _, key := range before.liveKeys(s.m.cfg.AbsoluteTimeout, now) {
		if !slices.Contains(s.plan.about().proved, key) {
			return true
		}
	}
	return false
}

// loggedOutThere deals with a log-out of one guard that followed the session to where
// it went on: done is true when the log-in is not there, or was the only one.
func (s *Session) loggedOutThere(ctx context.Context) (done bool, err error) {
	key := s.plan.about().follow
	now := time.Now()
	if _, ok := s.rec.live(key, s.m.cfg.AbsoluteTimeout, now); !ok {
		s.adopt(s.id, s.rec)
		return true, nil
	}
	if len(s.rec.liveKeys(s.m.cfg.AbsoluteTimeout, now)) > 1 {
		return false, nil
	}
	s.plan.set().endKey = key
	moved, err := s.endOwn(ctx)
	if err == nil && !moved {
		s.forget()
	}
	return true, err
}
