package protocol

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/internal/devicebound"
	"github.com/seed-6f34412b/passport/internal/record"
)

// stored is a record that this commit has put into the store.
type stored struct {
	id string
	*record.Encoded
	indexed  bool // the entries of its labels were added too
	oldEnded bool // the record that it replaces ended in the same step
}

// create stores d and the entries of its labels under a fresh id, bound to binding. If the store
// combines steps it may also end old, the record of the visit's id; nil is none. A log-in
// that cannot be found by its label has not happened (S9), nor has one that the functions of
// [Visit.OnStored] refuse: the new record is then deleted, and nothing else has changed.
func (v *Visit) create(ctx context.Context, d *record.Draft, binding devicebound.Binding, old *record.Record) (*stored, error) {
	p := v.p
	born := d.Born
	var n NewRecord
	if len(v.plan.stored) == 0 { // else a log-in whose answer is lost could be stored late and be counted
		n.Labels = d.Labels
	}
	if old != nil {
		n.OldID, n.OldData, n.OldLife, n.OldLabels = v.ID, old.Bytes(), max(p.noteLife(old), 0), old.Indexed()
	}
	for {
		if born == 0 { // set before Encode, so that it stays the same if changes are carried over
			d.Born = time.Now().UnixMilli()
		}
		made, err := p.createOnce(ctx, d, binding, n)
		if err != nil {
			return nil, err
		}
		if !made.indexed {
			if err = p.addLabels(ctx, d.Labels, made); err != nil {
				p.abandon(ctx, made.id)
				return nil, err
			}
		}
		if len(v.plan.stored) == 0 {
			return made, nil
		}
		if err = v.stays(ctx, made); err == nil {
			return made, nil
		}
		p.abandon(ctx, made.id)
		p.unindex(ctx, d.Labels, made.id)
		if !errors.Is(err, p.Again) {
			return nil, err
		}
	}
}

// createOnce stores d under a fresh id. Only an OK of the store counts (S2): after any other
// answer the id is abandoned, because a Create that is still on its way could store it at any
// later moment. The error is ErrEnded if the log-in has expired. n has the further steps for
// a store that combines them.
func (p *Protocol) createOnce(ctx context.Context, d *record.Draft, binding devicebound.Binding, n NewRecord) (*stored, error) {
	for tries := 1; ; tries++ {
		id := randomText(idBytes) + string(binding)
		e, err := d.Encode(p.Terms, id, nil, randomText(record.RevisionBytes), time.Now())
		if errors.Is(err, record.ErrPastDeadline) {
			return nil, p.Ended
		}
		if err != nil {
			return nil, err
		}
		made := &stored{id: id, Encoded: e}
		err = errors.ErrUnsupported
		if p.joint != nil && (len(n.Labels) > 0 || n.OldID != "") {
			n.ID, n.Data, n.TTL, n.Deadline = id, e.Record.Bytes(), e.TTL, e.Deadline
			made.oldEnded, err = p.joint.CreateIndexed(ctx, n)
			made.indexed = err == nil
		}
		if errors.Is(err, errors.ErrUnsupported) {
			err = p.Store.Create(ctx, id, e.Record.Bytes(), e.TTL)
		}
		if err == nil {
			return made, nil
		}
		p.abandon(ctx, id)
		if tries == outageTries || pause(ctx, outagePause, tries) != nil {
			return nil, fmt.Errorf("session: create: %w", err)
		}
	}
}

// abandon makes a best effort to delete a record whose id was never sent.
func (p *Protocol) abandon(ctx context.Context, id string) {
	p.tryTwice(ctx, func(ctx context.Context) error { return p.Store.Delete(ctx, id, nil) }, func(err error) {
		p.Report(ctx, NotDeleted, id, err)
	})
}

// tryTwice calls command: now if the context allows, and in the background if that fails. failed gets the
// error of the second try.
func (p *Protocol) tryTwice(ctx context.Context, command func(context.Context) error, failed func(error)) {
	if ctx.Err() == nil && command(ctx) == nil {
		return
	}
	select {
	case p.cleanups <- struct{}{}:
	default:
		return // the store is down: a record that was stored expires, and the clock finds what changed
	}
	go func() {
		defer func() { <-p.cleanups }()
		ctx, cancel := p.bounded(ctx)
		defer cancel()
		if err := command(ctx); err != nil {
			failed(err)
		}
	}()
}

// commitNew stores a session that has no record yet.
func (v *Visit) commitNew(ctx context.Context) (Outcome, error) {
	if v.draft.Empty() {
		v.drop()
		return Outcome{}, nil
	}
	if v.plan.unsaved {
		return Outcome{}, nil
	}
	logIns, proved := v.plan.logIns, len(v.plan.proved) > 0
	if !proved {
		if err := v.stillNobody(ctx); err != nil {
			return Outcome{}, err
		}
	}
	made, err := v.create(ctx, v.draft, "", nil)
	if err != nil {
		return Outcome{}, err
	}
	if proved && len(v.presented) > 0 {
		if _, err := v.endPresented(ctx, nil, made.id); err != nil {
			v.p.abandon(ctx, made.id)
			return Outcome{}, err
		}
	}
	v.adopt(made.id, &made.Record)
	return Outcome{Did: Created, Cookie: Send, LogIns: logIns}, nil
}

// stillNobody asks the primary whether the presented ids are really unknown, if the load may have
// read a replica or a cache: the cookie of a new session must not replace that of a live
// one (S13).
func (v *Visit) stillNobody(ctx context.Context) error {
	if v.p.master == nil {
		return nil
	}
	for _, presented := range v.presented {
		id := presented.id
		data, err := v.p.master.GetPrimary(ctx, id)
		if errors.Is(err, v.p.NotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("session: create: %w", err)
		}
		var rec record.Record
		if rec.Parse(id, data) == nil && !rec.Over(v.p.Terms.Absolute, time.Now()) {
			return v.p.Changed
		}
	}
	return nil
}
