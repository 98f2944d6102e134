package refresh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/bounded"
	"github.com/seed-6f34412b/passport/strategy/internal/rotating"
)

// Config is what [New] needs. Cells must be set.
type Config struct {
	// Cells stores the families, such as the Cells of store.Redis, store.Memory or sqlstore.New.
	Cells strategy.Cells

	// IdleTimeout ends a family that was not rotated for this long. Zero means 14 days.
	IdleTimeout time.Duration

	// AbsoluteTimeout ends a family this long after its log-in, even if it is used.
	// Zero means 90 days; at most 400.
	AbsoluteTimeout time.Duration

	// Grace is how long a replaced token still gets the same successor, even if that was
	// used meanwhile. After that it gets a new successor, as long as the first was not
	// used. Zero means 10 seconds; at most a minute. Negative means that the second use of
	// any token ends the family: then a lost answer logs the user out.
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

// Grant is what the application knows of a family. Rotate returns it each time.
type Grant struct {
	Subject  string          `json:"subject"`            // the id of the user; not empty
	AuthTime time.Time       `json:"auth_time,omitzero"` // when the user proved who they are
	Data     json.RawMessage `json:"data,omitzero"`      // JSON for the application: scopes, a device's name
}

// ErrInvalid is returned by Rotate for a token that is malformed, unknown, expired, or
// of a family that has ended. It wraps strategy.ErrUnauthenticated: guards answer 401.
var ErrInvalid = fmt.Errorf("refresh: not a token in use: %w", strategy.ErrUnauthenticated)

// ErrReused is returned by Rotate, once, for a token whose successor was used or
// replaced. The same call has ended the family. It wraps ErrInvalid.
var ErrReused = fmt.Errorf("refresh: the token was replaced before, so its family is ended: %w", ErrInvalid)

// Tokens issues, rotates and revokes refresh tokens. New makes one; it is safe for
// concurrent use, also by several processes that share the Cells.
type Tokens struct {
	log      *slog.Logger
	rotating *rotating.Tokens
}

// New returns Tokens over cfg.Cells. The error names every mistake at once.
func New(cfg Config) (*Tokens, error) {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("refresh: new: "+format, args...))
	}
	if strategy.IsNilUser(cfg.Cells) {
		wrong("Cells is nil: give one that keeps the tokens' hashes, such as that of store.Redis")
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
	return &Tokens{cfg.Logger, rotating.New(rotating.Config{
		Cells: bounded.Cells(cfg.Cells), Kind: "refresh", IdleTimeout: cfg.IdleTimeout, MaxAge: cfg.AbsoluteTimeout, Grace: cfg.Grace,
	})}, nil
}

// Issue begins a family for grant and returns its first token, whose characters fit into
// a header, a cookie and a form. The error says that the subject is empty or that Data
// is not JSON; any other is an outage. After an error no token is in use.
func (t *Tokens) Issue(ctx context.Context, grant Grant) (string, error) {
	if grant.Subject == "" {
		return "", errors.New("refresh: issue: Grant.Subject is empty: give the user's id")
	}
	data, err := json.Marshal(grant)
	if err != nil {
		return "", fmt.Errorf("refresh: issue: %w", err)
	}
	_, token, err := t.rotating.Begin(ctx, grant.Subject, data)
	if err != nil {
		return "", fmt.Errorf("refresh: issue: %w", err)
	}
	return token, nil
}

// Rotate exchanges a token for the next one of its family, and returns the family's
// Grant. Look the user up by Grant.Subject, and call [Tokens.Revoke] with next if they
// are gone.
//
// A token that names a family but has a secret that the family never had counts as
// replaced. The error is ErrInvalid, or ErrReused (and ErrInvalid the next time); any other
// is an outage, and the client may try again with the same token.
func (t *Tokens) Rotate(ctx context.Context, token string) (grant Grant, next string, err error) {
	series, next, err := t.rotating.Use(ctx, token)
	if reused, ok := errors.AsType[*rotating.Reused](err); ok {
		t.log.WarnContext(ctx, "refresh: a replaced token was used again, so its family is ended", "subject", reused.Series.Owner)
		if _, _, err = t.rotating.End(ctx, reused.Series.Name); err == nil {
			return Grant{}, "", ErrReused
		}
	}
	if err == nil && json.Unmarshal(series.Data, &grant) != nil {
		err = rotating.ErrMalformed
	}
	if errors.Is(err, rotating.ErrMalformed) {
		t.log.ErrorContext(ctx, "refresh: the record of a family is malformed")
	}
	switch {
	case errors.Is(err, rotating.ErrUnknown):
		return Grant{}, "", ErrInvalid
	case err != nil:
		return Grant{}, "", fmt.Errorf("refresh: rotate: %w", err)
	}
	return grant, next, nil
}

// Revoke ends the family of token: log-out (RFC 7009). It is no error if the token is
// not in use or was replaced (§2.2). Any error is an outage: then the family may go on.
func (t *Tokens) Revoke(ctx context.Context, token string) error {
	name, ok := rotating.Name(token)
	if !ok {
		return nil
	}
	if _, _, err := t.rotating.End(ctx, name); err != nil {
		return fmt.Errorf("refresh: revoke: %w", err)
	}
	return nil
}

// RevokeAll ends every family of subject that was issued before the call: call it after
// a change of password. Any error is an outage: then they may go on.
func (t *Tokens) RevokeAll(ctx context.Context, subject string) error {
	if err := t.rotating.EndAll(ctx, subject); err != nil {
		return fmt.Errorf("refresh: revoke all: %w", err)
	}
	return nil
}
