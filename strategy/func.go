package strategy

import "net/http"

// funcStrategy is a function used as a Strategy.
type funcStrategy[U any] struct {
	name         string
	authenticate func(w http.ResponseWriter, r *http.Request) (U, error)
}

var _ Strategy[any] = (*funcStrategy[any])(nil)

// Func returns a strategy that asks authenticate, whose contract is that of [Strategy].Authenticate:
// passport-custom. Requests that a browser sent from another site are refused before it is asked; a strategy
// that can allow them is a type of its own, with [CrossSite].
//
// Func panics if name is empty or reserved, or authenticate nil.
func Func[U any](name string, authenticate func(w http.ResponseWriter, r *http.Request) (U, error)) Strategy[U] {
	if name == "" || ReservedName(name) {
		panic("strategy: func: the name is empty or reserved")
	}
	if authenticate == nil {
		panic("strategy: func: " + name + ": authenticate is nil")
	}
	return &funcStrategy[U]{name, authenticate}
}

// Name implements [Strategy].
func (s *funcStrategy[U]) Name() string { return s.name }

// Authenticate implements [Strategy].
func (s *funcStrategy[U]) Authenticate(w http.ResponseWriter, r *http.Request) (U, error) {
	return s.authenticate(w, r)
}
