package outside

import (
	"maps"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/compositions/model"
)

// When a replica takes over, it has what it had when it fell behind. Everything answered since then is
// undone, even log-outs. The application's own tables are stored elsewhere, and browsers keep their
// cookies. A remember-me token that was issued later is unknown to the replica, so the program treats it as
// a copy.

// Keep saves the current state for Restore.
func (m *Model) Keep() { m.kept = m.copy() }

// Restore models that a replica with the state at Keep takes over.
func (m *Model) Restore() {
	k := m.kept
	for token, r := range m.Tokens { // tokens that were issued later
		if k.Tokens[token] == nil && k.series[r] != nil {
			k.Tokens[token] = k.series[r]
		}
	}
	m.Store, m.doubt = k.Store, k.doubt
}

// kept is a saved state of the store, and what was in doubt then.
type kept struct {
	model.Store
	doubt  doubt
	series map[*model.Series]*model.Series // original to copy
}

// copy returns a deep copy of the store's state.
func (m *Model) copy() *kept {
	k := &kept{model.NewStore(), doubt{}, map[*model.Series]*model.Series{}}
	logIns := map[*model.LogIn]*model.LogIn{}
	var copyLogIn func(*model.LogIn) *model.LogIn
	copySeries := func(r *model.Series) *model.Series {
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
	copyLogIn = func(l *model.LogIn) *model.LogIn {
		if l == nil || logIns[l] != nil {
			return logIns[l]
		}
		c := *l
		logIns[l] = &c
		c.Series, c.Under = copySeries(l.Series), copyLogIn(l.Under)
		return &c
	}
	copyLogIns := func(of map[int]*model.LogIn) map[int]*model.LogIn {
		to := map[int]*model.LogIn{}
		for g, l := range of {
			to[g] = copyLogIn(l)
		}
		return to
	}
	copySessions := func(of map[string]*model.Session) map[string]*model.Session {
		to := map[string]*model.Session{}
		for id, s := range of {
			c := *s
			c.LogIns, c.Over, c.Values, c.Was = copyLogIns(s.LogIns), copyLogIns(s.Over), maps.Clone(s.Values), nil
			for _, l := range s.Was {
				c.Was = append(c.Was, copyLogIn(l))
			}
			to[id] = &c
		}
		return to
	}
	k.Live, k.Past, k.Ended = copySessions(m.Live), maps.Clone(m.Past), maps.Clone(m.Ended)
	for token, r := range m.Tokens {
		k.Tokens[token] = copySeries(r)
	}
	for key, times := range m.Wrong {
		k.Wrong[key] = append([]time.Time(nil), times...)
	}
	k.doubt.sessions, k.doubt.orphans = maps.Clone(m.doubt.sessions), maps.Clone(m.doubt.orphans)
	return k
}
