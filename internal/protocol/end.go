package protocol

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/record"
)

// maxHops is how many times an end follows a session that moved on (S8).
const maxHops = 8

var errTooManyHops = fmt.Errorf("session: end: the session moved more than %d times meanwhile", maxHops)

// commitEnd carries out a log-out that leaves the request without a session, or Destroy:
// every id that the request presented ends (S8). What the request stored since then goes
// into a new session.
func (v *Visit) commitEnd(ctx context.Context) (Outcome, error) {
	leaving := v.plan.leaving
	var made *stored
	var late error // the new session was over before it began: the log-out is done all the same
	if !v.draft.Empty() && !v.plan.unsaved {
		if made, late = v.create(ctx, v.draft, "", nil); late == nil {
			leaving = nil // one cookie cannot carry two sessions: all of the old one ends
		} else if !errors.Is(late, v.p.Ended) {
			return Outcome{}, late
		}
	}
	stays, err := v.endPresented(ctx, leaving)
	if err != nil {
		if made != nil {
			v.p.abandon(ctx, made.id)
		}
		return Outcome{}, err
	}
	switch {
	case late != nil:
		return Outcome{}, late
	case made != nil:
		logIns := v.plan.logIns
		v.adopt(made.id, &made.Record)
		return Outcome{Did: Ended, Cookie: ExpireOthers, LogIns: logIns}, nil
	case stays:
		v.clear()
		return Outcome{Did: Ended, Cookie: Keep}, nil // the cookie of who stays is not ours to touch
	}
	v.clear()
	return Outcome{Did: Ended, Cookie: Expire}, nil
}

// commitLeave carries out the log-out of guards beside whose log-ins others live. The
// session in use gets a new id. Where that is not possible, since another request ended,
// renewed or changed it meanwhile, the log-ins are taken out of it wherever it went: no
// value is carried there and no cookie sent, for what happened since to that session is
// not this request's to have.
func (v *Visit) commitLeave(ctx context.Context) (Outcome, error) {
	switch {
	case v.ID == "" && len(v.plan.proved) == 0: // the log-in beside it was dropped
		return v.commitEnd(ctx)
	case v.ID == "": // a log-in in this request made it: that ends everything else
		return v.commitNew(ctx)
	}
	leaving := v.plan.leaving
	if _, err := v.endPresented(ctx, leaving, v.ID); err != nil {
		return Outcome{}, err
	}
	out, err := v.commitRotation(ctx)
	if !errors.Is(err, v.p.Ended) && !errors.Is(err, v.p.Changed) {
		return out, err
	}
	if err := v.p.endChain(ctx, v.ID, &spared{leaving: leaving}); err != nil {
		return Outcome{}, err
	}
	if len(v.plan.ops) > int(v.plan.leaves) {
		return Outcome{}, err // the log-out is done, the changes beside it are not
	}
	v.clear()
	return Outcome{Did: Ended}, nil
}

// endPresented ends every id that the request presented and the one in use, and where
// their sessions went on, except the ids that this commit still needs. Of sessions in which
// others are logged in than leaving, it takes leaving out; stays is then true. Without
// leaving, all end.
func (v *Visit) endPresented(ctx context.Context, leaving []string, busy ...string) (stays bool, err error) {
	spare := &spared{busy: busy, leaving: leaving}
	for _, p := range v.presented {
		if p.id == v.ID {
			continue
		}
		if err := v.p.endChain(ctx, p.id, spare); err != nil {
			return false, err
		}
	}
	if v.ID == "" || slices.Contains(busy, v.ID) {
		return spare.stays, nil
	}
	next, err := v.p.endForGood(ctx, v.ID, v.base, v.base.Indexed()...) // read already, and nobody else is in it
	if err == nil && next != "" {
		err = v.p.endChain(ctx, next, spare)
	}
	return spare.stays, err
}

// spared are the sessions at which an end stops: they go on.
type spared struct {
	busy    []string // ids that this commit still needs
	leaving []string // for the log-out of these guards, sessions in which somebody else is logged in
	stays   bool     // whether there was one of the latter
}

// endChain ends id and every id that its session went on to, but for those that are spared,
// where it stops. Out of one in which others are logged in it takes those who leave. It is
// the one loop that ends sessions and follows them (S8); endBatch is the same for many (S10).
func (p *Protocol) endChain(ctx context.Context, id string, spare *spared) error {
	for range maxHops + 1 {
		if slices.Contains(spare.busy, id) {
			return nil
		}
		rec, err := p.look(ctx, id)
		if err != nil {
			return err
		}
		if len(spare.leaving) > 0 {
			stays, err := p.withdraw(ctx, id, rec, spare.leaving)
			if spare.stays = spare.stays || stays; stays || err != nil {
				return err
			}
		}
		var labels []string
		if rec != nil {
			labels = rec.Indexed()
		}
		if id, err = p.endForGood(ctx, id, rec, labels...); err != nil || id == "" {
			return err
		}
	}
	return errTooManyHops
}

// look returns the record of id as the primary has it, nil when there is none.
func (p *Protocol) look(ctx context.Context, id string) (*record.Record, error) {
	data, err := p.primary()(ctx, id)
	if errors.Is(err, p.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("session: end: %w", err)
	}
	return parseToEnd(id, data), nil
}

// parseToEnd returns the record of id for its labels and its deadline. A malformed one is
// empty, but there: it is ended like any other.
func parseToEnd(id string, data []byte) *record.Record {
	rec := new(record.Record)
	_ = rec.Parse(id, data)
	return rec
}

// endForGood ends id whatever its record holds, which was rec, and its entries under labels.
// It returns the id under which the session went on, if it did. Asking again is harmless, so
// a lost answer is no failure.
func (p *Protocol) endForGood(ctx context.Context, id string, rec *record.Record, labels ...string) (next string, err error) {
	for tries := 1; ; tries++ {
		if next, err = p.end(ctx, id, nil, "", p.noteLife(rec), labels...); err == nil {
			return next, nil
		}
		if tries == outageTries || pause(ctx, outagePause, tries) != nil {
			return "", fmt.Errorf("session: end: %w", err)
		}
	}
}

// end ends one record, and once it is gone its entries under labels, which are for an end
// whatever it holds. A store that cannot leave notes deletes it.
func (p *Protocol) end(ctx context.Context, id string, old []byte, next string, life time.Duration, labels ...string) (successor string, err error) {
	err = errors.ErrUnsupported
	if p.joint != nil && len(labels) > 0 {
		successor, err = p.joint.EndIndexed(ctx, id, max(life, 0), labels)
	}
	apart := errors.Is(err, errors.ErrUnsupported)
	switch {
	case !apart:
	case p.ender == nil:
		err = p.Store.Delete(ctx, id, old)
	default:
		successor, err = p.ender.End(ctx, id, old, next, max(life, 0))
	}
	if w := p.watchers.Load(); w != nil && err == nil {
		w.told(EndNotice(id, old, cmp.Or(next, successor)))
	}
	if apart && err == nil {
		p.unindex(ctx, labels, id)
	}
	return successor, err
}

// noRecord is what no record is, which makes an End that only reads the note.
var noRecord = []byte("-")

// successor returns the id under which the session of id went on, "" when it did not. "A *Conflict
// or ErrNotFound says that nothing was ended", and the note is told beside the latter; the former is
// an error here too.
func (p *Protocol) successor(ctx context.Context, id string) (string, error) {
	if p.ender == nil {
		return "", nil
	}
	next, err := p.ender.End(ctx, id, noRecord, "", 0)
	if errors.Is(err, p.NotFound) {
		err = nil
	}
	return next, err
}

// noteLife is how long a note on the end of rec is of use: for as long as rec could pass
// for a session if a Node program wrote it back (S15). Of a record that Node made and Go
// never wrote, and of one that the store has forgotten, the deadline is not known; a note
// on it lives as long as a log-in does.
func (p *Protocol) noteLife(rec *record.Record) time.Duration {
	if rec != nil {
		if deadline := rec.Deadline(p.Terms.Absolute); !deadline.IsZero() {
			return time.Until(deadline)
		}
	}
	return p.Terms.Absolute
}
