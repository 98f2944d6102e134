package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// How a commit meets trouble: an outage is tried again a few times, a conflict until
// the commit's deadline. Waiting is random, so that rivals part.
const (
	outageTries = 3
	outagePause = 8 * time.Millisecond
	rivalPause  = time.Millisecond
	maxPause    = 64 * time.Millisecond
)

// pause waits before try number n (from 1), up to 2^n times unit. It returns ctx's
// error when that ends first.
func pause(ctx context.Context, unit time.Duration, n int) error {
	longest := min(unit<<min(n, 10), maxPause)
	t := time.NewTimer(time.Duration(rand.Int64N(int64(longest))) + 1) //nolint:gosec // jitter is no secret
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish is the commit before the response's first byte. Afterwards the session
// cannot be changed. The caller holds mu.
func (s *Session) finish(ctx context.Context) error {
	if s.state != stateLoaded {
		s.closed = true
		return nil
	}
	err := s.commit(ctx, s.at)
	s.closed = true
	return err
}

// commit carries out everything that is pending, or refreshes the session when at now
// the time for it has come: for a request, when the record was asked for. It is bounded by StoreTimeout of its own, not by the request's
// context: a client that hangs up does not lose its log-in.
func (s *Session) commit(ctx context.Context, now time.Time) error {
	if s.gone != nil {
		return nil // the caller of the change got the error
	}
	if s.draft == nil && !s.plan.end {
		if s.rec.data == nil {
			return nil
		}
		if !s.refreshDue(now) {
			return s.reissue()
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.m.cfg.StoreTimeout)
	defer cancel()
	var err error
	switch {
	case s.plan.end:
		err = s.commitEnd(ctx)
	case s.draft == nil:
		s.refresh(ctx)
		return s.reissue()
	case s.rec.data == nil:
		err = s.commitNew(ctx)
	case s.plan.move:
		err = s.commitMove(ctx)
	default:
		if err = s.commitUpdate(ctx); err == nil {
			err = s.reissue()
		}
		if err == nil && s.m.cfg.Rolling {
			err = s.sendCookie() // the write moved the idle timeout's start
		}
	}
	if errors.Is(err, ErrSessionEnded) || errors.Is(err, ErrSessionChanged) {
		s.dropChanges()
		s.gone = err
	}
	return err
}

// commitUpdate writes the changes under the same id (S3): compare-and-swap, and
// after a conflict the same operations again on the record that was found.
func (s *Session) commitUpdate(ctx context.Context) error {
	unlock, err := s.m.locks.lock(ctx, s.id)
	if err != nil {
		return fmt.Errorf("session: save: waiting for another commit: %w", err)
	}
	defer unlock()

	before, rev := s.rec, newRev()
	d := s.draft
	due := s.refreshDue(time.Now())
	unsure := false // a try's answer was lost
	for outages, rivals := 0, 0; ; {
		e, err := s.m.encode(d, s.id, &before.own, rev, time.Now())
		if errors.Is(err, errPastDeadline) {
			s.m.deleteQuietly(ctx, s.id, before.data)
			return ErrSessionEnded
		}
		if err != nil {
			return err
		}
		err = s.m.cfg.Store.Update(ctx, s.id, before.data, e.rec.data, e.ttl)
		var conflict *Conflict
		switch {
		case err == nil:
			s.adopt(s.id, &e.rec)
			if due {
				s.m.reindex(ctx, s.id, e)
			}
			return nil
		case errors.Is(err, ErrNotFound):
			return ErrSessionEnded
		case errors.As(err, &conflict):
			found := new(record)
			if found.parse(s.id, conflict.Current) != nil {
				return ErrSessionChanged
			}
			if found.own.has(rev) { // ours, its answer lost (S4)
				s.adopt(s.id, found)
				return nil
			}
			if !s.rec.sameIdentity(found) {
				return ErrSessionChanged
			}
			if unsure && !found.own.tellsAllSince(&before.own) {
				return errors.New("session: save: the answer was lost and the record does not tell whether the change is in it")
			}
			unsure = false
			d = new(draft)
			if err := d.replay(found, s.ops); err != nil {
				return err
			}
			before = found
			if rivals++; rivals > 1 {
				err = pause(ctx, rivalPause, rivals)
			} else {
				err = ctx.Err()
			}
			if err != nil {
				return fmt.Errorf("session: save: too many writers: %w", err)
			}
		default:
			unsure = true
			if outages++; outages == outageTries || pause(ctx, outagePause, outages) != nil {
				return fmt.Errorf("session: save: %w", err)
			}
		}
	}
}

// replay makes d the record r with ops applied.
func (d *draft) replay(r *record, ops []op) error {
	d.reset(r)
	now := time.Now()
	for _, o := range ops {
		if err := o(d, now); err != nil {
			return err
		}
	}
	return nil
}

// refreshDue reports whether the idle timeout's start should move at now. A record or a
// log-in that Node made is due at once: its birth is our first write (S14), and so is its label.
func (s *Session) refreshDue(now time.Time) bool {
	age, after := now.Sub(time.UnixMilli(s.rec.own.seen)), s.m.cfg.RefreshAfter
	if idle, ok := s.rec.idle(); ok { // a lifetime of its own may be shorter than the configured pace
		after = min(after, idle/10)
	}
	return !s.rec.own.known || s.rec.relabel || age >= after || age < -after
}

// refresh moves the start of the idle timeout: one Update, never repeated, whose
// failure the visitor does not notice (S12). While another commit of this process is
// writing the same session there is no need for it.
func (s *Session) refresh(ctx context.Context) {
	unlock, ok := s.m.locks.tryLock(s.id)
	if !ok {
		return
	}
	defer unlock()
	var d draft
	d.reset(s.rec)
	e, err := s.m.encode(&d, s.id, &s.rec.own, newRev(), time.Now())
	if err == nil {
		err = s.m.cfg.Store.Update(ctx, s.id, s.rec.data, e.rec.data, e.ttl)
	}
	if err != nil {
		s.m.cfg.Logger.DebugContext(ctx, "session: not refreshed", "session", refOf(s.id), "error", err)
		return
	}
	s.adopt(s.id, &e.rec)
	s.m.reindex(ctx, s.id, e)
	if s.m.cfg.Rolling {
		if err := s.sendCookie(); err != nil {
			s.m.cfg.Logger.ErrorContext(ctx, "session: rolling cookie not sent", "session", refOf(s.id), "error", err)
		}
	}
}
