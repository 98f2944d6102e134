package strategy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// MagicLinkConfig is what [NewMagicLink] needs.
type MagicLinkConfig struct {
	// Tokens makes and checks the tokens; required, with a Purpose of its own.
	Tokens *OneTime
	// Field is the field of the body with the token; empty means "token".
	Field string
	// Name is the strategy's name; empty means "magic-link".
	Name string
}

// MagicLink logs in by a token that was mailed to the user: passport-magic-link's
// Strategy. It is made by [NewMagicLink] and safe for concurrent use.
//
// The token is read from the body of a POST, by the rules of [LocalStrategy], and from
// nowhere else: scanners of mail and previews of messengers follow every link, and must
// not use the token up. So the link leads to a page with a button that posts the token
// that is in the page's URL; the page answers with Referrer-Policy: no-referrer and says
// whose account it is, or a link from a stranger would log a visitor into the
// stranger's account. To mail a link, call [OneTime.Issue]; answer the same whether or
// not the address has an account, and put a [Throttle] or a limit of your own before it.
//
// NIST SP 800-63B-4 §3.1.3.1 and, at level 3, OWASP ASVS 5.0, 6.3.6 do not accept mail as
// an authenticator. OWASP ASVS 5.0, 6.6.2 wants the link to work only where it was asked
// for: put a value of that browser's session into what Issue is given, and compare it in
// find.
type MagicLink[U any] struct {
	body   *LocalStrategy[U]
	tokens *OneTime
	find   func(ctx context.Context, user string) (U, error)
}

var _ Strategy[any] = (*MagicLink[any])(nil)

// NewMagicLink returns every mistake in cfg at once. find returns the user whom
// [OneTime.Issue] was given; an error that wraps [ErrUnauthenticated] refuses one who is
// gone or disabled, any other is an outage. It is asked after the token is used up.
func NewMagicLink[U any](cfg MagicLinkConfig, find func(ctx context.Context, user string) (U, error)) (*MagicLink[U], error) {
	if cfg.Field == "" {
		cfg.Field = "token"
	}
	if cfg.Name == "" {
		cfg.Name = "magic-link"
	}
	var mistakes []error
	if cfg.Tokens == nil {
		mistakes = append(mistakes, errors.New("strategy: new magic link: Tokens is nil: make them by NewOneTime"))
	}
	if find == nil {
		mistakes = append(mistakes, errors.New("strategy: new magic link: find is nil: pass the function that finds the user"))
	}
	body, err := oneField[U]("new magic link", cfg.Name, cfg.Field)
	mistakes = append(mistakes, err)
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	return &MagicLink[U]{body, cfg.Tokens, find}, nil
}

// oneField returns a reader of bodies with one credential, which it finds as both of
// LocalStrategy's.
func oneField[U any](verb, name, fieldName string) (*LocalStrategy[U], error) {
	f, err := parseField(fieldName)
	switch {
	case err != nil:
		return nil, fmt.Errorf("strategy: %s: Field %q: %w: name it like token or user[token]", verb, fieldName, err)
	case reserved(name):
		return nil, fmt.Errorf("strategy: %s: Name %q is reserved: choose another", verb, name)
	}
	return &LocalStrategy[U]{name: name, fields: fields{f, f}, maxBody: defaultMaxBody}, nil
}

// Name implements [Strategy].
func (s *MagicLink[U]) Name() string { return s.body.name }

// Authenticate implements [Strategy]. Beside those of [OneTime.Redeem] and of find, its
// errors are those of [LocalStrategy.Authenticate] for a body that is not readable, and
// a [*Failure] with status 405 for a method other than POST.
func (s *MagicLink[U]) Authenticate(_ http.ResponseWriter, r *http.Request) (U, error) {
	var nobody U
	if r.Method != http.MethodPost {
		return nobody, refused(http.StatusMethodNotAllowed, "a one-time token is taken from a POST only")
	}
	sent, err := s.body.credentials(r)
	if err != nil {
		return nobody, err
	}
	id, err := s.tokens.Redeem(r.Context(), sent.email)
	if err != nil {
		return nobody, err
	}
	user, err := s.find(r.Context(), id)
	if err != nil {
		return nobody, fmt.Errorf("strategy: %s: find user: %w", s.Name(), err)
	}
	return checked(s.Name(), user)
}

// Claims implements [Claimant]: a token names no account, so attempts are counted by
// address.
func (s *MagicLink[U]) Claims(r *http.Request) (account string, ok bool) {
	if r.Method != http.MethodPost {
		return "", false
	}
	_, err := s.body.credentials(r)
	return "", err == nil
}
