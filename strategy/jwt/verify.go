package jwt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/seed-6f34412b/passport/strategy"
)

// verifier checks the text of a token.
type verifier struct {
	keys     Keys
	types    []string
	maxBytes int
	claims   claimsCheck
	known    atomic.Pointer[knownHeader] // of the last good token
}

func newVerifier(cfg Config) *verifier {
	return &verifier{keys: cfg.Keys, types: cfg.Types, maxBytes: cfg.MaxBytes, claims: newClaimsCheck(cfg)}
}

var errNoKeys = errors.New("jwt: keys: there are none to verify with: Config.Keys returned an empty list")

// verify returns the payload of a valid token. The error is a refusal, or an outage of
// the keys.
//
// The header is checked before the keys are asked for, and the payload is parsed only
// after the signature was verified.
func (v *verifier) verify(ctx context.Context, text string) ([]byte, verified, error) {
	known := v.known.Load()
	t, err := parseToken(text, v.maxBytes, known)
	if err != nil {
		return nil, verified{}, refused(err.Error())
	}
	if t.header.alg.rules().kind == kindNone {
		return nil, verified{}, refused("header: alg is not an algorithm of this package")
	}
	if !slices.Contains(v.types, t.header.typ) {
		return nil, verified{}, refused("header: typ is none of Config.Types")
	}
	keys, err := v.keys.Keys(ctx, t.header.kid)
	if err != nil {
		return nil, verified{}, outage(err)
	}
	if len(keys) == 0 {
		return nil, verified{}, errNoKeys
	}
	if err := t.verify(keys); err != nil {
		return nil, verified{}, refused(err.Error())
	}
	if known == nil || known.text != t.first {
		v.known.Store(&knownHeader{strings.Clone(t.first), t.header})
	}
	facts, err := v.claims.check(t.header.typ, t.payload)
	if err != nil {
		return nil, verified{}, refused(err.Error())
	}
	return t.payload, facts, nil
}

// outage returns the error of a source of keys. It is never a refusal, also if the
// application's own source wraps one.
func outage(err error) error {
	if errors.Is(err, strategy.ErrUnauthenticated) {
		return fmt.Errorf("jwt: keys: %s", err.Error())
	}
	return err
}

// verify looks for the key that signed t.
func (t *token) verify(keys []*Key) error {
	tries := 0
	for _, k := range keys {
		if !k.fits(t.header) {
			continue
		}
		if tries++; tries > maxTries {
			return errors.New("too many keys fit the header: give each an id")
		}
		if k.verifies(t.signed, t.signature) {
			return nil
		}
	}
	if tries == 0 {
		return errors.New("no key has the header's alg and kid")
	}
	return errors.New("the signature is wrong")
}
