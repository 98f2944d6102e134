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

// This file has what a request can plan: a log-in, a new id, the log-out of a guard, the end of all
// sessions presented. The request sees each at once; the commit carries it out.

// plan is the pending changes of a Visit. It is a type of its own because most visits have none.
type plan struct {
	ops     []record.Op         // the changes to the visit's base, in order
	tried   []try               // the Updates of ops whose outcome is unknown
	first   record.Draft        // the memory for the visit's first draft
	logIns  []string            // keys of the log-ins and step-ups
	proved  []string            // those of logIns with new credentials: the old session need not be live
	leaving []string            // keys of the guards that log out
	stored  map[string]onStored // by key of the log-in: decides whether its new record stays
	leaves  int32               // how many ops only carry out leaving, or change nothing
	rotate  bool                // store the session under a new id
	checked bool                // credentials were checked in this request
	instead error               // why the session ended during the request; only a log-in may replace it (S13)
	binding devicebound.Binding // what the new id is bound to; empty: the same as the old one
	unsaved bool                // make no new session: what the request stores is seen by this request only
	end     bool                // end the session, or only the log-ins of leaving; the request sees an empty one
}

// onStored is a function given to [Visit.OnStored].
type onStored = func(ctx context.Context, id string) error

// planned returns the pending changes, an empty plan if there are none. It must not be changed.
func (v *Visit) planned() *plan {
	if v.plan == nil {
		return new(plan)
	}
	return v.plan
}

// LogIn replaces the log-in under l.Key, at the commit, under a new id. It also starts a
// session if the old one ended, unless l only renews a log-in (S6). The error is TooOld,
// ErrChanged if l renews and another user is logged in, or that of [Visit.Writable].
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
		v.clear() // a log-in starts a session of its own, whatever happened to the old one
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

// OnStored makes the commit call f when a new record is stored and labelled under its id, before
// anything else changes. If f returns Settings.Again, the record is stored again, with a new
// birth time. After any other error that record is deleted and the commit fails with the
// error; nothing has changed, except that with ErrEnded a log-out that was also planned is
// done. f belongs to the pending log-in or step-up under key. It is dropped by the next
// log-in under key that is not a renewal, and it is not called if the record has no log-in
// there, or one that is past its limit: no list shows that.
func (v *Visit) OnStored(key string, f func(ctx context.Context, id string) error) {
	if v.plan == nil {
		v.plan = new(plan)
	}
	if v.plan.stored == nil {
		v.plan.stored = map[string]onStored{}
	}
	v.plan.stored[key] = f
}

// stays calls the functions of [Visit.OnStored] for the log-ins that made has.
func (v *Visit) stays(ctx context.Context, made *stored) error {
	for _, key := range slices.Sorted(maps.Keys(v.plan.stored)) {
		if s, ok := made.Record.Slot(key); !ok || s.Over(v.p.Terms.Absolute, time.Now()) {
			continue
		}
		if err := v.plan.stored[key](ctx, made.id); err != nil {
			return err
		}
	}
	return nil
}

// StepUp replaces the facts of the live log-in under key, at the commit, under a new id, and keeps
// everything else. name is the user's name in the label by which the session is found. The
// error is ErrChanged if somebody else is logged in there.
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

// Rotate gives the session a new id at the commit, with o as the change of content. If o removes
// a pending log-in, it is no longer pending.
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

// LogOut ends the log-in under key, at the commit, in every session that the request presents. A
// session in which nobody else is logged in ends as a whole.
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
		v.planEnd(nil) // the end of everything was planned already
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

// End plans the end of every presented session. From now on the request sees an empty session;
// what it stores goes into a new one. The error is that of an interrupted commit.
func (v *Visit) End() error {
	if v.phase == unfinished {
		return v.cause
	}
	v.planEnd(nil)
	return nil
}

// planEnd is End for the log-out of leaving, or for the whole session if leaving is empty.
func (v *Visit) planEnd(leaving []string) {
	if v.drop(); v.phase == over {
		if v.ID != "" { // its state is unknown: it is ended like the presented ones
			v.presented = append(v.presented, presented{id: v.ID})
			v.clear()
		}
		v.phase, v.cause = ready, nil
	}
	v.plan = &plan{end: true, leaving: leaving}
	v.draft = &v.plan.first
}

// Forget drops the pending changes of the request, except its log-out, which its caller was told
// will happen.
func (v *Visit) Forget() {
	if v.phase != ready {
		return
	}
	planned := v.planned()
	if planned.instead != nil {
		_ = v.lose(planned.instead) // the caller knows why it drops the changes
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

// Discard drops all pending changes, including a log-out: the commit failed, and the answer said so.
func (v *Visit) Discard() { v.drop() }

// Revoke makes this request anonymous for key and ends the record at once, if it is unchanged
// since it was loaded and nobody else is logged in there. A failure is reported and returned; the
// request stays anonymous and the cookie is not touched (S11).
func (v *Visit) Revoke(ctx context.Context, key string) error {
	v.hide(key)
	if v.phase != ready || v.ID == "" || v.draft != nil || others(v.logIns(time.Now()), []string{key}) {
		return nil // nothing to end, or somebody else is logged in there
	}
	ctx, cancel := v.p.bounded(ctx)
	defer cancel()
	_, err := v.p.end(ctx, v.ID, v.base.Bytes(), "", v.p.noteLife(v.base))
	if errors.Is(err, v.p.NotFound) {
		err = nil
	}
	if err != nil {
		v.p.Report(ctx, NotRevoked, v.ID, err)
	} else {
		v.p.unindex(ctx, v.base.Indexed(), v.ID)
	}
	v.clear()
	v.finish(v.p.Ended) // nothing may replace it in this request (S13)
	return err
}

// others reports whether one of the log-ins has a key that is not in keys.
func others(logIns []record.Slot, keys []string) bool {
	return slices.ContainsFunc(logIns, func(s record.Slot) bool { return !slices.Contains(keys, s.Key) })
}
