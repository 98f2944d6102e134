package protocol

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/seed-6f34412b/passport/internal/record"
)

// maxListings limits how often EndLabelled lists a label.
const maxListings = 16

// addLabels adds the entries of a new record. Without an index, labels are only kept in the record;
// the calls that need an index return an error.
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

// reindex makes a best effort to add the entries of rec again, after a write for which a refresh was
// due. This repairs an index that was evicted, and adds entries for a log-in that Node made (S9).
func (p *Protocol) reindex(ctx context.Context, id string, rec *record.Record) {
	if p.index == nil {
		return
	}
	for _, label := range rec.Labels() {
		if err := p.index.AddLabel(ctx, label, id, rec.Deadline(p.Terms.Absolute)); err != nil {
			p.Report(ctx, LabelNotAdded, id, err)
		}
	}
}

// unindex makes a best effort to remove the entries of ids that are gone. Entries that remain are
// removed when the label is next listed.
func (p *Protocol) unindex(ctx context.Context, labels []string, ids ...string) {
	if p.index == nil || len(ids) == 0 {
		return
	}
	for _, label := range labels {
		if err := p.index.RemoveLabel(ctx, label, ids...); err != nil {
			p.Report(ctx, LabelNotRemoved, ids[0], err)
		}
	}
}

// unindexLeft makes a best effort to remove the entries of id under labels that before has and now has not:
// those of a log-in that was removed, or that Node replaced or ended before Go wrote now. Where Node has done
// so since, the notes still have them, and they count once Node logs the user in again (S9).
func (p *Protocol) unindexLeft(ctx context.Context, id string, before, now *record.Record) {
	if p.index == nil {
		return
	}
	labels := now.Indexed()
	left := slices.DeleteFunc(before.Indexed(), func(l string) bool { return slices.Contains(labels, l) })
	if len(left) > 0 { // rare; without this test each write would allocate the arguments of unindex
		p.unindex(ctx, left, id)
	}
}

// Labelled is a session that carries a label.
type Labelled struct {
	ID     string         // a secret
	Record *record.Record // as the primary has it
}

// Labelled yields the sessions under label that have a record, oldest deadline first. An error is
// an outage and ends the listing. The entries of sessions that are gone are removed. Each
// trip to the store has a time limit of its own. The store must have an index.
func (p *Protocol) Labelled(ctx context.Context, label string) iter.Seq2[Labelled, error] {
	return func(yield func(Labelled, error) bool) {
		ids, err := p.list(ctx, label)
		if err != nil {
			yield(Labelled{}, err)
			return
		}
		for batch := range slices.Chunk(ids, batchSize) {
			recs, err := p.lookMany(ctx, batch)
			if err != nil {
				yield(Labelled{}, err)
				return
			}
			var gone []string
			for i, rec := range recs {
				if rec == nil {
					gone = append(gone, batch[i])
				}
			}
			if err := p.removeEntries(ctx, label, gone); err != nil {
				p.Report(ctx, LabelNotRemoved, gone[0], err)
			}
			for i, rec := range recs {
				if rec != nil && !yield(Labelled{batch[i], rec}, nil) {
					return
				}
			}
		}
	}
}

func (p *Protocol) list(ctx context.Context, label string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	ids, err := p.index.Labelled(ctx, label)
	if err != nil {
		return nil, fmt.Errorf("session: labels: %w", err)
	}
	return ids, nil
}

// EndLabelled ends every session under label whose id ends accepts, and its successors, and returns
// how many it ended. It lists the label again until nothing is left that has it, because a session that was
// renewed meanwhile is listed under its new id (S10). An error is an outage: some sessions
// may be live. The store must have an index.
func (p *Protocol) EndLabelled(ctx context.Context, label string, ends func(id string) bool) (ended int, err error) {
	for range maxListings {
		listed, alive, err := p.endEntries(ctx, label, ends, selection{follows: ends})
		ended += len(alive)
		if err != nil || listed == 0 {
			return ended, err
		}
	}
	return ended, fmt.Errorf("session: labels: sessions appear as fast as they end: gave up after %d listings", maxListings)
}

// EndEntries ends the sessions in one listing of label whose ids ends accepts, and their
// successors. It returns the ids that had a record or a successor.
func (p *Protocol) EndEntries(ctx context.Context, label string, ends func(id string) bool) (alive []string, err error) {
	_, alive, err = p.endEntries(ctx, label, ends, selection{})
	return alive, err
}

// EndSome is EndEntries for those whose records accepts, too, reports to be ended. It is not asked about an
// id without a record, which leaves the index.
func (p *Protocol) EndSome(ctx context.Context, label string, ends func(id string) bool, accepts func(id string, rec *record.Record) bool) (alive []string, err error) {
	_, alive, err = p.endEntries(ctx, label, ends, selection{accepts: accepts})
	return alive, err
}

// selection says which sessions of a listing end; its zero value is all of them, with their successors.
type selection struct {
	follows func(id string) bool                     // nil, or reports whether a successor ends
	accepts func(id string, rec *record.Record) bool // nil, or reports whether a listed session ends
}

// endEntries ends the sessions in one listing of label, and returns how many of them were to end.
func (p *Protocol) endEntries(ctx context.Context, label string, ends func(id string) bool, e selection) (listed int, alive []string, err error) {
	ids, err := p.list(ctx, label)
	if err != nil {
		return 0, nil, err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return !ends(id) })
	for batch := range slices.Chunk(ids, batchSize) {
		recs, err := p.lookMany(ctx, batch)
		if err != nil {
			return listed, alive, err
		}
		ending, recs, entries := e.split(label, batch, recs)
		listed += len(ending)
		found, gone, err := p.endBatch(ctx, label, ending, recs, entries, e)
		if err != nil {
			return listed, alive, err
		}
		alive = append(alive, found...)
		// Only now: an entry leaves the index after its record is known to be gone (S9).
		if err := p.removeEntries(ctx, label, gone); err != nil {
			return listed, alive, err
		}
	}
	return listed, alive, nil
}

func (p *Protocol) removeEntries(ctx context.Context, label string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	if err := p.index.RemoveLabel(ctx, label, ids...); err != nil {
		return fmt.Errorf("session: labels: %w", err)
	}
	return nil
}
