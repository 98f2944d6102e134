package model

import (
	"maps"
	"slices"
	"time"
)

// A replica that takes over has what it had when it fell behind: what was answered since then has not
// happened, a log-out too. The application's own table is elsewhere, and what the browsers keep is as it
// was. A browser's token of later is none of the replica's: to the program it is a copy.

// Keep keeps what is true now, for Restore.
func (m *Model) Keep() { m.kept = m.copy() }

// Restore is told that a replica took over that has what there was at Keep.
func (m *Model) Restore() {
	k := m.kept
	for token, r := range m.tokens { // those of later
		if k.tokens[token] == nil && k.series[r] != nil {
			k.tokens[token] = k.series[r]
		}
	}
	m.live, m.past, m.moved, m.tokens, m.wrong, m.doubt = k.live, k.past, k.moved, k.tokens, k.wrong, k.doubt
	m.noted = k.noted
}

// kept is what a store has.
type kept struct {
	Model
	series map[*Series]*Series // the copies
}

// copy copies what the store has.
func (m *Model) copy() *kept {
	k := &kept{*New(m.Config), map[*Series]*Series{}}
	logIns := map[*LogIn]*LogIn{}
	var copyLogIn func(*LogIn) *LogIn
	copySeries := func(r *Series) *Series {
		if r == nil || k.series[r] != nil {
			return k.series[r]
		}
		c := *r
		c.Void, k.series[r] = slices.Clone(r.Void), &c
		if c.Series != nil {
			c.Series = &c
		}
		return &c
	}
	copyLogIn = func(l *LogIn) *LogIn {
		if l == nil || logIns[l] != nil {
			return logIns[l]
		}
		c := *l
		logIns[l] = &c
		c.Series, c.Under = copySeries(l.Series), copyLogIn(l.Under)
		return &c
	}
	copyLogIns := func(of map[int]*LogIn) map[int]*LogIn {
		to := map[int]*LogIn{}
		for g, l := range of {
			to[g] = copyLogIn(l)
		}
		return to
	}
	copySessions := func(of map[string]*Session) map[string]*Session {
		to := map[string]*Session{}
		for id, s := range of {
			c := *s
			c.LogIns, c.Over, c.Was, c.Values = copyLogIns(s.LogIns), copyLogIns(s.Over), copyLogIns(s.Was), maps.Clone(s.Values)
			to[id] = &c
		}
		return to
	}
	k.live, k.past, k.moved, k.noted = copySessions(m.live), copySessions(m.past), maps.Clone(m.moved), maps.Clone(m.noted)
	for token, r := range m.tokens {
		k.tokens[token] = copySeries(r)
	}
	for key, times := range m.wrong {
		k.wrong[key] = append([]time.Time(nil), times...)
	}
	k.doubt.sessions, k.doubt.orphans, k.doubt.series = maps.Clone(m.doubt.sessions), maps.Clone(m.doubt.orphans), map[*Series]bool{}
	for r := range m.doubt.series {
		k.doubt.series[copySeries(r)] = true
	}
	return k
}
