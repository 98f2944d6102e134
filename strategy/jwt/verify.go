package jwt

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-6f34412b/passport/strategy"
)

// verifier decides about the text of a token.
type verifier struct {
	keys     Keys
	types    []string
	maxBytes int
	claims   claimsCheck
}

func newVerifier(cfg Config) *verifier {
	return &verifier{cfg.Keys, cfg.Types, cfg.MaxBytes, newClaimsCheck(cfg)}
}

var errNoKeys = errors.New("jwt: keys: there are none to verify with")

// verify returns the payload of a token that is good. The error is a refusal, or an
// outage of the keys.
//
// The header is checked before the keys are asked, and the payload is not parsed
// before the signature is good.
func (v *verifier) verify(ctx context.Context, text string) ([]byte, verified, error) {
	t, err := parseToken(text, v.maxBytes)
	if err != nil {
		return nil, verified{}, refused(err.Error())
	}
	if t.header.alg.rules().kind == kindNone {
		return nil, verified{}, refused("header: alg is none that can be accepted")
	}
	if !slices.Contains(v.types, t.header.typ) {
		return nil, verified{}, refused("header: typ is not an accepted one")
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
	facts, err := v.claims.check(t.header.typ, t.payload)
	if err != nil {
		return nil, verified{}, refused(err.Error())
	}
	return t.payload, facts, nil
}

// outage returns the error of a source of keys, which is never a refusal, whatever a
// source of the application's own wraps.
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
