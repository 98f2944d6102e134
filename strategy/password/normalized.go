package password

import (
	"context"
	"errors"
	"strings"
	"unicode"

	"github.com/seed-6f34412b/passport/strategy"
)

// Normalized returns a Hasher to which a password is the same in every Unicode spelling: é
// is one character on most keyboards, and two on some. New hashes are of form(password).
// Old hashes, of the text as it was sent, stay valid: a password that is not in that form
// is compared both ways, for every user.
//
// Give it to registrations and to [Config] alike. precis.Password, of the module
// strategy/precis, is the form of RFC 8265; the tables for it are not in this module. A nil
// form replaces other spaces by U+0020 (§4.2.2), which needs none.
func Normalized(h Hasher, form func(password string) string) Hasher {
	if form == nil {
		form = plainSpaces
	}
	return normalized{h, form}
}

type normalized struct {
	inner Hasher
	form  func(string) string
}

func (n normalized) Hash(ctx context.Context, password string) (string, error) {
	return n.inner.Hash(ctx, n.form(password))
}

func (n normalized) Verify(ctx context.Context, hash, password string) error {
	formed := n.form(password)
	err := n.inner.Verify(ctx, hash, formed)
	if formed == password || !errors.Is(err, strategy.ErrUnauthenticated) && !errors.Is(err, ErrBadHash) {
		return err
	}
	return n.inner.Verify(ctx, hash, password)
}

func (n normalized) Reads(hash string) bool { return n.inner.Reads(hash) }

func (n normalized) NeedsRehash(hash string) bool { return n.inner.NeedsRehash(hash) }

func (n normalized) check() error { return checkHasher(n.inner) }

func plainSpaces(password string) string {
	return strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Zs, c) {
			return ' '
		}
		return c
	}, password)
}
