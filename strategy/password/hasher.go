package password

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-6f34412b/passport/strategy"
)

// Hasher turns passwords into hashes for the users table and compares with them.
// [Bcrypt] and [Argon2id] are Hashers; [Hashers] moves an application from one to
// the other. It is safe for concurrent use.
type Hasher interface {
	// Hash returns a new hash of password, with a salt of its own. It returns
	// ErrUnhashable when this kind of hash cannot hold the password, ErrBusy when too
	// much waits already, and an error that wraps the context's when ctx ends first.
	Hash(ctx context.Context, password string) (hash string, err error)

	// Verify returns nil if password is the one that hash was made of, and an error
	// that wraps ErrUnauthenticated if it is not. It returns one that wraps ErrBadHash when
	// hash is not readable, and ErrBusy and the context's error as Hash does.
	//
	// Unless it returns one of the last two, Verify has done the work of at least one
	// Hash, whatever it was given: also when password can never be right, and when
	// hash is not readable or empty (which stands for a user who does not exist).
	// Otherwise the time of an answer would tell who has an account.
	Verify(ctx context.Context, hash, password string) error

	// Reads reports whether hash is one that Verify can compare with.
	Reads(hash string) bool

	// NeedsRehash reports whether Hash would make a stronger hash than this one, or one
	// of another kind. It says so of every hash that is not readable.
	NeedsRehash(hash string) bool
}

// ErrBadHash is wrapped by the error of Verify when the stored hash is not readable: of
// another kind, damaged, or costlier than is allowed. The error says which, if the form
// shows it, and the cure; it contains nothing of the hash. The user cannot log in until
// that is done.
var ErrBadHash = errors.New("password: stored hash is not readable")

// ErrUnhashable is returned by Hash for a password that this kind of hash cannot hold.
// A registration answers it like a password that the policy refuses.
var ErrUnhashable = errors.New("password: password cannot be hashed")

// errMismatch is the error of Verify for a wrong password.
var errMismatch = fmt.Errorf("password: verify: wrong password: %w", strategy.ErrUnauthenticated)

// verdict returns the result of Verify after its work is done. An empty hash is nobody's.
func verdict(match, readable bool, hash string) error {
	switch {
	case match:
		return nil
	case !readable && hash != "":
		return fmt.Errorf("%w: %s", ErrBadHash, formOf(hash))
	}
	return errMismatch
}
