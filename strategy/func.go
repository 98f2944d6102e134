package strategy

import (
	"net/http"
	"slices"
)

// funcStrategy is a function used as a Strategy.
type funcStrategy[U any] struct {
	name         string
	authenticate func(w http.ResponseWriter, r *http.Request) (U, error)
}

// factorFunc is a funcStrategy that reports factors other than its name.
type factorFunc[U any] struct {
	funcStrategy[U]
	factors []string
}

var _ Strategy[any] = (*funcStrategy[any])(nil)
var _ FactorNamer = (*factorFunc[any])(nil)

// Func returns a strategy that calls authenticate, whose contract is that of Strategy.Authenticate:
// passport-custom. Unsafe requests from another site are refused before the call; a strategy that allows
// them has to be a type with [CrossSite]. factors are the names that it reports as Info.Factors
// ([FactorNamer]); none means name.
//
// Func panics if name is empty or reserved, or authenticate nil.
func Func[U any](name string, authenticate func(w http.ResponseWriter, r *http.Request) (U, error), factors ...string) Strategy[U] {
	if name == "" || ReservedName(name) {
		panic("strategy: func: the name is empty or reserved")
	}
	if authenticate == nil {
		panic("strategy: func: " + name + ": authenticate is nil")
	}
	f := funcStrategy[U]{name, authenticate}
	if len(factors) == 0 {
		return &f // its factor is its name, also if Named changes that
	}
	return &factorFunc[U]{f, slices.Clone(factors)}
}

// Name implements [Strategy].
func (s *funcStrategy[U]) Name() string { return s.name }

// Authenticate implements [Strategy].
func (s *funcStrategy[U]) Authenticate(w http.ResponseWriter, r *http.Request) (U, error) {
	return s.authenticate(w, r)
}

// FactorNames implements [FactorNamer].
func (s *factorFunc[U]) FactorNames() []string { return slices.Clone(s.factors) }
