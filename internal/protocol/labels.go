package protocol

import (
	"context"
	"fmt"
	"iter"

	"github.com/seed-6f34412b/passport/internal/record"
)

// maxListings bounds how often EndLabelled lists a label anew.
const maxListings = 16

// addLabels adds the entries of a new record. Without an index labels are only kept; the
// calls that need it say so.
func (p *Protocol) addLabels(ctx context.Context, labels []string, e *stored) error {
	if p.index == nil {
		return nil
	}
	for _, label := range labels {
		if err := p.index.AddLabel(ctx, label, e.id, e.Deadline); err != nil {
			return fmt.Errorf("session: labels: %w", err)
		}
	}
	return nil
}

// reindex makes a best effort to add the entries again: it heals an index that was
// evicted (S9).
func (p *Protocol) reindex(ctx context.Context, id string, e *record.Encoded) {
	if p.index == nil {
		return
	}
	for _, label := range e.Record.Labels() {
		if err := p.index.AddLabel(ctx, label, id, e.Deadline); err != nil {
			p.Report(ctx, LabelNotAdded, id, err)
		}
	}
}

// unindex makes a best effort to remove the entries of an id that is gone: what stays is
// removed when the label is next listed.
func (p *Protocol) unindex(ctx context.Context, labels []string, id string) {
	if p.index == nil {
		return
	}
	for _, label := range labels {
		if err := p.index.RemoveLabel(ctx, label, id); err != nil {
			p.Report(ctx, LabelNotRemoved, id, err)
		}
	}
}

// Found is a session that carries a label.
type Found struct {
	ID     string         // a secret
	Record *record.Record // as the primary has it
}

// Labelled yields the sessions under label whose record exists, oldest deadline first. An
// error is an outage and ends the listing. Entries of sessions that are gone are removed
// on the way. The store must have an index.
func (p *Protocol) Labelled(ctx context.Context, label string) iter.Seq2[Found, error] {
	return func(yield func(Found, error) bool) {
		ids, err := p.list(ctx, label)
		if err != nil {
			yield(Found{}, err)
			return
		}
		for _, id := range ids {
			rec, err := p.look(ctx, id)
			if err != nil {
				yield(Found{}, err)
				return
			}
			if rec == nil {
				p.unindex(ctx, []string{label}, id)
				continue
			}
			if !yield(Found{id, rec}, nil) {
				return
			}
		}
	}
}

func (p *Protocol) list(ctx context.Context, label string) ([]string, error) {
	ids, err := p.index.Labelled(ctx, label)
	if err != nil {
		return nil, fmt.Errorf("session: labels: %w", err)
	}
	return ids, nil
}

// EndLabelled ends every session under label for whose id ends is true, and where they
// went on, and returns how many it ended. It lists again until nothing is left: a session
// that was renewed meanwhile is there under its new id (S10). An error is an outage: some
// may be alive. The store must have an index.
func (p *Protocol) EndLabelled(ctx context.Context, label string, ends func(id string) bool) (ended int, err error) {
	for range maxListings {
		ids, err := p.list(ctx, label)
		if err != nil {
			return ended, err
		}
		left := false
		for _, id := range ids {
			if !ends(id) {
				continue
			}
			left = true
			n, err := p.EndEntry(ctx, label, id)
			if ended += n; err != nil {
				return ended, err
			}
		}
		if !left {
			return ended, nil
		}
	}
	return ended, fmt.Errorf("session: labels: sessions appear as fast as they end: gave up after %d listings", maxListings)
}

// EndEntry ends the session id, which is listed under label, and where it went on. An
// entry leaves the index only after its record is known to be gone (S9).
func (p *Protocol) EndEntry(ctx context.Context, label, id string) (ended int, err error) {
	if ended, err = p.endChain(ctx, id, never); err != nil {
		return ended, err
	}
	if err := p.index.RemoveLabel(ctx, label, id); err != nil {
		return ended, fmt.Errorf("session: labels: %w", err)
	}
	return ended, nil
}

// Entry returns the first id under label for which is is true, "" when there is none.
func (p *Protocol) Entry(ctx context.Context, label string, is func(id string) bool) (string, error) {
	ids, err := p.list(ctx, label)
	if err != nil {
		return "", err
	}
	for _, id := range ids {
		if is(id) {
			return id, nil
		}
	}
	return "", nil
}
