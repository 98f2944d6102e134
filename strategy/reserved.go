package strategy

import "net/http"

// The names that a guard gives a meaning of its own. No other strategy has one of them.
const (
	// NameSession selects the log-in that the session remembers; the guard supplies
	// the strategy: Passport's SessionStrategy.
	NameSession = "session"
	// NameAnonymous selects [Anonymous]; last in a list, it lets a request pass when
	// all others refused: passport-anonymous.
	NameAnonymous = "anonymous"
	// NameRemember is the name of the factor of a log-in that a remembered browser made,
	// see package remember. It never counts as a fresh log-in.
	NameRemember = "remember"
)

// ReservedName reports whether name is one that a guard gives a meaning of its own.
func ReservedName(name string) bool {
	return name == NameSession || name == NameAnonymous || name == NameRemember
}

// AnonymousStrategy lets every request pass without a user: passport-anonymous.
// Its zero value is ready for use.
type AnonymousStrategy[U any] struct{}

var _ Strategy[any] = AnonymousStrategy[any]{}
var _ CrossSite = AnonymousStrategy[any]{}

// Anonymous returns the strategy of the name [NameAnonymous].
func Anonymous[U any]() AnonymousStrategy[U] { return AnonymousStrategy[U]{} }

// Name implements [Strategy].
func (AnonymousStrategy[U]) Name() string { return NameAnonymous }

// Authenticate implements [Strategy]. It returns ErrAnonymous.
func (AnonymousStrategy[U]) Authenticate(http.ResponseWriter, *http.Request) (U, error) {
	var nobody U
	return nobody, ErrAnonymous
}

// AllowCrossSite implements [CrossSite]. It returns true: no credential is used, so
// none can be abused.
func (AnonymousStrategy[U]) AllowCrossSite(*http.Request) bool { return true }
