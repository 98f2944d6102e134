package strategy

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// tokenBytes is the length of a random token: 192 bits, more than the 128 that
// OWASP ASVS 5.0, 11.5.1, asks for.
const tokenBytes = 24

// newToken returns 32 characters of base64url.
func newToken() string {
	var b [tokenBytes]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// isToken reports whether s has the form of newToken's. It saves asking the database
// for what cannot be there, and keeps long texts away from it.
func isToken(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == tokenBytes
}

// hashOf names what parts say, so that they cannot be told from it. The length before
// each part keeps "ab","c" and "a","bc" apart. A plain hash is enough for what has 112
// bits of randomness or more (NIST SP 800-63B-4 §3.1.2.2).
func hashOf(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part) // a hash never fails
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// OneTimeConfig is what [NewOneTime] needs.
type OneTimeConfig struct {
	// Tokens keeps them, by a hash only: store.NewRedisTokens or store.NewMemoryTokens.
	Tokens Tokens
	// Purpose is what the tokens are good for, such as "password reset"; required. A
	// token of one purpose is nothing to another, also in the same Tokens.
	Purpose string
	// TTL is how long a token is good; zero means 10 minutes, the longest that NIST SP
	// 800-63B-4 §3.1.3.2 allows for a code sent to the user. At most 24 hours.
	TTL time.Duration
}

// OneTime makes tokens that are good once, for one user and one purpose, and not for
// long: for links that are mailed, to log in, to reset a password, to confirm an
// address. A token has 192 random bits. It is made by [NewOneTime] and safe for
// concurrent use.
type OneTime struct{ cfg OneTimeConfig }

const (
	defaultOneTimeTTL = 10 * time.Minute
	maxOneTimeTTL     = 24 * time.Hour
)

// NewOneTime returns every mistake in cfg at once.
func NewOneTime(cfg OneTimeConfig) (*OneTime, error) {
	if cfg.TTL == 0 {
		cfg.TTL = defaultOneTimeTTL
	}
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("strategy: new one-time: "+format, args...))
	}
	if NoUser(cfg.Tokens) {
		wrong("Tokens is nil: give one that keeps them, such as store.NewRedisTokens")
	}
	if cfg.Purpose == "" {
		wrong("Purpose is empty: say what the tokens are good for")
	}
	if cfg.TTL < time.Millisecond || cfg.TTL > maxOneTimeTTL {
		wrong("TTL is %v: want a millisecond to 24 hours, or 0 for 10 minutes", cfg.TTL)
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	return &OneTime{cfg}, nil
}

// Issue returns a new token for user, 32 characters that need no escaping in a URL.
// user is what Redeem will return; to make a token end with a password change, put a
// stamp of the password into it. Tokens issued before stay good. Any error is an outage.
func (o *OneTime) Issue(ctx context.Context, user string) (token string, err error) {
	token = newToken()
	if err := o.cfg.Tokens.Put(ctx, o.key(token), []byte(user), o.cfg.TTL); err != nil {
		return "", fmt.Errorf("strategy: one-time: issue: %w", err)
	}
	return token, nil
}

// Redeem returns the user for whom token was issued. Of several calls at once one
// succeeds. The error wraps [ErrUnauthenticated] for a token that is unknown, used, too
// old or of another purpose; any other is an outage, after which the token may be used
// up.
func (o *OneTime) Redeem(ctx context.Context, token string) (user string, err error) {
	if !isToken(token) {
		return "", errNoToken
	}
	v, ok, err := o.cfg.Tokens.Take(ctx, o.key(token))
	if err != nil {
		return "", fmt.Errorf("strategy: one-time: redeem: %w", err)
	}
	if !ok {
		return "", errNoToken
	}
	return string(v), nil
}

var errNoToken = fmt.Errorf("%w: the token is unknown, used or too old", ErrUnauthenticated)

func (o *OneTime) key(token string) string { return "onetime:" + hashOf(o.cfg.Purpose, token) }
