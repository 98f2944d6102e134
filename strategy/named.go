package strategy

import "net/http"

// namedStrategy is a strategy under another name.
type namedStrategy[U any] struct {
	name  string
	inner Strategy[U]
}

var _ Strategy[any] = (*namedStrategy[any])(nil)

// Named returns s under another name, so that a guard can have two strategies of one
// type: passport.use(name, strategy). It panics if s is nil, or name empty or reserved.
func Named[U any](name string, s Strategy[U]) Strategy[U] {
	if name == "" || ReservedName(name) {
		panic("strategy: named: the name is empty or reserved")
	}
	if IsNilUser(s) {
		panic("strategy: named: " + name + ": the strategy is nil")
	}
	return &namedStrategy[U]{name, s}
}

// Name implements [Strategy].
func (s *namedStrategy[U]) Name() string { return s.name }

// Authenticate implements [Strategy].
func (s *namedStrategy[U]) Authenticate(w http.ResponseWriter, r *http.Request) (U, error) {
	return s.inner.Authenticate(w, r)
}

// Unwrap returns the strategy under its own name.
func (s *namedStrategy[U]) Unwrap() Strategy[U] { return s.inner }
