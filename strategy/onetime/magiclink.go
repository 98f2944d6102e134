package onetime

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-6f34412b/passport/internal/norows"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/body"
)

// MagicLinkConfig is what [NewMagicLink] needs.
type MagicLinkConfig struct {
	// Tokens makes and checks the tokens; required, with a Purpose of its own.
	Tokens *Tokens
	// Field is the field of the body with the token; empty means "token".
	Field string
	// Name is the strategy's name; empty means "magic-link".
	Name string
}

// MagicLink logs in by a token that was mailed to the user: passport-magic-link's
// Strategy. It is made by [NewMagicLink] and safe for concurrent use.
//
// The token is read from the body of a POST, by the rules of [strategy.LocalStrategy], and from
// nowhere else: scanners of mail and previews of messengers follow every link, and must not use
// up the token. So the link leads to a page with a button that posts the token that is in the
// page's URL; the page answers with Referrer-Policy: no-referrer and says whose account it is,
// since an attacker could mail a link that logs the visitor into the attacker's account. To
// mail a link, call [Tokens.Issue]; answer the same whether or not the address has an account,
// and put a throttle.Throttle or a limit of your own before it.
//
// NIST SP 800-63B-4 §3.1.3.1 and, at level 3, OWASP ASVS 5.0, 6.3.6 do not accept mail as
// an authenticator. OWASP ASVS 5.0, 6.6.2 wants the link to work only where it was asked
// for: use [Links.Strategy], with LinksConfig.Bind.
type MagicLink[U any] struct {
	name   string
	body   *body.Reader
	tokens *Tokens
	find   func(ctx context.Context, user string) (U, error)
}

var _ strategy.Strategy[any] = (*MagicLink[any])(nil)

// NewMagicLink returns every mistake in cfg at once. find returns the user whom
// [Tokens.Issue] was given; an error that wraps [strategy.ErrUnauthenticated] refuses one
// who is gone or disabled, any other is an outage, which does not use the link up: see [Tokens.Use].
func NewMagicLink[U any](cfg MagicLinkConfig, find func(ctx context.Context, user string) (U, error)) (*MagicLink[U], error) {
	if cfg.Field == "" {
		cfg.Field = "token"
	}
	if cfg.Name == "" {
		cfg.Name = "magic-link"
	}
	var mistakes []error
	if cfg.Tokens == nil {
		mistakes = append(mistakes, errors.New("onetime: new magic link: Tokens is nil: make them by New"))
	}
	if find == nil {
		mistakes = append(mistakes, errors.New("onetime: new magic link: find is nil: pass the function that finds the user"))
	}
	if strategy.ReservedName(cfg.Name) {
		mistakes = append(mistakes, fmt.Errorf("onetime: new magic link: Name %q is reserved: choose another", cfg.Name))
	}
	reader, err := body.One(cfg.Field, refuse)
	if err != nil {
		mistakes = append(mistakes, fmt.Errorf("onetime: new magic link: %w", err))
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	return &MagicLink[U]{cfg.Name, reader, cfg.Tokens, find}, nil
}

func refuse(status int, reason string, malformed bool) error {
	return &strategy.Failure{Status: status, Reason: reason, Malformed: malformed}
}

// Name implements [strategy.Strategy].
func (s *MagicLink[U]) Name() string { return s.name }

// Authenticate implements [strategy.Strategy]. Beside those of [Tokens.Redeem] and of
// find, its errors are those of [strategy.LocalStrategy] for a body that is not readable,
// and a [*strategy.Failure] with status 405 for a method other than POST.
func (s *MagicLink[U]) Authenticate(_ http.ResponseWriter, r *http.Request) (U, error) {
	var nobody U
	if r.Method != http.MethodPost {
		return nobody, fmt.Errorf("%w: a one-time token is taken from a POST only", refuse(http.StatusMethodNotAllowed, "", false))
	}
	sent, err := s.body.Read(r)
	if err != nil {
		return nobody, err
	}
	user := nobody
	err = s.tokens.Use(r.Context(), sent[0], func(ctx context.Context, id string) (err error) {
		if user, err = s.find(ctx, id); err != nil {
			err = fmt.Errorf("onetime: %s: find user: %w", s.Name(), norows.Hint(err, "for a user who is gone, find returns an error that wraps strategy.ErrUnauthenticated"))
		}
		return err
	})
	if err != nil {
		return nobody, err
	}
	return strategy.CheckUser(s.Name(), user)
}

// Claims implements [strategy.Claimant]: a token names no account, so attempts are
// counted by address.
func (s *MagicLink[U]) Claims(r *http.Request) (account string, ok bool, err error) {
	if r.Method != http.MethodPost {
		return "", false, nil
	}
	if _, err = s.body.Read(r); errors.Is(err, strategy.ErrUnauthenticated) {
		return "", false, nil
	}
	return "", err == nil, err
}
