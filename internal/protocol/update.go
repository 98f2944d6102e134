package protocol

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/record"
)

// commitUpdate writes the changes under the same id (S3) by compare-and-swap. After a conflict it
// runs the same operations on the record that was found.
func (v *Visit) commitUpdate(ctx context.Context) (Outcome, error) {
	unlock, err := v.p.lock(ctx, v.ID)
	if err != nil {
		return Outcome{}, err
	}
	defer unlock()

	before, d, revision := v.base, v.draft, randomText(record.RevisionBytes)
	due := v.base.RefreshDue(v.p.Terms, time.Now())
	unsure := len(v.plan.tried) > 0 // the answer to an earlier try was lost
	v.plan.tried = append(v.plan.tried, try{revision, len(v.plan.ops)})
	written := func(rec *record.Record) (Outcome, error) {
		v.p.unindexLeft(ctx, v.ID, v.base, rec)
		v.adopt(v.ID, rec)
		if due {
			v.p.reindex(ctx, v.ID, rec)
		}
		return Outcome{Did: Updated}, nil
	}
	for outages, rivals := 0, 0; ; {
		e, err := d.Encode(v.p.Terms, v.ID, before, revision, time.Now())
		if errors.Is(err, record.ErrPastDeadline) {
			v.p.deleteExpired(ctx, ctx, v.ID, before.Bytes())
			return Outcome{}, v.p.Ended
		}
		if err != nil {
			return Outcome{}, err
		}
		err = v.p.Store.Update(ctx, v.ID, before.Bytes(), e.Record.Bytes(), e.TTL)
		if err == nil {
			return written(&e.Record)
		}
		if errors.Is(err, v.p.NotFound) {
			return Outcome{}, v.p.Ended
		}
		current := v.p.Found(err)
		if current == nil {
			unsure = true
			if outages++; outages == outageTries || pause(ctx, outagePause, outages) != nil {
				return Outcome{}, fmt.Errorf("session: save: %w", err)
			}
			continue
		}
		found := new(record.Record)
		if found.Parse(v.ID, current) != nil {
			return Outcome{}, v.p.Changed
		}
		if v.skipDone(found); len(v.plan.ops) == 0 { // our own write, whose answer was lost (S4)
			return written(found)
		}
		if !v.base.SameIdentity(found, v.p.guardKeys()...) {
			return Outcome{}, v.p.Changed
		}
		if unsure && !found.ShowsAllSince(before) {
			return Outcome{}, errors.New("session: save: the answer was lost and the record does not show whether the change is in it")
		}
		unsure = false
		if d, err = v.replay(found); err != nil {
			return Outcome{}, err
		}
		before = found
		rivals++
		if err := yield(ctx, rivals); err != nil {
			return Outcome{}, fmt.Errorf("session: save: too many writers: %w", err)
		}
	}
}

// refresh restarts the idle timeout with one Update, which is never repeated. A failure is not an
// error for the visitor (S12). It does nothing while another commit of this process is
// writing the same session.
func (v *Visit) refresh(ctx context.Context) Outcome {
	rec, err := v.p.refresh(ctx, v.ID, v.base)
	if rec == nil || err != nil {
		return Outcome{}
	}
	v.adopt(v.ID, rec)
	return Outcome{Did: Refreshed}
}

// refresh is [Visit.refresh] for rec, the record of id. It returns the record that is stored now, or nil if
// another commit is writing.
func (p *Protocol) refresh(ctx context.Context, id string, rec *record.Record) (*record.Record, error) {
	unlock, ok := p.locks.tryLock(id)
	if !ok {
		return nil, nil
	}
	defer unlock()
	var d record.Draft
	d.Reset(rec, p.guardKeys()...)
	e, err := d.Encode(p.Terms, id, rec, randomText(record.RevisionBytes), time.Now())
	if err == nil {
		err = p.Store.Update(ctx, id, rec.Bytes(), e.Record.Bytes(), e.TTL)
	}
	if err != nil {
		p.Report(ctx, NotRefreshed, id, err)
		return nil, err
	}
	p.unindexLeft(ctx, id, rec, &e.Record)
	p.reindex(ctx, id, &e.Record)
	return &e.Record, nil
}

// withdraw removes the log-ins under keys from the record of id if somebody else is logged in
// there; stays is then true. It is false if nobody else is, or the record is gone: the whole
// record may then be ended. rec is the record as last read, nil if there is none.
//
// No other Update changes who is logged in under an id (S1). It gives nobody more rights, and
// the others' cookies stay valid, whichever answer reaches the browser last.
func (p *Protocol) withdraw(ctx context.Context, id string, rec *record.Record, keys []string) (stays bool, err error) {
	for outages, rivals := 0, 0; ; {
		if rec == nil {
			return false, nil
		}
		now := time.Now()
		logIns := rec.LogIns(p.Terms.Absolute, now, p.guardKeys()...)
		if !others(logIns, keys) {
			return false, nil
		}
		if !slices.ContainsFunc(logIns, func(s record.Slot) bool { return slices.Contains(keys, s.Key) }) {
			if outages > 0 { // perhaps our own write, whose answer was lost
				p.changed(ctx, id)
			}
			return true, nil
		}
		var d record.Draft
		d.Reset(rec, p.guardKeys()...)
		d.DropSlots(keys, p.Terms.Absolute, now)
		due := rec.RefreshDue(p.Terms, now)
		e, err := d.Encode(p.Terms, id, rec, randomText(record.RevisionBytes), now)
		if errors.Is(err, record.ErrPastDeadline) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		err = p.Store.Update(ctx, id, rec.Bytes(), e.Record.Bytes(), e.TTL)
		if err == nil {
			p.unindexLeft(ctx, id, rec, &e.Record)
			if due {
				p.reindex(ctx, id, &e.Record)
			}
			p.changed(ctx, id)
			return true, nil
		}
		if errors.Is(err, p.NotFound) {
			return false, nil
		}
		if current := p.Found(err); current != nil {
			found := new(record.Record)
			if found.Parse(id, current) != nil {
				return false, nil //nolint:nilerr // malformed: it is ended like any other
			}
			rec = found
			rivals++
			if err := yield(ctx, rivals); err != nil {
				return false, fmt.Errorf("session: end: too many writers: %w", err)
			}
		} else if outages++; outages == outageTries || pause(ctx, outagePause, outages) != nil {
			p.changed(ctx, id) // it may have happened
			return false, fmt.Errorf("session: end: %w", err)
		}
	}
}
