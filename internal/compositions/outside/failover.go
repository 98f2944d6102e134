package outside

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/compositions/model"
)

// When a replica takes over, it has what it had when it fell behind. Everything answered since then is
// undone, even log-outs. The application's own tables are stored elsewhere, and browsers keep their
// cookies. A remember-me token that was issued later is unknown to the replica, so the program treats it as
// a copy.
//
// The old primary keeps what it had. If it comes back as itself, requests meet that again, and what it
// answers then is lost as soon as it becomes a replica of the new one.

// Keep saves the current state: what the replica has when it falls behind.
func (m *Model) Keep() { m.kept = m.copy() }

// FailOver models that the replica takes over. late is whether it had fallen behind.
func (m *Model) FailOver(late bool) {
	m.old = m.copy()
	if late {
		m.use(m.kept)
	}
}

// Itself models that requests reach the old primary again, which is not yet a replica.
func (m *Model) Itself() {
	now := m.copy()
	m.use(m.old)
	m.old = now
}

// Rejoin models that the old primary becomes a replica. itself is whether requests reached it until now.
func (m *Model) Rejoin(itself bool) {
	if itself {
		m.use(m.old)
	}
	m.old = nil
}

// use makes a saved state the current one.
func (m *Model) use(k *kept) {
	series := map[*model.Series]*model.Series{}
	for _, r := range k.Tokens {
		series[m.root(r)] = r
	}
	m.remember()
	for token, root := range m.issued { // those that only another state has issued
		if k.Tokens[token] == nil && series[root] != nil {
			k.Tokens[token] = series[root]
		}
	}
	m.Store, m.doubt, m.under = k.Store, k.doubt, k.under
	if m.slow == nil {
		return
	}
	for _, s := range k.Live { // series that have ended, too
		for _, l := range s.LogIns {
			series[m.root(l.Series)] = l.Series
		}
	}
	// What Express has read names series, which this state has too.
	for _, l := range append(slices.Collect(maps.Values(m.slow.LogIns)), cmp.Or(m.slow.under, &model.LogIn{})) {
		if of := series[m.root(l.Series)]; of != nil {
			l.Series = of
		}
	}
}

// remember records which tokens were issued, for states that do not have them.
func (m *Model) remember() {
	for token, r := range m.Tokens {
		m.issued[token] = m.root(r)
	}
}

// root returns the series of which r is a copy, or r.
func (m *Model) root(r *model.Series) *model.Series {
	if of := m.copied[r]; of != nil {
		return of
	}
	return r
}

// Content describes the sessions that live, except those that no answer contained, and those whose log-ins a
// change of the password has ended.
func (m *Model) Content() string {
	var list []string
	for id, s := range m.Live {
		values := maps.Clone(s.Values)
		maps.DeleteFunc(values, func(_, v string) bool { return strings.Contains(v, model.Anything) })
		text, good := fmt.Sprintf("%s %q", id, values), len(s.LogIns) == 0
		for _, g := range slices.Sorted(maps.Keys(s.LogIns)) {
			l := s.LogIns[g]
			good = good || m.Good(l)
			text += fmt.Sprint(" ", g, l.User, l.At, l.Password, l.Factors, l.Labels)
		}
		if good && m.doubt.orphans[id] == nil {
			list = append(list, text)
		}
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// kept is a saved state of the store, and what was in doubt then.
type kept struct {
	model.Store
	doubt doubt
	under map[string]*model.Session
}

// copy returns a deep copy of the store's state.
func (m *Model) copy() *kept {
	k, series := &kept{}, map[*model.Series]*model.Series{}
	logIns := map[*model.LogIn]*model.LogIn{}
	copySeries := func(r *model.Series) *model.Series {
		if r == nil || series[r] != nil {
			return series[r]
		}
		c := *r
		c.Void, series[r], m.copied[&c] = slices.Clone(r.Void), &c, m.root(r)
		return &c
	}
	copyLogIn := func(l *model.LogIn) *model.LogIn {
		if l == nil || logIns[l] != nil {
			return logIns[l]
		}
		c := *l
		logIns[l] = &c
		if c.Series = copySeries(l.Series); m.maybe[l] {
			m.maybe[&c] = true
		}
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
			c.LogIns, c.Values = copyLogIns(s.LogIns), maps.Clone(s.Values)
			to[id] = &c
		}
		return to
	}
	k.Live, k.Ended, k.Tokens, k.Wrong = copySessions(m.Live), maps.Clone(m.Ended), map[string]*model.Series{}, map[string][]time.Time{}
	k.under = copySessions(m.under)
	for token, r := range m.Tokens {
		k.Tokens[token] = copySeries(r)
	}
	for key, times := range m.Wrong {
		k.Wrong[key] = append([]time.Time(nil), times...)
	}
	k.doubt = doubt{false, maps.Clone(m.doubt.sessions), maps.Clone(m.doubt.orphans), map[string]*about{}}
	for id, a := range m.doubt.about {
		c := *a
		c.over, c.under, c.was = copyLogIns(a.over), copyLogIn(a.under), nil
		for _, l := range a.was {
			c.was = append(c.was, copyLogIn(l))
		}
		k.doubt.about[id] = &c
	}
	return k
}
