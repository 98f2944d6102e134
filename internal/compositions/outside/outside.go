// Package outside answers: what must be true when others change the store, or nobody can reach it?
//
// The others are Express, and a replica that takes over or lags. Where several outcomes are allowed, the
// model accepts what the program says if it is one of them, and requires it from then on.
package outside

import "github.com/seed-6f34412b/passport/internal/compositions/model"

// Model is a model of a program whose store others change.
type Model struct {
	*model.Model
	doubt  doubt
	slow   *model.Session            // as a slow request to Express has read it
	under  map[string]*model.Session // what Express wrote late, hidden by the note of an end
	kept   *kept                     // the state of a replica that fell behind
	before map[string][]*model.LogIn // log-ins by id, when the reads fell behind
}

// New returns the Model of a program that has just started.
func New(c model.Config) *Model {
	m := &Model{Model: model.New(c), under: map[string]*model.Session{}}
	m.Doubts = m
	return m
}

// Empty models that the store has lost everything.
func (m *Model) Empty() { m.Store, m.doubt = model.NewStore(), doubt{} }

// Uses implements [model.Doubts].
func (m *Model) Uses(v *model.Visit, s *model.Session) (sure bool) {
	if !v.Stale {
		s.Half = s.Half || m.doubt.on
	}
	return !v.Stale && !s.Half
}

// Met implements [model.Doubts].
func (m *Model) Met() bool { return m.doubt.on }

// Session implements [model.Doubts].
func (m *Model) Session(id string) { m.doubtSession(id, &Half{Ends: true}) }

// Open implements [model.Doubts].
func (m *Model) Open(r *model.Series) bool { return m.doubt.series[r] }

// Means implements [model.Doubts]. A dropped log-in may still be found, and a session that Express wrote
// late may not be found.
func (m *Model) Means(s *model.Session, meant func(*model.LogIn) bool) (finds, sure bool) {
	was := (&model.Session{LogIns: s.Was}).Has(meant)
	return was || s.Has(meant), !was && !s.Late
}

// Regenerate models Session.Regenerate. If an outage hit it, the old id may still be listed, and ending
// that also ends the new session.
func (m *Model) Regenerate(v *model.Visit, name, value string) {
	old := m.First(v)
	m.Model.Regenerate(v, name, value)
	if n := m.Live[v.ID]; n != nil && old != nil && m.doubt.on {
		n.Was = old.LogIns
	}
}
