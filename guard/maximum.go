package guard

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session"
)

// ErrTooManySessions answers a log-in that Config.RefuseMore refuses: 403. It matches
// ErrForbidden.
var ErrTooManySessions = fmt.Errorf("guard: the user has as many sessions as Config.MaxSessions allows: %w", ErrForbidden)

const (
	countTries   = 4                     // how many times a log-in counts while others are undecided
	countPause   = 5 * time.Millisecond  // doubled before each count, from the second one on
	longestPause = 50 * time.Millisecond // the limit, also if another clock is ahead of ours
)

// countSessions counts the user's sessions for the log-in p, whose record was just stored under ref, and
// decides whether it stays. former is the Ref of the session that it replaces. The commit calls it before
// the log-in changes anything else.
//
// Every log-in is stored before it counts. So of several at the same time the last one to count sees all of
// them, and no more than Config.MaxSessions are accepted; if each counted first and was stored then, all
// could be accepted. With Config.RefuseMore a log-in that finds too many is refused, and only its own
// record is deleted. The first one, in an order that is the same for all, waits until the others are
// refused: otherwise none of them would be accepted. Without RefuseMore the oldest sessions end, after the
// commit. A log-in that is not the latest, because another one was stored in the same millisecond or by a
// clock ahead of ours, is stored again: otherwise it would end itself, and the response would have a
// useless cookie.
func (g *Guard[U]) countSessions(ctx context.Context, p *logInPlan[U], former, ref string) error {
	for {
		p.counted++
		list, err := g.sessionsOf(ctx, p.user, p.in.Slot.User, p.needed, ref)
		if err != nil && g.cfg.RefuseMore {
			return fmt.Errorf("guard: log in: count the sessions: %w", err) // a log-in that was not counted is refused
		}
		if err != nil {
			p.countErr = err
			return nil //nolint:nilerr // the log-in succeeds; the event has the error
		}
		list = slices.DeleteFunc(list, func(s UserSession) bool { return len(s.refs) == 1 && s.Ref == former || s.Pending || g.endsWith(p, &s) })
		place := slices.IndexFunc(list, func(s UserSession) bool { return s.Ref == ref }) // the latest first
		switch {
		case place < 0 && !g.cfg.RefuseMore && p.counted < countTries:
			return reqstate.ErrAgain // a later log-in has ended it before its response
		case place < 0:
			return session.ErrSessionEnded // LogOutEverywhere has ended it
		case len(list) <= g.cfg.MaxSessions:
			return nil
		case g.cfg.RefuseMore:
			if len(list)-1-place >= g.cfg.MaxSessions || p.counted >= countTries || !pause(ctx, countPause<<p.counted) {
				return ErrTooManySessions
			}
		case place > 0 && p.counted < countTries && pause(ctx, time.Until(list[0].began)+2*time.Millisecond):
			return reqstate.ErrAgain
		default:
			list = slices.Delete(list, place, place+1)
			p.excess = list[g.cfg.MaxSessions-1:]
			return nil
		}
	}
}

// endsWith reports whether s ends when the log-in p is stored: it is an earlier session of the same
// browser.
func (g *Guard[U]) endsWith(p *logInPlan[U], s *UserSession) bool {
	for _, rem := range p.former {
		if slices.Contains(s.labels, g.seriesPrefix()+rem.Series) {
			return true
		}
	}
	return false
}

// pause waits for d, at most longestPause, and reports whether ctx is still live.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(min(max(d, 0), longestPause))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// endExcess ends, after the commit, the sessions that are too many with the log-in p.
func (g *Guard[U]) endExcess(ctx context.Context, st *reqstate.State, p *logInPlan[U]) {
	err := p.countErr
	// Only a browser that presents a session may have had another one, which the log-in has ended.
	if err == nil && len(p.excess) > 0 && st.Slots.Presents() {
		err = g.stillExcess(ctx, p)
	}
	if err == nil && len(p.excess) > 0 {
		_, err = g.endBrowsers(ctx, p.in.Slot.User, p.excess, ReasonTooMany)
	}
	if err != nil {
		g.emit(ctx, Event{Name: EventError, Outcome: OutcomeError, User: p.in.Slot.User, Err: fmt.Errorf("guard: log in: end the oldest session: %w", err)})
	}
}

// stillExcess removes from p.excess the sessions that need not end any more: the log-in has ended other
// sessions that the browser presented and that were counted.
func (g *Guard[U]) stillExcess(ctx context.Context, p *logInPlan[U]) error {
	current := g.ref(ctx)
	list, err := g.sessionsOf(ctx, p.user, p.in.Slot.User, p.needed, current)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(s UserSession) bool { return s.Pending || s.Current || g.endsWith(p, &s) })
	list = list[min(g.cfg.MaxSessions-1, len(list)):]
	p.excess = slices.DeleteFunc(p.excess, func(s UserSession) bool {
		return !slices.ContainsFunc(list, func(l UserSession) bool { return l.key == s.key })
	})
	return nil
}
