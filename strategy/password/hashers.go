package password

import (
	"context"
	"errors"

	"github.com/seed-6f34412b/passport/strategy"
)

// Hashers moves an application from one kind of hash to another: the first makes all
// new hashes, each verifies its own, and [Check] replaces an old one at its owner's next
// log-in. Hashers{&Argon2id{}, &Bcrypt{}} leads from bcrypt to Argon2id. Give them one
// Limit, and no two of a kind.
//
// An unknown user costs one hash of the first kind. Until all hashes are replaced, the
// time of a refusal shows who has not logged in since.
type Hashers []Hasher

var _ Hasher = Hashers(nil)

var errNoHasher = errors.New("password: hashers: empty: the first makes the hashes, so give at least one")

// Hash implements [Hasher].
func (hs Hashers) Hash(ctx context.Context, password string) (string, error) {
	if len(hs) == 0 {
		return "", errNoHasher
	}
	return hs[0].Hash(ctx, password)
}

// Verify implements [Hasher].
func (hs Hashers) Verify(ctx context.Context, hash, password string) error {
	if len(hs) == 0 {
		return errNoHasher
	}
	for _, h := range hs {
		if h.Reads(hash) {
			return h.Verify(ctx, hash, password)
		}
	}
	return hs[0].Verify(ctx, hash, password)
}

// Reads implements [Hasher].
func (hs Hashers) Reads(hash string) bool {
	for _, h := range hs {
		if h.Reads(hash) {
			return true
		}
	}
	return false
}

// NeedsRehash implements [Hasher].
func (hs Hashers) NeedsRehash(hash string) bool {
	return len(hs) == 0 || hs[0].NeedsRehash(hash)
}

func (hs Hashers) check() error {
	if len(hs) == 0 {
		return errNoHasher
	}
	var mistakes []error
	for _, h := range hs {
		mistakes = append(mistakes, checkHasher(h))
	}
	return errors.Join(mistakes...)
}

// checkHasher returns the mistakes in the fields of a Hasher of this package.
func checkHasher(h Hasher) error {
	if _, several := h.(Hashers); !several && strategy.IsNilUser(h) {
		return errors.New("password: a Hasher is nil: give one, such as &password.Bcrypt{}")
	}
	if c, ok := h.(interface{ check() error }); ok {
		return c.check()
	}
	return nil
}
