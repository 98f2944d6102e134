package protocol

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/devicebound"
	"github.com/seed-6f34412b/passport/internal/record"
)

// This file has what a request can plan: a log-in, a new id, the log-out of a guard, the
// end of everything. Each changes at once what the request sees; the commit carries it out.

// plan is what is pending. It is apart from the Visit, which nearly always has none.
type plan struct {
	ops     []record.Op         // the changes since the visit's base, in order
	tried   []try               // the Updates of ops whose outcome is not known
	first   record.Draft        // the visit's first draft is made here
	logIns  []string            // slot keys of log-ins and step-ups
	proved  []string            // of those in which the user proved who they are: with one, the old session need not live
	leaving []string            // slot keys of guards that log out
	stored  map[string]onStored // decide whether a new record with a log-in under that slot key stays
	leaves  int32               // how many of the changes only carry those log-outs out, or change nothing
	rotate  bool                // store the session under a new id
	checked bool                // credentials were checked in this request
	instead error               // of the session that ended under the request, which only a log-in takes the place of (S13)
	binding devicebound.Binding // what the new id is bound to; empty for what the old one is
	unsaved bool                // no new session is made: what the request stores is for itself alone
	end     bool                // the request sees an empty session; without leaving, all of it ends
}

// onStored is a function given to [Visit.OnStored].
type onStored = func(ctx context.Context, id string) error

// planned returns what is pending, which is nothing without a plan. It is to be read.
func (v *Visit) planned() *plan {
	if v.plan == nil {
		return new(plan)
	}
	return v.plan
}

// LogIn replaces the log-in under l.Key, at the commit, under a new id. It also starts a
// session where the old one ended, unless it only renews (S6). The error is TooOld,
// ErrChanged where another user is logged in than the one to renew, or of [Visit.Writable].
func (v *Visit) LogIn(l record.LogIn) error {
	now := time.Now()
	if l.Slot.At.IsZero() && !l.NoTime {
		l.Slot.At = now
	}
	if !l.Slot.At.IsZero() && !now.Before(l.Slot.At.Add(v.p.Terms.Absolute)) {
		return v.p.TooOld
	}
	var instead error
	switch {
	case l.Renews:
		if err := v.Writable(); err != nil {
			return err
		}
		if live, ok := v.Slot(l.Key, now); !ok || !l.SameUser(live) {
			return v.p.Changed
		}
	case v.phase == over:
		instead = v.cause
		v.clear() // whatever became of the old session, a log-in starts its own
		v.phase, v.cause = ready, nil
	}
	if err := v.Change(l.Op(v.p.Terms)); err != nil {
		if instead != nil {
			v.finish(instead)
		}
		return err
	}
	if instead != nil {
		v.plan.instead = instead
	}
	v.plan.rotate = true
	v.plan.logIns = append(v.plan.logIns, l.Key)
	if !l.Renews {
		v.plan.proved = append(v.plan.proved, l.Key)
		delete(v.plan.stored, l.Key)
	}
	v.plan.checked = v.plan.checked || !l.Renews && !l.NoTime
	v.plan.unsaved = v.plan.unsaved && !v.plan.checked
	return nil
}

// OnStored has the commit call f once a new record is stored and labelled under its id,
// and before anything else changes. Settings.Again stores it anew, as a younger one; after
// any other error that record is gone, the commit fails by it, and nothing has changed. But
// where that error is ErrEnded, a log-out that was planned beside is done. f belongs to the
// log-in or step-up under key that is pending, and is forgotten with it: at the next log-in
// under key that is no renewal, and where the record has no log-in there.
func (v *Visit) OnStored(key string, f func(ctx context.Context, id string) error) {
	if v.plan == nil {
		v.plan = new(plan)
	}
	if v.plan.stored == nil {
		v.plan.stored = map[string]onStored{}
	}
	v.plan.stored[key] = f
}

// stays asks the functions of [Visit.OnStored] for the log-ins of d, which is stored under id.
func (p *plan) stays(ctx context.Context, d *record.Draft, id string) error {
	for _, key := range slices.Sorted(maps.Keys(p.stored)) {
		if _, ok := d.Slot(key); !ok {
			continue
		}
		if err := p.stored[key](ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// StepUp replaces the facts of the live log-in under key, at the commit, under a new id,
// and keeps everything else. name is its user's, under whose label the session is found then. The
// error is ErrChanged when somebody else is logged in there.
func (v *Visit) StepUp(key, name string, slot record.Slot) error {
	err := v.Rotate(func(d *record.Draft, now time.Time) error {
		former, ok := d.Slot(key)
		if !ok || former.Over(v.p.Terms.Absolute, now) || !bytes.Equal(former.User, slot.User) {
			return v.p.Changed
		}
		d.SetSlot(key, slot)
		d.AddLabel(record.UserLabel(key, name))
		return nil
	})
	if err == nil {
		v.plan.logIns = append(v.plan.logIns, key)
	}
	return err
}

// Rotate gives the session a new id at the commit, with o as the change of content. A pending
// log-in that o drops is none any more.
func (v *Visit) Rotate(o record.Op) error {
	if err := v.Change(o); err != nil {
		return err
	}
	v.plan.rotate = true
	gone := func(key string) bool {
		_, ok := v.draft.Slot(key)
		return !ok
	}
	v.plan.logIns, v.plan.proved = slices.DeleteFunc(v.plan.logIns, gone), slices.DeleteFunc(v.plan.proved, gone)
	v.plan.checked = v.plan.checked && len(v.plan.proved) > 0
	if err := v.plan.instead; err != nil && len(v.plan.proved) == 0 {
		return v.lose(err)
	}
	return nil
}

// LogOut ends the log-in under key at the commit, in every session that the request
// presents. A session in which nobody else is logged in ends with it.
func (v *Visit) LogOut(key string) error {
	if v.phase == failed || v.phase == unfinished {
		return v.cause
	}
	delete(v.hidden, key)
	var leaving []string
	if v.plan != nil {
		gone := func(k string) bool { return k == key }
		v.plan.logIns, v.plan.proved = slices.DeleteFunc(v.plan.logIns, gone), slices.DeleteFunc(v.plan.proved, gone)
		leaving = v.plan.leaving
	}
	if v.Ending() && len(leaving) == 0 {
		v.planEnd(nil) // all was to end already
		return nil
	}
	if !slices.Contains(leaving, key) {
		leaving = append(slices.Clip(leaving), key)
	}
	if v.phase == over || v.Ending() || !others(v.logIns(time.Now()), leaving) {
		v.planEnd(leaving)
		return nil
	}
	if err := v.Change(v.leaveOp([]string{key})); err != nil {
		return err
	}
	v.plan.leaving = leaving
	v.plan.leaves++
	return nil
}

// leaveOp removes the log-ins under keys.
func (v *Visit) leaveOp(keys []string) record.Op {
	return func(d *record.Draft, now time.Time) error {
		d.DropSlots(keys, v.p.Terms.Absolute, now)
		return nil
	}
}

// End plans the end of every presented id. From now on the request sees an empty session;
// what it stores goes into a new one. The error is that of a commit that was left half done.
func (v *Visit) End() error {
	if v.phase == unfinished {
		return v.cause
	}
	v.planEnd(nil)
	return nil
}

// planEnd is End, for the log-out of leaving or, without any, for the whole session.
func (v *Visit) planEnd(leaving []string) {
	if v.drop(); v.phase == over {
		if v.ID != "" { // what became of it is not known: it is one of those presented
			v.presented = append(v.presented, presented{id: v.ID})
			v.clear()
		}
		v.phase, v.cause = ready, nil
	}
	v.plan = &plan{end: true, leaving: leaving}
	v.draft = &v.plan.first
}

// Forget drops the request's pending changes, but not its log-out: its caller was told
// that it will happen.
func (v *Visit) Forget() {
	if v.phase != ready {
		return
	}
	planned := v.planned()
	if planned.instead != nil {
		_ = v.lose(planned.instead) // what it was dropped for is the caller's to know
		return
	}
	leaving := planned.leaving
	v.drop()
	switch {
	case planned.end:
		v.planEnd(leaving)
	case len(leaving) > 0 && v.Change(v.leaveOp(leaving)) == nil:
		v.plan.leaving, v.plan.leaves = leaving, 1
	}
}

// Discard drops all that is pending, a log-out too: of a commit that failed and was
// answered with that.
func (v *Visit) Discard() { v.drop() }

// Revoke makes this request anonymous for key and ends the record at once, if it still
// has the bytes that were loaded and nobody else is logged in there. Failure is reported,
// never admits, and leaves the cookie alone (S11).
func (v *Visit) Revoke(ctx context.Context, key string) {
	v.hide(key)
	if v.phase != ready || v.ID == "" || v.draft != nil || others(v.logIns(time.Now()), []string{key}) {
		return // nothing to end, or somebody else's log-in lives in it
	}
	ctx, cancel := v.p.bounded(ctx)
	defer cancel()
	if _, err := v.p.end(ctx, v.ID, v.base.Bytes(), "", v.p.noteLife(v.base)); err != nil && !errors.Is(err, v.p.NotFound) {
		v.p.Report(ctx, NotRevoked, v.ID, err)
	} else {
		v.p.unindex(ctx, v.base.Indexed(), v.ID)
	}
	v.clear()
	v.finish(v.p.Ended) // nothing may replace it within this request (S13)
}

// others reports whether one of the log-ins has another key than keys.
func others(logIns []record.Slot, keys []string) bool {
	return slices.ContainsFunc(logIns, func(s record.Slot) bool { return !slices.Contains(keys, s.Key) })
}
