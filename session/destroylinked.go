package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	maxListings = 16  // how often DestroyLinked lists a label anew
	batchSize   = 300 // sessions read or ended in one trip, of a few hundred bytes each
	maxUnindex  = 8   // labels whose entries a batch removes beside the one it is about
)

// DestroyLinked ends every session that carries label, except those whose Ref is
// given, and returns how many it ended. When it returns without an error, no session
// is alive whose log-in or renewal was answered before the call, nor one that came
// of it. An error is an outage: some may be alive; call again. Its trips are those of
// [Manager.Linked], three for 300 sessions.
func (m *Manager) DestroyLinked(ctx context.Context, label string, exceptRefs ...string) (int, error) {
	n := 0
	for range maxListings {
		ids, err := m.labelled(ctx, label)
		if err != nil {
			return n, err
		}
		ids = slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(exceptRefs, refOf(id)) })
		if len(ids) == 0 {
			return n, nil
		}
		ended, err := m.destroy(ctx, label, ids)
		n += len(ended)
		if err != nil {
			return n, err
		}
	}
	return n, fmt.Errorf("session: labels: sessions appear as fast as they end: gave up after %d listings", maxListings)
}

// DestroyRefs ends the sessions with the given Refs that carry label, and where they went
// on; it returns the Refs of those that it found. An error is an outage: some may be alive;
// call again. A session that was renewed has another Ref: list anew when one is missing.
func (m *Manager) DestroyRefs(ctx context.Context, label string, refs ...string) (ended []string, err error) {
	ids, err := m.labelled(ctx, label)
	if err != nil {
		return nil, err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return !slices.Contains(refs, refOf(id)) })
	ids, err = m.destroy(ctx, label, ids)
	for _, id := range ids {
		ended = append(ended, refOf(id))
	}
	return ended, err
}

// labelled lists the ids under label.
func (m *Manager) labelled(ctx context.Context, label string) ([]string, error) {
	if m.index == nil {
		return nil, errNoIndex
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.StoreTimeout)
	defer cancel()
	ids, err := m.index.Labelled(ctx, label)
	if err != nil {
		return nil, fmt.Errorf("session: labels: %w", err)
	}
	return ids, nil
}

// destroy ends ids, which are listed under label, and where they went on. It returns those
// that had a record or went on.
func (m *Manager) destroy(ctx context.Context, label string, ids []string) (ended []string, err error) {
	for batch := range slices.Chunk(ids, batchSize) {
		alive, err := m.destroyBatch(ctx, label, batch)
		if err != nil {
			return ended, err
		}
		ended = append(ended, alive...)
		// Only now: an entry leaves the index after its record is known to be gone (S9).
		step, cancel := context.WithTimeout(ctx, m.cfg.StoreTimeout)
		err = m.index.RemoveLabel(step, label, batch...)
		cancel()
		if err != nil {
			return ended, fmt.Errorf("session: labels: %w", err)
		}
	}
	return ended, nil
}

// destroyBatch ends ids and where each of them went on, all of them one hop at a time.
func (m *Manager) destroyBatch(ctx context.Context, label string, ids []string) (alive []string, err error) {
	origin := ids // origin[i] is the id among the given ones that led to ids[i]
	found := map[string]bool{}
	for range maxHops + 1 {
		recs, err := m.lookMany(ctx, ids)
		if err != nil {
			return nil, err
		}
		next, err := m.endMany(ctx, ids, recs)
		if err != nil {
			return nil, err
		}
		m.unindexMany(ctx, label, ids, recs)
		var moved, from []string
		for i := range ids {
			if recs[i] != nil {
				found[origin[i]] = true
			}
			if next[i] != "" {
				moved, from = append(moved, next[i]), append(from, origin[i])
			}
		}
		if ids, origin = moved, from; len(ids) == 0 {
			return slices.Collect(maps.Keys(found)), nil
		}
	}
	return nil, errTooManyHops
}

// lookMany is look for each of ids, at most batchSize.
func (m *Manager) lookMany(ctx context.Context, ids []string) ([]*record, error) {
	recs := make([]*record, len(ids))
	if m.batch == nil {
		for i, id := range ids {
			step, cancel := context.WithTimeout(ctx, m.cfg.StoreTimeout)
			rec, err := m.look(step, id)
			cancel()
			if err != nil {
				return nil, err
			}
			recs[i] = rec
		}
		return recs, nil
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.StoreTimeout)
	defer cancel()
	data, err := m.batch.GetMany(ctx, ids)
	if err == nil && len(data) != len(ids) {
		err = fmt.Errorf("the store returned %d records for %d ids", len(data), len(ids))
	}
	if err != nil {
		return nil, fmt.Errorf("session: labels: %w", err)
	}
	for i, id := range ids {
		if data[i] == nil {
			continue
		}
		if recs[i] = new(record); recs[i].parse(id, data[i]) != nil {
			recs[i] = new(record) // malformed, but there: it is ended like any other
		}
	}
	return recs, nil
}

// endMany ends ids for good and returns the ids under which their sessions went on. Asking
// again is harmless, so a lost answer is no failure.
func (m *Manager) endMany(ctx context.Context, ids []string, recs []*record) (next []string, err error) {
	if m.batch == nil {
		next = make([]string, len(ids))
		for i, id := range ids {
			step, cancel := context.WithTimeout(ctx, m.cfg.StoreTimeout)
			next[i], err = m.endOnly(step, id, recs[i])
			cancel()
			if err != nil {
				return nil, err
			}
		}
		return next, nil
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.StoreTimeout)
	defer cancel()
	var life time.Duration // the longest will do for all
	for _, rec := range recs {
		life = max(life, m.lifeOf(rec))
	}
	for tries := 1; ; tries++ {
		next, err = m.batch.EndMany(ctx, ids, life)
		if err == nil && len(next) != len(ids) {
			err = errors.New("the store returned another number of successors than it was given ids")
		}
		if err == nil {
			return next, nil
		}
		if tries == outageTries || pause(ctx, outagePause, tries) != nil {
			return nil, fmt.Errorf("session: end: %w", err)
		}
	}
}

// unindexMany removes the entries that records that are gone have under other labels than
// the one that is being emptied, as well as it can: for a few labels, as users share.
func (m *Manager) unindexMany(ctx context.Context, label string, ids []string, recs []*record) {
	others := map[string][]string{}
	for i, rec := range recs {
		if rec == nil {
			continue
		}
		for _, l := range rec.labels() {
			if l != label && (others[l] != nil || len(others) < maxUnindex) {
				others[l] = append(others[l], ids[i])
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.StoreTimeout)
	defer cancel()
	for l, gone := range others {
		m.unindex(ctx, []string{l}, gone...)
	}
}
