package refresh

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
)

// Config says how Tokens works. Cells must be set.
type Config struct {
	// Cells keeps the families: store.NewRedisCells or store.NewMemoryCells.
	Cells strategy.Cells

	// IdleTimeout ends a family that was not rotated for so long. Zero means 14 days.
	IdleTimeout time.Duration

	// AbsoluteTimeout ends a family so long after its log-in, however busy it is. Zero
	// means 90 days; at most 400.
	AbsoluteTimeout time.Duration

	// Grace is for how long a replaced token gets the successor that it got before.
	// Zero means 10 seconds. Negative means none: then a lost answer logs the user out.
	Grace time.Duration

	// Logger gets a warning when a token is used again. Nil means slog.Default().
	Logger *slog.Logger
}

const (
	defaultIdle     = 14 * 24 * time.Hour
	defaultAbsolute = 90 * 24 * time.Hour
	maxAbsolute     = 400 * 24 * time.Hour
	defaultGrace    = 10 * time.Second
)

// Grant is what a family stands for, and what the application gets back at each
// rotation.
type Grant struct {
	Subject  string          `json:"subject"`            // the id of the user; not empty
	AuthTime time.Time       `json:"auth_time,omitzero"` // when the user proved who they are
	Data     json.RawMessage `json:"data,omitzero"`      // JSON for the application: scopes, a device's name
}

// ErrInvalid is returned by Rotate for a token that is malformed, unknown, expired, or
// of a family that has ended. It wraps strategy.ErrUnauthenticated: guards answer 401.
var ErrInvalid = fmt.Errorf("refresh: not a token in use: %w", strategy.ErrUnauthenticated)

// ErrReused is returned by Rotate for a token that was replaced before, once: its
// family has ended with the same call. It wraps ErrInvalid.
var ErrReused = fmt.Errorf("refresh: replaced before: the family is ended: %w", ErrInvalid)

// Tokens hands out refresh tokens and takes them back. It is made by [New] and safe for
// concurrent use, also by several processes that share the Cells.
type Tokens struct{ cfg Config }

// New returns Tokens over cfg.Cells. The error names every mistake at once.
func New(cfg Config) (*Tokens, error) {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("refresh: new: "+format, args...))
	}
	if strategy.NoUser(cfg.Cells) {
		wrong("Cells is nil: give one that keeps the tokens' hashes, such as store.NewRedisCells")
	}
	if cfg.IdleTimeout == 0 {
		cfg.IdleTimeout = defaultIdle
	}
	if cfg.AbsoluteTimeout == 0 {
		cfg.AbsoluteTimeout = defaultAbsolute
	}
	if cfg.IdleTimeout < time.Second || cfg.AbsoluteTimeout < time.Second {
		wrong("IdleTimeout %v and AbsoluteTimeout %v: give a second or more, or 0 for %v and %v", cfg.IdleTimeout, cfg.AbsoluteTimeout, defaultIdle, defaultAbsolute)
	}
	if cfg.AbsoluteTimeout > maxAbsolute || cfg.IdleTimeout > maxAbsolute {
		wrong("IdleTimeout %v and AbsoluteTimeout %v: give at most %v, which is 400 days", cfg.IdleTimeout, cfg.AbsoluteTimeout, maxAbsolute)
	}
	if cfg.Grace == 0 {
		cfg.Grace = defaultGrace
	}
	if cfg.Grace > time.Minute {
		wrong("Grace is %v: a stolen token works that long: give a minute at most", cfg.Grace)
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Tokens{cfg}, nil
}

// Issue begins a family for grant and returns its first token, in characters that fit
// a header, a cookie and a form. The error says that the subject is empty or Data no
// JSON, or is an outage; then no token is in use.
func (t *Tokens) Issue(ctx context.Context, grant Grant) (string, error) {
	if grant.Subject == "" {
		return "", errors.New("refresh: issue: the subject is empty")
	}
	era, err := t.era(ctx, grant.Subject)
	if err != nil {
		return "", fmt.Errorf("refresh: issue: %w", err)
	}
	now, p := time.Now(), fresh()
	data, err := json.Marshal(&record{Grant: grant, Born: now, Until: now.Add(t.cfg.AbsoluteTimeout), Era: era, Current: hash(p.secret)})
	if err != nil {
		return "", fmt.Errorf("refresh: issue: %w", err)
	}
	_, swapped, err := t.cfg.Cells.Swap(ctx, p.key, nil, data, min(t.cfg.IdleTimeout, t.cfg.AbsoluteTimeout))
	if err == nil && !swapped {
		err = errors.New("the random name is taken")
	}
	if err != nil {
		return "", fmt.Errorf("refresh: issue: %w", err)
	}
	return p.token(p.secret), nil
}

// era returns the subject's present one, nil if none ended lately, and keeps it for as
// long as a family that begins now.
func (t *Tokens) era(ctx context.Context, subject string) ([]byte, error) {
	era, err := t.cfg.Cells.Load(ctx, eraKey(subject))
	for err == nil && era != nil {
		found, swapped, swapErr := t.cfg.Cells.Swap(ctx, eraKey(subject), era, era, t.cfg.AbsoluteTimeout)
		if swapped {
			break
		}
		era, err = found, swapErr
	}
	return era, err
}

// Rotate exchanges a token for the next one of its family, and says what the family
// stands for. Look the user up by Grant.Subject, and call [Tokens.Revoke] with next if
// they are gone.
//
// A token with the name of a family and a secret that was never its counts as one that
// was replaced. The error is ErrInvalid, ErrReused (and ErrInvalid the next time), or
// an outage: then the client may try again with the same token within Grace.
func (t *Tokens) Rotate(ctx context.Context, token string) (grant Grant, next string, err error) {
	p, ok := parse(token)
	if !ok {
		return Grant{}, "", ErrInvalid
	}
	data, err := t.cfg.Cells.Load(ctx, p.key)
	for err == nil {
		var done bool
		if grant, next, data, done, err = t.rotate(ctx, p, data); done {
			return grant, next, nil
		}
	}
	if !errors.Is(err, ErrInvalid) {
		err = fmt.Errorf("refresh: rotate: %w", err)
	}
	return Grant{}, "", err
}

// rotate decides by data, what is kept of p's family. When another request changed
// that meanwhile, it is not done and returns what is there now.
func (t *Tokens) rotate(ctx context.Context, p presented, data []byte) (grant Grant, next string, found []byte, done bool, err error) {
	r, err := t.alive(ctx, data)
	if err != nil {
		return Grant{}, "", nil, false, err
	}
	now := time.Now()
	if p.is(r.Previous) && now.Sub(r.Rotated) < t.cfg.Grace {
		return r.Grant, p.token(p.successor(r.Nonce)), nil, true, nil
	}
	if !p.is(r.Current) {
		t.cfg.Logger.WarnContext(ctx, "refresh: a replaced token was used again: its family is ended", "subject", r.Grant.Subject)
		if err := t.end(ctx, p.key, data); err != nil {
			return Grant{}, "", nil, false, err
		}
		return Grant{}, "", nil, false, ErrReused
	}
	r.Nonce = random()
	secret := p.successor(r.Nonce)
	r.Previous, r.Current, r.Rotated = r.Current, hash(secret), now
	rotated, err := json.Marshal(r)
	if err != nil {
		return Grant{}, "", nil, false, err
	}
	found, swapped, err := t.cfg.Cells.Swap(ctx, p.key, data, rotated, min(t.cfg.IdleTimeout, t.left(r, now)))
	return r.Grant, p.token(secret), found, swapped && err == nil, err
}

// alive reads data, or returns ErrInvalid for a family that has ended.
func (t *Tokens) alive(ctx context.Context, data []byte) (*record, error) {
	if data == nil {
		return nil, ErrInvalid
	}
	r, err := decodeRecord(data)
	if err != nil {
		t.cfg.Logger.ErrorContext(ctx, err.Error())
		return nil, ErrInvalid
	}
	if t.left(r, time.Now()) < time.Millisecond {
		return nil, ErrInvalid
	}
	era, err := t.cfg.Cells.Load(ctx, eraKey(r.Grant.Subject))
	if err == nil && !bytes.Equal(era, r.Era) {
		err = ErrInvalid
	}
	return r, err
}

// left returns how long the family may live. A shorter AbsoluteTimeout than that of
// its log-in counts at once.
func (t *Tokens) left(r *record, now time.Time) time.Duration {
	return min(r.Until.Sub(now), r.Born.Add(t.cfg.AbsoluteTimeout).Sub(now))
}

// Revoke ends the family of token: log-out (RFC 7009). A token that is not in use, and
// one that was replaced, are no error (§2.2). Any error is an outage: then the family
// may go on.
func (t *Tokens) Revoke(ctx context.Context, token string) error {
	p, ok := parse(token)
	if !ok {
		return nil
	}
	data, err := t.cfg.Cells.Load(ctx, p.key)
	if err == nil {
		err = t.end(ctx, p.key, data)
	}
	if err != nil {
		return fmt.Errorf("refresh: revoke: %w", err)
	}
	return nil
}

// end removes a family, of which data was there a moment ago.
func (t *Tokens) end(ctx context.Context, key string, data []byte) error {
	for data != nil {
		found, swapped, err := t.cfg.Cells.Swap(ctx, key, data, nil, time.Millisecond)
		if err != nil || swapped {
			return err
		}
		data = found
	}
	return nil
}

// RevokeAll ends every family of subject that was issued before the call, as after a
// change of password. Any error is an outage: then they may go on.
func (t *Tokens) RevokeAll(ctx context.Context, subject string) error {
	era := random()
	old, err := t.cfg.Cells.Load(ctx, eraKey(subject))
	for err == nil {
		found, swapped, swapErr := t.cfg.Cells.Swap(ctx, eraKey(subject), old, era, t.cfg.AbsoluteTimeout)
		if swapErr == nil && (swapped || bytes.Equal(found, era)) { // found: its own, the answer lost
			return nil
		}
		old, err = found, swapErr
	}
	return fmt.Errorf("refresh: revoke all: %w", err)
}
