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

// MaxPresented is how many different ids of one request count: they are looked up, and a
// log-out or log-in ends them. What a request presents beyond that is as if it were not
// there. Each was issued by us, so more than one is rare; without a bound, a request with
// thousands of signed cookies would cost thousands of commands.
const MaxPresented = 8

// Present adds id, whose signature verified, to what the request presents, and reports
// whether more of them count. An id that is there already does not count again. What a
// request presents is taken once, before its load: what it does to its own header later
// changes nothing.
// via is for the caller: which of its cookies it was.
func (v *Visit) Present(id string, via int) (more bool) {
	if v.presented == nil {
		v.presented = v.one[:0]
	}
	if len(v.presented) < MaxPresented && !slices.ContainsFunc(v.presented, func(p presented) bool { return p.id == id }) {
		v.presented = append(v.presented, presented{id: id, via: int32(via)}) //nolint:gosec // a place in a short list
	}
	return len(v.presented) < MaxPresented
}

// presented is an id whose signature verified.
type presented struct {
	id       string
	via      int32
	unproved bool // see Unproved
}

// Load finds the session among the ids that were presented. Later calls return the same
// outcome, so that an outage costs a request one time limit and not many. But when the
// caller's own context ended, the next caller asks again.
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

// final reports whether err is the authority's own word. Of a store that is part of another, say the replica
// of a pair, it is not.
func (p *Protocol) final(err error) bool {
	said, ok := errors.AsType[interface {
		error
		Authority() any
	}](err)
	return ok && said.Authority() == any(p.Store)
}

// ended reports whether ctx has ended, or is about to: its deadline may be seen by a context
// derived from it first.
func ended(ctx context.Context) bool {
	deadline, limited := ctx.Deadline()
	return ctx.Err() != nil || limited && !time.Now().Before(deadline)
}

// fetch reads the record of id by get at now and makes v that session. found is false,
// and v unchanged but for lost, when there is no record, or one that is malformed or past
// its deadline: the visitor is anonymous then. final says that the primary has none either. wait is for
// the store, ctx for what is reported.
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
		rec = new(record.Record) // keep what is there if the new one is no good
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
// Failing is harmless: the record is refused at every load.
func (p *Protocol) deleteExpired(ctx, wait context.Context, id string, old []byte) {
	err := p.Store.Delete(wait, id, old)
	if err != nil && !errors.Is(err, p.NotFound) && p.Found(err) == nil {
		p.Report(ctx, NotDeleted, id, err)
	}
}

// Reload forgets this request's changes, but not its log-out, and reads the session again
// from the primary. The error is ErrEnded when it is gone. A session without a record
// stays as it is, unless that is Unknown.
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
	v.Forget() // the log-out again, from what was read
	return nil
}

// Reread reads the session again from the primary and applies this request's changes to
// it anew: what a guard decides must not rest on a replica or a cache where the
// application asked for that (S17).
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
			v.drop() // they set what was there, which was another's
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

// applyAnew applies what is planned to the record that was read.
func (v *Visit) applyAnew() error {
	again, err := v.replay(v.base)
	if err != nil {
		v.drop() // half of it must not be committed
		return err
	}
	v.draft = again
	return nil
}

// LookAgain asks the primary for what is Unknown, unless a log-in, a new id or an end is pending already: a
// replica or a cache may not know a session that lives (S17). What is pending is applied to it; the error is
// ErrChanged where somebody is logged in there.
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
		return v.lose(v.p.Changed) // what is pending was meant for nobody's
	}
	return v.applyAnew()
}

// reread reads the record again from the primary. The session is over when it is gone.
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

// lose is finish for a re-read, which keeps the log-out: the commit takes it to wherever the
// session went.
func (v *Visit) lose(err error) error {
	leaving := v.planned().leaving
	if v.finish(err); len(leaving) > 0 {
		v.planEnd(leaving)
	} else if errors.Is(err, v.p.Ended) {
		v.clear()
	}
	return err
}
