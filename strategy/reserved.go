package strategy

import "net/http"

// Reserved names, which guards give a meaning of their own. No other strategy may have
// one of them.
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

// ReservedName reports whether name is one that guards reserve.
func ReservedName(name string) bool {
	return name == NameSession || name == NameAnonymous || name == NameRemember
}

// anonymous lets every request pass without a user.
type anonymous[U any] struct{}

var _ Strategy[any] = anonymous[any]{}
var _ CrossSite = anonymous[any]{}

// Anonymous returns the strategy with the name [NameAnonymous], which returns
// [ErrAnonymous].
func Anonymous[U any]() Strategy[U] { return anonymous[U]{} }

// Name implements [Strategy].
func (anonymous[U]) Name() string { return NameAnonymous }

// Authenticate implements [Strategy]. It returns ErrAnonymous.
func (anonymous[U]) Authenticate(http.ResponseWriter, *http.Request) (U, error) {
	var nobody U
	return nobody, ErrAnonymous
}

// AllowCrossSite implements [CrossSite]. It returns true: no credential is used, so
// none can be abused.
func (anonymous[U]) AllowCrossSite(*http.Request) bool { return true }
