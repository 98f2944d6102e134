package contract

import "github.com/seed-6f34412b/passport/session"

// Gone is session.ErrNotFound as the authority says it, see [session.PrimaryReader]: a store returns one from
// Get where that asked nothing but the primary.
type Gone[Store any] struct{ Store *Store }

// Error says what ErrNotFound says.
func (Gone[Store]) Error() string { return session.ErrNotFound.Error() }

// Is reports whether target is ErrNotFound.
func (Gone[Store]) Is(target error) bool { return target == session.ErrNotFound }

// Authority returns the store.
func (g Gone[Store]) Authority() any { return g.Store }
