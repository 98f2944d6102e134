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

// maxHops is the number of successors of a session that an end follows (S8).
const maxHops = 8

var errTooManyHops = fmt.Errorf("session: end: the session moved more than %d times meanwhile", maxHops)

// commitEnd carries out Destroy, or a log-out after which nobody is logged in: it ends every id
// that the request presented (S8). What the request stored after it goes into a new session.
func (v *Visit) commitEnd(ctx context.Context) (Outcome, error) {
	leaving := v.plan.leaving
	var made *stored
	var late error // the new session had expired before it was stored: the log-out is done all the same
	if !v.draft.Empty() && !v.plan.unsaved {
		if made, late = v.create(ctx, v.draft, "", nil); late == nil {
			leaving = nil // the cookie can name one session only: the old one ends as a whole
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
		return Outcome{Did: Ended, Cookie: Keep}, nil // others are still logged in and need the cookie
	}
	v.clear()
	return Outcome{Did: Ended, Cookie: Expire}, nil
}

// commitLeave carries out the log-out of some guards in a session where log-ins of others stay. The
// session in use gets a new id. If that is not possible, because another request ended,
// renewed or changed it meanwhile, the log-ins are removed from its successors: no value is
// carried over and no cookie is sent, because this request must not get what happened to
// that session since.
func (v *Visit) commitLeave(ctx context.Context) (Outcome, error) {
	switch {
	case v.ID == "" && len(v.plan.proved) == 0: // a log-in that was also pending was dropped
		return v.commitEnd(ctx)
	case v.ID == "": // a log-in of this request starts a session and ends all others
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
		return Outcome{}, err // the log-out is done, the other changes are not
	}
	v.clear()
	return Outcome{Did: Ended}, nil
}

// endPresented ends every id that the request presented, the one in use, and their successors,
// except the ids in busy, which this commit still needs. In sessions where guards other than
// leaving have log-ins, it only removes those of leaving; stays is then true. If leaving is
// empty, all sessions end.
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
	next, err := v.p.endForGood(ctx, v.ID, v.base, v.base.Indexed()...) // nobody else is logged in there
	if err == nil && next != "" {
		err = v.p.endChain(ctx, next, spare)
	}
	return spare.stays, err
}

// spared describes the sessions that an end does not end.
type spared struct {
	busy    []string // ids that the commit still needs
	leaving []string // if set, sessions in which guards other than these have log-ins are spared
	stays   bool     // whether such a session was found
}

// endChain ends id and its successors, one after another. It stops at an id that is spared. From a
// session in which others are logged in it removes spare.leaving, and stops. It is the only
// loop that ends sessions and follows successors (S8); endBatch does the same for many (S10).
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

// look reads the record of id from the primary. It returns nil if there is none.
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

// parseToEnd parses the record of id for its labels and its deadline. For a malformed one it
// returns an empty record, which is not nil: it is ended like any other.
func parseToEnd(id string, data []byte) *record.Record {
	rec := new(record.Record)
	_ = rec.Parse(id, data)
	return rec
}

// endForGood ends id, whatever its record contains, and its entries under labels. rec is the
// record as last read. It returns the successor, if there is one. Repeating it is harmless, so
// it is tried again after a lost answer.
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

// end ends one record and then removes its entries under labels. Labels may be given only if
// old is nil, that is, if the record ends whatever it contains. If the store cannot leave
// notes, the record is deleted.
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
		w.onNotice(EndNotice(id, old, cmp.Or(next, successor)))
	}
	if apart && err == nil {
		p.unindex(ctx, labels, id)
	}
	return successor, err
}

// noRecord is not equal to any record. An End that compares with it only reads the note.
var noRecord = []byte("-")

// successor returns the id under which the session of id continued, "" if it did not. It uses an End that
// cannot match. session.Ender says: "A *Conflict or ErrNotFound says that nothing was ended", and with
// ErrNotFound it returns the note's successor. A *Conflict is an error here too.
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

// noteLife returns how long a note on the end of rec must be kept: for as long as rec would be
// accepted as a session if a Node program wrote it back (S15). The deadline is unknown for
// a record that only Node wrote, and for one that the store no longer has; the note then
// lives as long as a log-in.
func (p *Protocol) noteLife(rec *record.Record) time.Duration {
	if rec != nil {
		if deadline := rec.Deadline(p.Terms.Absolute); !deadline.IsZero() {
			return time.Until(deadline)
		}
	}
	return p.Terms.Absolute
}
