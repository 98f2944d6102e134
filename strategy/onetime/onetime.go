package onetime

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
type Tokens struct {
	cfg   Config
	links bool // they are those of Links, with an address in each token
}

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
	return &Tokens{cfg: cfg}, nil
}

// Issue returns a new token for user, 32 characters that need no escaping in a URL.
// user is what Redeem will return: any text, such as an id. It is kept with the token, and not in the
// link. Tokens issued before stay valid. Any error is an outage. [Links.Issue] makes tokens that end with a
// change of the password or of the address.
func (o *Tokens) Issue(ctx context.Context, user string) (string, error) {
	return o.issue(ctx, "", user)
}

// issue returns a new token with a suffix of base64url that is valid with it alone.
func (o *Tokens) issue(ctx context.Context, suffix, user string) (string, error) {
	s := token.New() + suffix
	if err := o.put(ctx, s, kept{time.Now().Add(o.cfg.TTL), user}); err != nil {
		return "", fmt.Errorf("onetime: issue: %w", err)
	}
	return s, nil
}

// Redeem returns the user for whom the token that was sent was issued. If several calls with the
// same token run at the same time, one succeeds. The error wraps [strategy.ErrUnauthenticated]
// for a token that is unknown, used, too old or of another purpose; any other error is an outage,
// after which the token may be used up.
func (o *Tokens) Redeem(ctx context.Context, sent string) (user string, err error) {
	k, err := o.take(ctx, sent)
	return k.user, err
}

// Use is Redeem for work that may fail, such as hashing the password that was chosen behind a link. It
// calls work with the user. If that returns an error which does not wrap
// [strategy.ErrUnauthenticated], such as [strategy.ErrBusy], the token is put back: it can be used
// once in the time that it had left. So work must not mind being repeated. The error is that of Redeem or of
// work; if the token could not be put back, it says so too.
//
// The context of work has the values of ctx. It ends after a minute, or before that at the deadline of ctx,
// such as that of http.TimeoutHandler, but not when ctx is canceled: the second of two clicks breaks the first
// request off, and has to find the work done. Work that uses ctx itself, and fails because that is canceled,
// uses the token up: a client that leaves again and again could have it done without end.
func (o *Tokens) Use(ctx context.Context, sent string, work func(ctx context.Context, user string) error) error {
	going, stop := withoutCancel(ctx)
	defer stop()
	k, err := o.take(going, sent)
	if err != nil {
		return err
	}
	err = work(going, k.user)
	switch {
	case err == nil, errors.Is(err, strategy.ErrUnauthenticated):
		return err
	case errors.Is(err, context.Canceled) && errors.Is(ctx.Err(), context.Canceled):
		return err
	}
	if lost := o.put(context.WithoutCancel(ctx), sent, k); lost != nil { // the deadline may be over
		err = errors.Join(err, fmt.Errorf("onetime: put the token back: %w", lost))
	}
	return err
}

// workTime is the time limit of work that the client does not wait for any more.
const workTime = time.Minute

// withoutCancel returns a context with the values of ctx which ends at its deadline, and after workTime at the
// latest, but not when ctx is canceled.
func withoutCancel(ctx context.Context) (context.Context, context.CancelFunc) {
	end := time.Now().Add(workTime)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(end) {
		end = deadline
	}
	return context.WithDeadline(context.WithoutCancel(ctx), end)
}

var errNoToken = fmt.Errorf("%w: the token is unknown, used or too old", strategy.ErrUnauthenticated)

// kept is what is kept under a token's hash: the time at which it ends, in milliseconds, a space, and the
// user.
type kept struct {
	ends time.Time
	user string
}

// put keeps k until it ends.
func (o *Tokens) put(ctx context.Context, s string, k kept) error {
	left := min(time.Until(k.ends), o.cfg.TTL) // also if this clock is behind that of Issue
	if left < time.Millisecond {               // the least that Tokens take
		return nil
	}
	v := strconv.AppendInt(nil, k.ends.UnixMilli(), 10)
	v = append(append(v, ' '), k.user...)
	return o.cfg.Tokens.Put(ctx, o.key(s), v, left)
}

// take removes what is kept under a token. The error wraps [strategy.ErrUnauthenticated] if there is
// nothing.
func (o *Tokens) take(ctx context.Context, sent string) (kept, error) {
	if suffix, ok := suffixOf(sent); !ok || (suffix != "") != o.links {
		return kept{}, errNoToken
	}
	v, ok, err := o.cfg.Tokens.Take(ctx, o.key(sent))
	if err != nil {
		return kept{}, fmt.Errorf("onetime: redeem: %w", err)
	}
	if !ok {
		return kept{}, errNoToken
	}
	ends, user, _ := strings.Cut(string(v), " ")
	ms, err := strconv.ParseInt(ends, 10, 64)
	if err != nil {
		return kept{}, errors.New("onetime: redeem: what is kept under the token was not put there by this package")
	}
	return kept{time.UnixMilli(ms), user}, nil
}

// key is not that of earlier versions, which kept the user alone.
func (o *Tokens) key(s string) string { return "onetime2:" + token.Hash(o.cfg.Purpose, s) }
