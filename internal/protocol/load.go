package protocol

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/record"
)

// MaxPresented is how many different ids of one request are used: they are looked up, and a
// log-out or log-in ends them. Further ids are ignored. We issued each of them, so more than
// one is rare; without a limit, a request with thousands of signed cookies would cost
// thousands of commands.
const MaxPresented = 8

// Present adds id, whose signature was verified, to the ids of the request, and reports
// whether further ids would be used. An id that was added before is not added again. The ids
// are taken once, before the load: later changes of the request's header have no effect.
// via tells the caller which cookie the id came from.
func (v *Visit) Present(id string, via int) (more bool) {
	if v.presented == nil {
		v.presented = v.one[:0]
	}
	if len(v.presented) < MaxPresented && !slices.ContainsFunc(v.presented, func(p presented) bool { return p.id == id }) {
		v.presented = append(v.presented, presented{id: id, via: int32(via)}) //nolint:gosec // a place in a short list
	}
	return len(v.presented) < MaxPresented
}

// presented is an id whose signature was verified.
type presented struct {
	id       string
	via      int32
	unproved bool // see [Visit.Unproved]
}

// Load finds the session among the ids that were presented. Later calls return the same
// result, so that in an outage a request waits for one time limit only. But if the context of
// the first caller ended, the next call tries again.
func (v *Visit) Load(ctx context.Context) error {
	switch v.phase {
	case unloaded:
	case failed:
		return v.cause
	default:
		return nil
	}
	if len(v.presented) == 0 {
		v.phase = ready
		return nil
	}
	wait, now := &v.wait, time.Now()
	if wait.parent != nil { // the first caller's context ended
		wait = new(bounded)
	}
	wait.parent, wait.deadline = ctx, now.Add(v.p.Timeout)
	defer wait.end()
	for _, p := range v.presented {
		found, final, err := v.fetch(ctx, wait, now, p.id, v.p.Store.Get)
		v.Unknown = v.Unknown || !final
		switch {
		case err != nil:
			if !ended(ctx) {
				v.phase, v.cause = failed, err
			}
			return err
		case found && p.unproved:
			v.suspected()
		case found:
			v.phase, v.Via, v.Unknown = ready, p.via, false
			return nil
		}
	}
	if v.p.Grace > 0 && !v.Suspect {
		if err := v.follow(ctx, wait, now); err != nil {
			if !ended(ctx) {
				v.phase, v.cause = failed, err
			}
			return err
		}
	}
	v.phase = ready
	return nil
}

// final reports whether err is the answer of the primary itself. If the store that answered is only a part
// of p.Store, such as the replica of a pair, it is not.
func (p *Protocol) final(err error) bool {
	said, ok := errors.AsType[interface {
		error
		Authority() any
	}](err)
	return ok && said.Authority() == any(p.Store)
}

// ended reports whether ctx has ended, or its deadline has passed: a context derived from it may
// notice the deadline first.
func ended(ctx context.Context) bool {
	deadline, limited := ctx.Deadline()
	return ctx.Err() != nil || limited && !time.Now().Before(deadline)
}

// fetch reads the record of id with get and makes it the session of v. found is false, and v
// is unchanged except for lost, if there is no record or it is malformed or past its deadline
// at now: the visitor is then anonymous. final says that the primary has no record either.
// wait is the context for the store, ctx the one for reports.
func (v *Visit) fetch(ctx, wait context.Context, now time.Time, id string, get func(context.Context, string) ([]byte, error)) (found, final bool, err error) {
	data, err := get(wait, id)
	if errors.Is(err, v.p.NotFound) {
		if !v.Suspect {
			v.lost = &Lost{ID: id}
		}
		return false, v.p.final(err), nil
	}
	if err != nil {
		return false, false, fmt.Errorf("session: load: %w", err)
	}
	rec := v.base
	if v.ID != "" {
		rec = new(record.Record) // v.base stays if the new record cannot be used
	}
	if err := rec.Parse(id, data); err != nil {
		v.p.Report(ctx, RecordIgnored, id, err)
		return false, false, nil
	}
	if rec.Over(v.p.Terms.Absolute, now) {
		v.p.Report(ctx, PastDeadline, id, nil)
		v.p.deleteExpired(ctx, wait, id, data)
		if rec == v.base {
			v.base = new(record.Record)
		}
		if !v.Suspect {
			v.lost = &Lost{id, rec}
		}
		return false, false, nil
	}
	v.ID, v.base, v.At = id, rec, now
	return true, false, nil
}

// deleteExpired deletes an expired record unless it has changed since it was read.
// A failure is harmless: every load refuses the record.
func (p *Protocol) deleteExpired(ctx, wait context.Context, id string, old []byte) {
	err := p.Store.Delete(wait, id, old)
	if err != nil && !errors.Is(err, p.NotFound) && p.Found(err) == nil {
		p.Report(ctx, NotDeleted, id, err)
	}
}

// Reload drops the pending changes of this request, except its log-out, and reads the session
// again from the primary. The error is ErrEnded if the session is gone. A session without a
// record stays as it is, unless Unknown is set.
func (v *Visit) Reload(ctx context.Context) error {
	if err := v.Writable(); err != nil {
		return err
	}
	v.Forget()
	if v.phase == over || v.Ending() {
		return v.cause
	}
	if v.ID == "" {
		return v.LookAgain(ctx)
	}
	if err := v.reread(ctx); err != nil {
		return err
	}
	v.Forget() // applies the log-out again, to the record just read
	return nil
}

// Reread reads the session again from the primary and applies the pending changes to it again.
// An application can ask for that so that a guard does not decide by what a replica or a
// cache holds (S17).
func (v *Visit) Reread(ctx context.Context) error {
	if v.phase == over || v.phase == unfinished {
		return v.cause
	}
	if v.Unknown {
		return v.LookAgain(ctx)
	}
	if v.ID == "" || v.Ending() {
		return nil // nothing in the store that could have changed
	}
	before := v.base
	if err := v.reread(ctx); err != nil || len(v.planned().ops) == 0 {
		return err
	}
	same := before.SameIdentity(v.base, v.p.guardKeys()...)
	if v.draft == nil && (!same || bytes.Equal(before.Bytes(), v.base.Bytes())) {
		if !same {
			v.drop() // the changes set what was there already, in another user's session
		}
		return nil
	}
	if !same {
		return v.lose(v.p.Changed)
	}
	if v.skipDone(v.base); len(v.plan.ops) == 0 && !v.plan.rotate {
		v.drop()
		return nil
	}
	return v.applyAnew()
}

// applyAnew applies the pending changes to the record that was just read.
func (v *Visit) applyAnew() error {
	again, err := v.replay(v.base)
	if err != nil {
		v.drop() // must not be committed in part
		return err
	}
	v.draft = again
	return nil
}

// LookAgain asks the primary if Unknown is set, unless a log-in, a new id or an end is pending already: a
// replica or a cache may not know a live session (S17). Pending changes are applied to the session that is
// found. The error is ErrChanged if somebody is logged in there.
func (v *Visit) LookAgain(ctx context.Context) error {
	if !v.Unknown || v.ID != "" || v.phase != ready || v.planned().rotate || v.Ending() || v.p.master == nil {
		return nil
	}
	wait, cancel := context.WithTimeout(forStore{ctx}, v.p.Timeout)
	defer cancel()
	for _, p := range v.presented {
		found, _, err := v.fetch(ctx, wait, time.Now(), p.id, v.p.master.GetPrimary)
		if err != nil {
			return err
		}
		if found && p.unproved {
			v.suspected()
			continue
		}
		if found {
			v.Via, v.lost = p.via, nil
			break
		}
	}
	if v.Unknown = false; v.ID == "" || v.draft == nil {
		return nil
	}
	if !new(record.Record).SameIdentity(v.base, v.p.guardKeys()...) {
		return v.lose(v.p.Changed) // the changes were meant for an anonymous session
	}
	return v.applyAnew()
}

// reread reads the record again from the primary. If it is gone, the session is over.
func (v *Visit) reread(ctx context.Context) error {
	wait, cancel := context.WithTimeout(forStore{ctx}, v.p.Timeout)
	defer cancel()
	found, _, err := v.fetch(ctx, wait, time.Now(), v.ID, v.p.primary())
	if err != nil {
		return err
	}
	if !found {
		return v.lose(v.p.Ended)
	}
	return nil
}

// lose is finish after a read that found the session over or changed. It keeps a pending log-out: the commit
// then applies it to the session's successors.
func (v *Visit) lose(err error) error {
	leaving := v.planned().leaving
	if v.finish(err); len(leaving) > 0 {
		v.planEnd(leaving)
	} else if errors.Is(err, v.p.Ended) {
		v.clear()
	}
	return err
}
