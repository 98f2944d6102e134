package onetime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/bounded"
	"github.com/seed-6f34412b/passport/strategy/internal/token"
)

// Config is what [New] needs.
type Config struct {
	// Tokens stores them, as hashes only: that of store.Redis or of store.Memory.
	Tokens strategy.Tokens
	// Purpose is what the tokens are for, such as "password reset"; required. A token
	// of one purpose is not valid for another, also in the same Tokens.
	Purpose string
	// TTL is how long a token is valid; zero means 10 minutes, the longest that NIST SP
	// 800-63B-4 §3.1.3.2 allows for a code sent to the user. At most 24 hours.
	TTL time.Duration
}

// Tokens makes tokens that are valid once and for a short time, for one user and one
// purpose: for links that are mailed, to log in, to reset a password, to confirm an
// address. A token has 192 random bits. It is made by [New] and safe for concurrent
// use.
type Tokens struct{ cfg Config }

const (
	defaultTTL = 10 * time.Minute
	maxTTL     = 24 * time.Hour
)

// New returns every mistake in cfg at once.
func New(cfg Config) (*Tokens, error) {
	if cfg.TTL == 0 {
		cfg.TTL = defaultTTL
	}
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("onetime: new: "+format, args...))
	}
	if strategy.IsNilUser(cfg.Tokens) {
		wrong("Tokens is nil: give one that keeps them, such as that of store.Redis")
	}
	if cfg.Purpose == "" {
		wrong("Purpose is empty: say what the tokens are good for")
	}
	if cfg.TTL < time.Millisecond || cfg.TTL > maxTTL {
		wrong("TTL is %v: want a millisecond to 24 hours, or 0 for 10 minutes", cfg.TTL)
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	cfg.Tokens = bounded.Tokens(cfg.Tokens)
	return &Tokens{cfg}, nil
}

// Issue returns a new token for user, 32 characters that need no escaping in a URL.
// user is what Redeem will return: any text, such as an id. It is kept with the token, and not in the
// link. For a value of another type there is [IssueValue]. To make a token end with a password change,
// put a stamp of the password into user; to make it end with a change of the address, put the address
// into it. Tokens issued before stay valid. Any error is an outage.
func (o *Tokens) Issue(ctx context.Context, user string) (string, error) {
	s := token.New()
	if err := o.cfg.Tokens.Put(ctx, o.key(s), []byte(user), o.cfg.TTL); err != nil {
		return "", fmt.Errorf("onetime: issue: %w", err)
	}
	return s, nil
}

// Redeem returns the user for whom the token that was sent was issued. If several calls with the
// same token run at the same time, one succeeds. The error wraps [strategy.ErrUnauthenticated]
// for a token that is unknown, used, too old or of another purpose; any other error is an outage,
// after which the token may be used up.
func (o *Tokens) Redeem(ctx context.Context, sent string) (user string, err error) {
	if !token.Valid(sent) {
		return "", errNoToken
	}
	v, ok, err := o.cfg.Tokens.Take(ctx, o.key(sent))
	if err != nil {
		return "", fmt.Errorf("onetime: redeem: %w", err)
	}
	if !ok {
		return "", errNoToken
	}
	return string(v), nil
}

var errNoToken = fmt.Errorf("%w: the token is unknown, used or too old", strategy.ErrUnauthenticated)

func (o *Tokens) key(s string) string { return "onetime:" + token.Hash(o.cfg.Purpose, s) }
