package protocol

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/record"
)

const (
	batchSize  = 300 // sessions that are read or ended in one trip, a few hundred bytes each
	maxUnindex = 8   // other labels from which a batch also removes entries
)

// endBatch is endChain for at most batchSize ids at once, with their records: it follows one successor of
// each at a time. It returns the ids that had a record or a successor, and those of entries, which are under
// label, that are still to be removed.
func (p *Protocol) endBatch(ctx context.Context, label string, ids []string, recs []*record.Record, entries []string, e selection) (alive, left []string, err error) {
	if len(ids) == 0 {
		return nil, entries, nil
	}
	origin := ids // ids[i] is origin[i] or a successor of it
	found := map[string]bool{}
	for range maxHops + 1 {
		next, indexed, err := p.endMany(ctx, label, ids, recs)
		if err != nil {
			return nil, nil, err
		}
		if indexed {
			entries = without(entries, ids, recs)
		} else {
			p.unindexMany(ctx, label, ids, recs)
		}
		var moved, from []string
		for i := range ids {
			if recs[i] != nil {
				found[origin[i]] = true
			}
			if next[i] != "" && (e.follows == nil || e.follows(next[i])) { // an excepted session lives, even if a stale entry leads to it
				moved, from = append(moved, next[i]), append(from, origin[i])
			}
		}
		if ids, origin = moved, from; len(ids) == 0 {
			return slices.Collect(maps.Keys(found)), entries, nil
		}
		if recs, err = p.lookMany(ctx, ids); err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, errTooManyHops
}

// split returns the ids that end, with their records, and the ids whose entries under label are to be removed:
// those, and those that e finds gone. An entry whose session stays is kept, also if a log-in with the label
// is not in it any more: Node may log the same user in again, and until Go writes the record, nothing would
// add the entry again (S9).
func (e *selection) split(label string, ids []string, recs []*record.Record) (ending []string, of []*record.Record, entries []string) {
	for i, rec := range recs {
		switch {
		case rec == nil && e.accepts != nil:
			entries = append(entries, ids[i])
		case lost(label, rec), e.accepts != nil && !e.accepts(ids[i], rec):
		default:
			ending, of, entries = append(ending, ids[i]), append(of, rec), append(entries, ids[i])
		}
	}
	return ending, of, entries
}

// lost reports whether a record is known not to have label any more: an entry is only a hint. That is unknown
// of records that are gone, malformed, or written by Node alone.
func lost(label string, rec *record.Record) bool {
	if rec == nil {
		return false
	}
	_, _, ours := rec.Written()
	return ours && !slices.Contains(rec.Labels(), label)
}

// lookMany is look for each of at most batchSize ids.
func (p *Protocol) lookMany(ctx context.Context, ids []string) ([]*record.Record, error) {
	if p.batch == nil {
		recs := make([]*record.Record, len(ids))
		return recs, p.each(ctx, ids, func(ctx context.Context, i int) (err error) {
			recs[i], err = p.look(ctx, ids[i])
			return err
		})
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	data, err := p.batch.GetMany(ctx, ids)
	if err == nil && len(data) != len(ids) {
		err = fmt.Errorf("the store returned %d records for %d ids", len(data), len(ids))
	}
	if err != nil {
		return nil, fmt.Errorf("session: labels: %w", err)
	}
	recs := make([]*record.Record, len(ids))
	for i, id := range ids {
		if data[i] != nil {
			recs[i] = parseToEnd(id, data[i])
		}
	}
	return recs, nil
}

// without returns the entries that are not among ids with a record, in a new list. The entry of one that had
// none should have left with it: the store may not be able to remove it in that step.
func without(entries, ids []string, recs []*record.Record) (left []string) {
	for _, id := range entries {
		if i := slices.Index(ids, id); i < 0 || recs[i] == nil {
			left = append(left, id)
		}
	}
	return left
}

// endMany is endForGood for many ids. It returns their successors. indexed reports whether that removed the
// entries of ids too, under label and under the labels of their records.
func (p *Protocol) endMany(ctx context.Context, label string, ids []string, recs []*record.Record) (next []string, indexed bool, err error) {
	var life time.Duration // the longest is used for all
	for _, rec := range recs {
		life = max(life, p.noteLife(rec))
	}
	if p.joint != nil {
		labels := labelsOf(label, recs)
		next, err = p.endAtOnce(ctx, ids, func(ctx context.Context) ([]string, error) {
			return p.joint.EndManyIndexed(ctx, ids, life, labels)
		})
		if !errors.Is(err, errors.ErrUnsupported) {
			return next, true, err
		}
	}
	if p.batch != nil {
		next, err = p.endAtOnce(ctx, ids, func(ctx context.Context) ([]string, error) {
			return p.batch.EndMany(ctx, ids, life)
		})
		return next, false, err
	}
	next = make([]string, len(ids))
	return next, false, p.each(ctx, ids, func(ctx context.Context, i int) (err error) {
		next[i], err = p.endForGood(ctx, ids[i], recs[i])
		return err
	})
}

// labelsOf returns the labels under which the ids of recs may be in the index: label, and those of the
// record.
func labelsOf(label string, recs []*record.Record) [][]string {
	labels := make([][]string, len(recs))
	for i, rec := range recs {
		if rec != nil {
			labels[i] = rec.Indexed()
		}
		if !slices.Contains(labels[i], label) {
			labels[i] = append(slices.Clip(labels[i]), label)
		}
	}
	return labels
}

// endAtOnce calls end, which ends ids in one trip and returns their successors. Repeating it is harmless, so
// it is tried again after a lost answer.
func (p *Protocol) endAtOnce(ctx context.Context, ids []string, end func(context.Context) ([]string, error)) (next []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	for tries := 1; ; tries++ {
		next, err = end(ctx)
		if err == nil && len(next) != len(ids) {
			err = errors.New("the store returned another number of successors than it was given ids")
		}
		if err == nil {
			if w := p.watchers.Load(); w != nil {
				w.onEndMany(ids, next)
			}
			return next, nil
		}
		if errors.Is(err, errors.ErrUnsupported) || tries == outageTries || pause(ctx, outagePause, tries) != nil {
			return nil, fmt.Errorf("session: end: %w", err)
		}
	}
}

// each calls f for every index of ids, each time with a new time limit.
func (p *Protocol) each(ctx context.Context, ids []string, f func(ctx context.Context, i int) error) error {
	for i := range ids {
		step, cancel := context.WithTimeout(ctx, p.Timeout)
		err := f(step, i)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// unindexMany makes a best effort to remove the entries of ended records under labels other than
// label, which is being emptied. It does so for maxUnindex labels, because users share few.
func (p *Protocol) unindexMany(ctx context.Context, label string, ids []string, recs []*record.Record) {
	others := map[string][]string{}
	for i, rec := range recs {
		if rec == nil {
			continue
		}
		for _, l := range rec.Indexed() {
			if l != label && (others[l] != nil || len(others) < maxUnindex) {
				others[l] = append(others[l], ids[i])
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	for l, gone := range others {
		p.unindex(ctx, []string{l}, gone...)
	}
}
