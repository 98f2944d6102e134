// Package outside answers: what becomes of what must be true when somebody else touches the store, or nobody
// can?
//
// Somebody else is Express, and a replica that takes over or lags. What the model cannot say then, it takes
// from the program: a session or a list is one of those that may be, and from then on that one.
package outside

import "github.com/seed-6f34412b/passport/internal/compositions/model"

// Model is a model of a program whose store others touch.
type Model struct {
	*model.Model
	doubt  doubt
	slow   *model.Session            // as Express has read it
	under  map[string]*model.Session // what Express wrote late under the note of an end
	kept   *kept                     // what a replica has
	before map[string][]*model.LogIn // when the replica that is read fell behind
}

// New returns a Model of a program that has just started.
func New(c model.Config) *Model {
	m := &Model{Model: model.New(c), under: map[string]*model.Session{}}
	m.Doubts = m
	return m
}

// Empty is told that the store has lost everything.
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

// Means implements [model.Doubts]: what was dropped may be found still, and what Express wrote late not.
func (m *Model) Means(s *model.Session, meant func(*model.LogIn) bool) (finds, sure bool) {
	was := (&model.Session{LogIns: s.Was}).Has(meant)
	return was || s.Has(meant), !was && !s.Late
}

// Regenerate is told of Session.Regenerate. Where an outage met it, the old id may be listed still, and what
// ends that follows it to the new one.
func (m *Model) Regenerate(v *model.Visit, name, value string) {
	old := m.First(v)
	m.Model.Regenerate(v, name, value)
	if n := m.Live[v.ID]; n != nil && old != nil && m.doubt.on {
		n.Was = old.LogIns
	}
}
