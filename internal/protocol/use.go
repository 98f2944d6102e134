package protocol

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/seed-6f34412b/passport/internal/record"
)

// sessionInUse is a session that a stream keeps in use, as a look has read it.
type sessionInUse struct {
	of  *watched
	rec *record.Record
}

// idleEnd returns when the idle timeout of rec is over; false for a record that Go never wrote.
func (p *Protocol) idleEnd(rec *record.Record) (time.Time, bool) {
	_, seen, ok := rec.Written()
	if !ok {
		return time.Time{}, false
	}
	idle, own := rec.Idle()
	if !own {
		idle = p.Terms.Idle
	}
	return seen.Add(idle), true
}

// planRestart records in left that the idle timeout of a session in use is to be restarted, if that is
// due. It returns when to look at the session next, which is next or earlier. The clock's looks do this for
// all sessions; other looks do it for a session that would expire before the clock looks again. The caller
// holds mu.
func (w *watchers) planRestart(of *watched, rec *record.Record, left *findings, next time.Time) time.Time {
	now, half := time.Now(), w.p.WatchInterval/2
	near := !of.idle.IsZero() && of.idle.Before(w.tick.Add(half))
	if rec.RefreshDue(w.p.Terms, now) && (near || left.users != nil) {
		left.used = append(left.used, sessionInUse{of, rec})
	}
	if near {
		if middle := now.Add(of.idle.Sub(now) / 2); middle.Before(next) {
			return middle
		}
	}
	return next
}

// restartIdle restarts the idle timeouts of sessions, one after another. It takes at most half the time
// between two looks of the clock; the next look continues.
func (w *watchers) restartIdle(ctx context.Context, list []sessionInUse) {
	if len(list) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, max(w.p.WatchInterval/2, time.Second))
	defer cancel()
	for _, u := range list {
		if ctx.Err() != nil {
			return
		}
		var rec *record.Record
		err := w.callStore(ctx, func() (err error) {
			ctx, cancel := context.WithTimeout(ctx, w.p.Timeout)
			defer cancel()
			rec, err = w.p.refresh(ctx, u.of.id, u.rec)
			return err
		})
		switch {
		case rec != nil:
			w.mu.Lock()
			if end, ok := w.p.idleEnd(rec); ok && u.of.first != nil {
				u.of.idle = end
				w.schedule(u.of, w.planRestart(u.of, rec, &findings{}, end.Add(idleSlack)))
			}
			w.mu.Unlock()
		case err != nil && !errors.Is(err, w.p.NotFound) && w.p.Found(err) == nil:
			return // an outage
		}
	}
}

// callStore calls ask as safely does, and reports a panic.
func (w *watchers) callStore(ctx context.Context, ask func() error) error {
	err := safely(ask)
	if p, ok := errors.AsType[*panicked](err); ok {
		w.p.Report(ctx, LookPanicked, "", p)
	}
	return err
}

// safely calls ask, which asks the store, and returns a panic as an error. It runs on no request's goroutine
// that could fail by the panic, and it must not end the program: it counts as an outage.
func safely(ask func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicked{p, debug.Stack()}
		}
	}()
	return ask()
}

// panicked is a panic of the store.
type panicked struct {
	value any
	stack []byte
}

// Error implements error.
func (p *panicked) Error() string { return fmt.Sprintf("the store panicked: %v\n%s", p.value, p.stack) }
