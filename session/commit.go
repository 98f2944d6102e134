package session

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/seed-6f34412b/passport/internal/protocol"
	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// Save commits now what the response would commit before its first byte: req.session.save.
// Its errors are those of the commit: ErrSessionEnded, ErrSessionChanged, or an outage.
// The changes stay pending after an outage. If nothing is pending it does not check that
// the session still exists.
func (s *Session) Save(ctx context.Context) error {
	s.lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	err := s.commit(ctx, time.Now())
	if drops(err) {
		s.forgotten()
	}
	return err
}

// drops reports whether err means that the pending changes are dropped (S18).
func drops(err error) bool {
	return errors.Is(err, ErrSessionEnded) || errors.Is(err, ErrSessionChanged)
}

// forgotten records for the response, if there is one, that nothing is pending any more.
func (s *Session) forgotten() {
	if s.req != nil && s.req.left != nil {
		s.req.left.forgotten()
	}
}

// commit makes the visit carry out what is pending, and sets the response's cookies accordingly. No other
// code turns an outcome into cookies. The caller holds mu.
func (s *Session) commit(ctx context.Context, now time.Time) error {
	var out protocol.Outcome
	if s.visit.Due(now) {
		// A log-in with credentials is stored even if another site caused it: the strategy has decided
		// that.
		if s.crossSite && s.visit.Creates() && !s.presents() {
			s.visit.KeepNothing()
			s.warnWithheld(ctx)
		}
		if s.visit.Suspect && s.visit.Creates() { // its cookie would replace that of the bound session
			s.visit.KeepNothing()
		}
		var err error
		if out, err = s.visit.Commit(ctx, now); err != nil {
			return err
		}
		s.changed = s.changed || out.Did > protocol.Refreshed
		if s.req != nil && (len(out.LogIns) > 0 || s.req.left != nil) {
			s.req.toAnswer().carriedOut(out.LogIns)
		}
	}
	switch out.Cookie {
	case protocol.Send:
		return s.sendCookie(ctx)
	case protocol.ExpireOthers:
		s.expireCookies(true)
		return s.sendCookie(ctx)
	case protocol.Expire:
		s.expireCookies(false)
		return nil
	}
	moved := out.Did == protocol.Refreshed || out.Did == protocol.Updated // the idle timeout was restarted
	if via := s.visit.Via; s.m.cfg.Rolling && moved || via > 0 && s.reissueDue(int(via)) {
		return s.sendCookie(ctx)
	}
	return nil
}

// report logs what operators should see and no caller gets as an error. Sessions appear as their Ref.
func (m *Manager) report(ctx context.Context, what protocol.Incident, id string, err error) {
	level, text := slog.LevelDebug, ""
	switch what {
	case protocol.RecordIgnored:
		level, text = slog.LevelWarn, "session: record ignored, visitor is anonymous"
	case protocol.PastDeadline:
		text = "session: past its absolute deadline"
	case protocol.NotDeleted:
		text = "session: an expired or abandoned record was not deleted"
	case protocol.NotRefreshed:
		text = "session: not refreshed"
		// Another request may have written or ended the session. But a store that accepts no writes lets
		// all sessions expire, even those in use.
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) && m.refreshLine.due(time.Now()) {
			level, text = slog.LevelWarn, "session: not refreshed; while this continues, sessions in use expire (logged once a minute)"
		}
	case protocol.LabelNotAdded:
		text = "session: label not refreshed"
	case protocol.LabelNotRemoved:
		text = "session: label not removed"
	case protocol.NotListening:
		text = "session: the notices of the store cannot be received"
		if m.listenLine.due(time.Now()) {
			level, text = slog.LevelWarn, text+"; while this continues, guard.Watch notices it only after Config.WatchInterval (logged once a minute)"
		}
	case protocol.LookPanicked:
		text = "session: the store panicked while guard.Watch looked"
		if m.panicLine.due(time.Now()) {
			level, text = slog.LevelError, text+"; that counts as an outage, which ends no stream (logged once a minute)"
		}
	case protocol.NotRevoked:
		level, text = slog.LevelWarn, "session: revoked log-in not deleted; it is refused at every request"
	}
	var attrs []slog.Attr
	if id != "" {
		attrs = append(attrs, slog.String("session", refOf(id)))
	}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	if st := reqstate.Of(ctx, m); st != nil { // the session may be locked
		(*Session)(st.Slots.(*slots)).log(ctx, level, text, attrs...)
		return
	}
	m.cfg.Logger.LogAttrs(ctx, level, text, attrs...)
}

// seldom limits a log line to one a minute. The zero value is ready for use, and it is safe for concurrent
// use.
type seldom struct{ last atomic.Int64 }

func (s *seldom) due(now time.Time) bool {
	last, seconds := s.last.Load(), now.Unix()
	return (last == 0 || seconds-last >= 60) && s.last.CompareAndSwap(last, seconds)
}

// conflicting returns the record in the *Conflict that err wraps, nil if there is none.
func conflicting(err error) []byte {
	var c *Conflict
	if errors.As(err, &c) {
		return c.Current
	}
	return nil
}
