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

// drops reports whether err says that what was planned is forgotten (S18).
func drops(err error) bool {
	return errors.Is(err, ErrSessionEnded) || errors.Is(err, ErrSessionChanged)
}

// forgotten notes for the answer, if one is to come, that nothing is planned any more.
func (s *Session) forgotten() {
	if s.req != nil && s.req.left != nil {
		s.req.left.forgotten()
	}
}

// commit has the visit carry out what is pending, and answers the browser accordingly. It
// is the one place where an outcome becomes cookies. The caller holds mu.
func (s *Session) commit(ctx context.Context, now time.Time) error {
	var out protocol.Outcome
	if s.visit.Due(now) {
		// A log-in by credentials is stored whoever caused it: the strategy has decided that.
		if s.crossSite && s.visit.Creates() && !s.presents() {
			s.visit.KeepNothing()
			s.warnWithheld(ctx)
		}
		if s.visit.Suspect && s.visit.Creates() { // or its cookie would replace the bound session's
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
	moved := out.Did == protocol.Refreshed || out.Did == protocol.Updated // the idle timeout's start
	if via := s.visit.Via; s.m.cfg.Rolling && moved || via > 0 && s.reissueDue(int(via)) {
		return s.sendCookie(ctx)
	}
	return nil
}

// report writes what operators should see and no caller does. A session appears as its Ref.
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
		// Other requests may write or end a session; a store that takes no writes lets all of
		// them run out, however much they are used.
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) && m.refreshLine.due(time.Now()) {
			level, text = slog.LevelWarn, "session: not refreshed; while this goes on, sessions in use run out (told once a minute)"
		}
	case protocol.LabelNotAdded:
		text = "session: label not refreshed"
	case protocol.LabelNotRemoved:
		text = "session: label not removed"
	case protocol.NotListening:
		text = "session: the store does not tell what ends"
		if m.listenLine.due(time.Now()) {
			level, text = slog.LevelWarn, text+"; while this goes on, guard.Watch notices it as late as Config.WatchInterval says (told once a minute)"
		}
	case protocol.LookPanicked:
		text = "session: the store panicked while guard.Watch looked"
		if m.panicLine.due(time.Now()) {
			level, text = slog.LevelError, text+"; that counts as an outage, which ends no stream (told once a minute)"
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

// seldom says of things that happen at any pace when one of them is to be told: at most once
// a minute. The zero value is ready, and safe for concurrent use.
type seldom struct{ last atomic.Int64 }

func (s *seldom) due(now time.Time) bool {
	last, seconds := s.last.Load(), now.Unix()
	return (last == 0 || seconds-last >= 60) && s.last.CompareAndSwap(last, seconds)
}

// conflicting returns the record that err says was found in place of the expected one.
func conflicting(err error) []byte {
	var c *Conflict
	if errors.As(err, &c) {
		return c.Current
	}
	return nil
}
