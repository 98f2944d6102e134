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
	batchSize  = 300 // sessions read or ended in one trip, of a few hundred bytes each
	maxUnindex = 8   // labels whose entries a batch removes beside the one it is about
)

// endBatch is endChain for many ids at once, at most batchSize, one hop of all of them at
// a time. It returns those that had a record or went on. Entries under label stay, and
// so does a session that another one went on to, if follows refuses it.
func (p *Protocol) endBatch(ctx context.Context, label string, ids []string, follows func(id string) bool) (alive []string, err error) {
	recs, err := p.lookMany(ctx, ids)
	if err != nil {
		return nil, err
	}
	if ids, recs = carrying(label, ids, recs); len(ids) == 0 {
		return nil, nil
	}
	origin := ids // origin[i] is the id among the given ones that led to ids[i]
	found := map[string]bool{}
	for range maxHops + 1 {
		next, err := p.endMany(ctx, ids, recs)
		if err != nil {
			return nil, err
		}
		p.unindexMany(ctx, label, ids, recs)
		var moved, from []string
		for i := range ids {
			if recs[i] != nil {
				found[origin[i]] = true
			}
			if next[i] != "" && follows(next[i]) { // what is excepted lives, also where a stale entry leads to it
				moved, from = append(moved, next[i]), append(from, origin[i])
			}
		}
		if ids, origin = moved, from; len(ids) == 0 {
			return slices.Collect(maps.Keys(found)), nil
		}
		if recs, err = p.lookMany(ctx, ids); err != nil {
			return nil, err
		}
	}
	return nil, errTooManyHops
}

// lookMany is look for each of ids, at most batchSize.
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

// endMany ends ids for good and returns the ids under which their sessions went on. Asking
// again is harmless, so a lost answer is no failure.
func (p *Protocol) endMany(ctx context.Context, ids []string, recs []*record.Record) (next []string, err error) {
	if p.batch == nil {
		next = make([]string, len(ids))
		return next, p.each(ctx, ids, func(ctx context.Context, i int) (err error) {
			next[i], err = p.endForGood(ctx, ids[i], recs[i])
			return err
		})
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	var life time.Duration // the longest will do for all
	for _, rec := range recs {
		life = max(life, p.noteLife(rec))
	}
	for tries := 1; ; tries++ {
		next, err = p.batch.EndMany(ctx, ids, life)
		if err == nil && len(next) != len(ids) {
			err = errors.New("the store returned another number of successors than it was given ids")
		}
		if err == nil {
			if w := p.watchers.Load(); w != nil {
				w.toldMany(ids, next)
			}
			return next, nil
		}
		if tries == outageTries || pause(ctx, outagePause, tries) != nil {
			return nil, fmt.Errorf("session: end: %w", err)
		}
	}
}

// each calls f for every index of ids, with a time limit for each.
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

// unindexMany makes a best effort to remove the entries that records that are gone have
// under other labels than the one that is being emptied: for a few labels, as users share.
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

// carrying leaves out the records that are known not to carry label any more: an entry is a
// hint. Of one that is gone, malformed, or Node's alone, that is not known.
func carrying(label string, ids []string, recs []*record.Record) (left []string, of []*record.Record) {
	for i, rec := range recs {
		if rec != nil {
			if _, _, ours := rec.Written(); ours && !slices.Contains(rec.Labels(), label) {
				continue
			}
		}
		left, of = append(left, ids[i]), append(of, rec)
	}
	return left, of
}
