package protocol

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/internal/devicebound"
	"github.com/seed-6f34412b/passport/internal/record"
)

// rotation gives a session a new id (S5, S6, S7).
type rotation struct {
	v      *Visit
	before *record.Record // what the new record was made from; empty if the old one is gone
	draft  *record.Draft
	made   *stored // the new record
	gone   bool    // the old record had ended before this rotation could end it
	back   bool    // gone, and Node has written it back since
}

// commitRotation stores the session under a new id and ends the old record: Create, index,
// compare-and-delete, cookie. The comparison ensures that everything written under the old
// id before its end is carried over.
func (v *Visit) commitRotation(ctx context.Context) (Outcome, error) {
	unlock, err := v.p.lock(ctx, v.ID)
	if err != nil {
		return Outcome{}, err
	}
	defer unlock()
	r := &rotation{v: v, before: v.base, draft: v.draft}
	binding := v.plan.binding
	if binding == "" {
		binding = devicebound.Of(v.ID) // a bound session stays bound to the same key (S19)
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

// endOthers ends, for a log-in, all other sessions that the request presents. It also ends the old
// session's successors if a log-out was planned too, or Node wrote the old record back.
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

// endOld ends the record that the new one replaces. If it has changed, its content is carried over
// again. again is true if the log-ins to carry over have changed: the new record must then be
// created under another id, because the log-ins under an id never change (S1).
func (r *rotation) endOld(ctx context.Context) (again bool, err error) {
	v, proved := r.v, len(r.v.plan.proved) > 0
	if r.made.oldEnded {
		if w := v.p.watchers.Load(); w != nil {
			w.onNotice(EndNotice(v.ID, r.before.Bytes(), ""))
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
			if successor != "" { // a record with that note was written back by Node
				there, err := v.p.look(ctx, v.ID)
				if err != nil {
					return false, err
				}
				r.back = there != nil
			}
			if next == "" {
				return false, nil // two log-ins at once: both are valid
			}
			// Another guard's log-in was to be carried over. It may have been ended: a log-in that this
			// request did not prove itself must not outlive the record that it was in.
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
		// Repeating is safe if the outcome is the same: with a successor the note makes it so, and a
		// log-in does not depend on who ended the old record.
		if outages++; next == "" && !proved || outages == outageTries || pause(ctx, outagePause, outages) != nil {
			return false, fmt.Errorf("session: save: end the old record: %w", err)
		}
	}
	return false, nil
}

// carryFound carries what another request wrote under the old id over into the new record, whose
// id nobody knows yet.
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
	if !old.SameIdentity(&e.Record) { // we wrote both, so they list all their log-ins
		return true, nil
	}
	if err := v.p.Store.Update(ctx, r.made.id, old.Bytes(), e.Record.Bytes(), e.TTL); err != nil {
		return false, fmt.Errorf("session: save: %w", err)
	}
	r.made.Encoded = e
	return false, nil
}

// endsAtOnce returns the old record if it may end in the step that stores the new one: for a
// log-in that carries over no other log-in. Such a log-in succeeds whoever ended the old record
// (S6), so after a lost answer it can be stored again under another id. Other rotations must
// check that the note is their own.
func (r *rotation) endsAtOnce() *record.Record {
	plan := r.v.plan
	if !r.before.Exists() || len(plan.proved) == 0 || len(plan.stored) > 0 || r.carriesUnproved() {
		return nil
	}
	return r.before
}

// carriesUnproved reports whether the end of the old record must leave its successor in a note: if
// a log-in is carried over that was not proved in this request, a log-out under the old id
// must find it (S7).
func (r *rotation) carriesUnproved() bool {
	logIns := r.before.LogIns(r.v.p.Terms.Absolute, time.Now(), r.v.p.guardKeys()...)
	return others(logIns, r.v.plan.proved)
}
