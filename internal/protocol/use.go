package protocol

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/seed-6f34412b/passport/internal/record"
)

// used is a session that a stream uses, as a look has read it.
type used struct {
	of  *watched
	rec *record.Record
}

// idleEnd returns when the session of rec ends unless it is used; false for a record that Go never wrote.
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

// mayUse notes in left that the idle timeout of a session in use is to begin anew, where that is due, and
// returns when it is to be looked at next, next or before. The clock's looks do it for all; another look does
// it for a session that would not live until the clock has looked. The caller holds mu.
func (w *watchers) mayUse(of *watched, rec *record.Record, left *findings, next time.Time) time.Time {
	now, half := time.Now(), w.p.WatchInterval/2
	near := !of.idle.IsZero() && of.idle.Before(w.tick.Add(half))
	if rec.RefreshDue(w.p.Terms, now) && (near || left.users != nil) {
		left.used = append(left.used, used{of, rec})
	}
	if near {
		if middle := now.Add(of.idle.Sub(now) / 2); middle.Before(next) {
			return middle
		}
	}
	return next
}

// use has the idle timeouts of sessions begin anew, one after another. It takes no longer than half the
// time between two looks of the clock: the next one does the others.
func (w *watchers) use(ctx context.Context, list []used) {
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
		err := w.asking(ctx, func() (err error) {
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
				w.later(u.of, w.mayUse(u.of, rec, &findings{}, end.Add(idleSlack)))
			}
			w.mu.Unlock()
		case err != nil && !errors.Is(err, w.p.NotFound) && w.p.Found(err) == nil:
			return // an outage
		}
	}
}

// asking is safely, and reports a panic.
func (w *watchers) asking(ctx context.Context, ask func() error) error {
	err := safely(ask)
	if p, ok := errors.AsType[*panicked](err); ok {
		w.p.Report(ctx, LookPanicked, "", p)
	}
	return err
}

// safely calls ask, which asks the store, and returns a panic as an error. No request is here that could fail
// by it, and a program is not to end because of it: it counts as an outage.
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
