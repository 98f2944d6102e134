package protocol

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/internal/devicebound"
	"github.com/seed-6f34412b/passport/internal/record"
)

// rotation is a session on its way to a new id (S5, S6, S7).
type rotation struct {
	v      *Visit
	before *record.Record // what the new record was made from; empty when the old one is gone
	draft  *record.Draft
	made   *stored // the new record
	gone   bool    // the old record had ended before this rotation could end it
	back   bool    // and Node has written it back since
}

// commitRotation stores the session under a new id and ends the old one: Create, index,
// compare-and-delete, cookie. The comparison makes sure that what was written under the
// old id until its end is carried on.
func (v *Visit) commitRotation(ctx context.Context) (Outcome, error) {
	unlock, err := v.p.lock(ctx, v.ID)
	if err != nil {
		return Outcome{}, err
	}
	defer unlock()
	r := &rotation{v: v, before: v.base, draft: v.draft}
	binding := v.plan.binding
	if binding == "" {
		binding = devicebound.Of(v.ID) // a session that is bound stays so, and to the same key (S19)
	}
	for again := true; again; {
		if r.made, err = v.create(ctx, r.draft, binding, r.endsAtOnce()); err != nil {
			return Outcome{}, err
		}
		if again, err = r.endOld(ctx); err == nil && !again {
			err = r.endOthers(ctx)
		}
		if again || err != nil {
			v.p.abandon(ctx, r.made.id)
		}
		if again && err == nil {
			r.draft, err = v.replay(r.before)
		}
		if err != nil {
			return Outcome{}, err
		}
	}
	if !r.made.oldEnded {
		v.p.unindex(ctx, r.before.Indexed(), v.ID)
	}
	logIns := v.plan.logIns
	v.adopt(r.made.id, &r.made.Record)
	return Outcome{Did: Rotated, Cookie: Send, LogIns: logIns}, nil
}

// endOthers ends what the request presents beside the session in use, for a log-in. It also
// ends where the old session went on, if a log-out comes with it, or Node wrote the old one back.
func (r *rotation) endOthers(ctx context.Context) error {
	v := r.v
	if len(v.plan.proved) == 0 {
		return nil
	}
	busy := []string{r.made.id, v.ID}
	if r.back || r.gone && len(v.plan.leaving) > 0 {
		busy = busy[:1]
	}
	_, err := v.endPresented(ctx, nil, busy...)
	return err
}

// endOld ends the record that the new one continues. While it changes meanwhile, its
// content is carried again. again is true when the log-ins to carry changed: the new
// record must be made again under another id, since they never change under one (S1).
func (r *rotation) endOld(ctx context.Context) (again bool, err error) {
	v, proved := r.v, len(r.v.plan.proved) > 0
	if r.made.oldEnded {
		if w := v.p.watchers.Load(); w != nil {
			w.told(EndNotice(v.ID, r.before.Bytes(), ""))
		}
		return false, nil
	}
	for rivals, outages := 0, 0; r.before.Exists(); {
		next := ""
		if r.carriesUnproved() {
			next = r.made.id
		}
		successor, err := v.p.end(ctx, v.ID, r.before.Bytes(), next, v.p.noteLife(r.before))
		if err == nil {
			return false, nil
		}
		if errors.Is(err, v.p.NotFound) {
			r.gone = true
			if !proved {
				return false, v.p.Ended
			}
			if successor != "" { // what lies beside that note is Node's, which wrote it back
				there, err := v.p.look(ctx, v.ID)
				if err != nil {
					return false, err
				}
				r.back = there != nil
			}
			if next == "" {
				return false, nil // two log-ins at once: both are true
			}
			// Another guard's log-in was to be carried. It may have been ended: what this
			// request did not prove itself cannot outlive the record it was in.
			r.before = new(record.Record)
			return true, nil
		}
		if current := v.p.Found(err); current != nil {
			if again, err := r.carryFound(ctx, current); again || err != nil {
				return again, err
			}
			rivals++
			if err := yield(ctx, rivals); err != nil {
				return false, fmt.Errorf("session: save: too many writers: %w", err)
			}
			continue
		}
		// Asking again is safe where the outcome is the same: the note makes it so, and a
		// log-in does not depend on who ended the old record.
		if outages++; next == "" && !proved || outages == outageTries || pause(ctx, outagePause, outages) != nil {
			return false, fmt.Errorf("session: save: end the old record: %w", err)
		}
	}
	return false, nil
}

// carryFound carries what another request wrote under the old id into the new record,
// which nobody knows yet.
func (r *rotation) carryFound(ctx context.Context, current []byte) (again bool, err error) {
	v := r.v
	found := new(record.Record)
	if found.Parse(v.ID, current) != nil {
		return false, v.p.Changed
	}
	if len(v.plan.proved) == 0 && !v.base.SameIdentity(found, v.p.guardKeys()...) {
		return false, v.p.Changed
	}
	v.skipDone(found)
	r.before = found
	if r.draft, err = v.replay(found); err != nil {
		return false, err
	}
	old := &r.made.Record
	if r.draft.Born == 0 {
		born, _, _ := old.Written()
		r.draft.Born = born.UnixMilli()
	}
	e, err := r.draft.Encode(v.p.Terms, r.made.id, old, randomText(record.RevisionBytes), time.Now())
	if errors.Is(err, record.ErrPastDeadline) {
		return false, v.p.Ended
	}
	if err != nil {
		return false, err
	}
	if !old.SameIdentity(&e.Record) { // both are ours, and name all log-ins in them
		return true, nil
	}
	if err := v.p.Store.Update(ctx, r.made.id, old.Bytes(), e.Record.Bytes(), e.TTL); err != nil {
		return false, fmt.Errorf("session: save: %w", err)
	}
	r.made.Encoded = e
	return false, nil
}

// endsAtOnce returns the old record if it may end in the step that stores the new one: for a
// log-in that carries nobody else's. Whoever ended the old record, that goes on (S6), so it can
// be stored once more under another id after a lost answer; the others look for their own note.
func (r *rotation) endsAtOnce() *record.Record {
	plan := r.v.plan
	if !r.before.Exists() || len(plan.proved) == 0 || len(plan.stored) > 0 || r.carriesUnproved() {
		return nil
	}
	return r.before
}

// carriesUnproved reports whether the end of the old record must show where the session
// went on: where a log-in is carried that did not just prove itself, a log-out under the
// old id must find it (S7).
func (r *rotation) carriesUnproved() bool {
	logIns := r.before.LogIns(r.v.p.Terms.Absolute, time.Now(), r.v.p.guardKeys()...)
	return others(logIns, r.v.plan.proved)
}
