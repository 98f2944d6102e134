package contract

import "github.com/seed-6f34412b/passport/session"

// Gone is session.ErrNotFound from the primary, see [session.PrimaryReader]: a store returns it from Get if
// that asked nothing but the primary.
type Gone[Store any] struct{ Store *Store }

// Error returns the text of ErrNotFound.
func (Gone[Store]) Error() string { return session.ErrNotFound.Error() }

// Is reports whether target is ErrNotFound.
func (Gone[Store]) Is(target error) bool { return target == session.ErrNotFound }

// Authority returns the store.
func (g Gone[Store]) Authority() any { return g.Store }
