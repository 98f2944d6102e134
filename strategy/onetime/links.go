package onetime

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"time"

	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/token"
)

// LinksConfig is what [NewLinks] needs.
type LinksConfig[U any] struct {
	// Tokens, Purpose and TTL are those of [Config].
	Tokens  strategy.Tokens
	Purpose string
	TTL     time.Duration
	// Users finds the user of a link; required. A link ends when the user's stamp changes: with the password,
	// and with the address if the stamp has that too. A stamp is an HMAC, and not what it is made of:
	//
	//	serializer.WithStamp(byID, func(u *User) string { return u.PasswordHash + u.Email })
	Users *serializer.Stamped[U]
	// Bind returns what a link is bound to besides the address and the user, such as session.Binding for the
	// browser that asked for it; Issue and Use must agree. Nil binds to nothing: for links that people also
	// open on another device. An error is an outage, and so is "".
	Bind func(ctx context.Context) (string, error)
}

// Links makes the tokens of mailed links. A token contains the address for which it was issued, which
// [Address] reads for the page behind the link, and is not valid with another one. Otherwise an attacker could
// mail their own link in somebody else's name: whoever used it would act on the attacker's account. It is made
// by [NewLinks] and safe for concurrent use.
//
// Scanners of mail follow links. So let the link lead to a page that says what it is for and whose address it
// has, with a form that posts the token, and answer with Referrer-Policy: no-referrer or same-origin.
type Links[U any] struct {
	cfg    LinksConfig[U]
	tokens *Tokens
}

// NewLinks returns every mistake in cfg at once.
func NewLinks[U any](cfg LinksConfig[U]) (*Links[U], error) {
	tokens, err := New(Config{Tokens: cfg.Tokens, Purpose: cfg.Purpose, TTL: cfg.TTL})
	if cfg.Users == nil {
		err = errors.Join(err, errors.New("onetime: new links: Users is nil: make them by serializer.WithStamp"))
	}
	if err != nil {
		return nil, err
	}
	tokens.links = true
	return &Links[U]{cfg, tokens}, nil
}

// mailed is what is kept with the token of a link, as JSON.
type mailed struct {
	User  []byte `json:"user,omitempty"` // the JSON of Users, as it was written; absent for nobody
	Stamp string `json:"stamp,omitempty"`
	Bound string `json:"bound,omitempty"`
}

// Issue returns the token of a link that is to be mailed, text that needs no escaping in a URL: to log in or to
// reset a password with the user's own address, to change it with the new one. user is nil if nobody has the
// address: for that U has to be a pointer. An answer must not tell whether anybody has it: so also issue a link
// that is not mailed, since that takes time, and put a throttle.Throttle or a limit of your own before it. The
// error says that the text is no address, or is an outage.
func (l *Links[U]) Issue(ctx context.Context, address string, user U) (string, error) {
	suffix := base64.RawURLEncoding.EncodeToString([]byte(address))
	if !IsAddress(address) {
		return "", errors.New("onetime: issue: this is not an e-mail address: check it before")
	}
	var m mailed
	var err error
	if m.Bound, err = l.bound(ctx); err == nil && !strategy.IsNilUser(user) {
		if m.User, err = l.cfg.Users.Serialize(ctx, user); err == nil {
			m.Stamp = l.cfg.Users.Stamp(user, m.User)
		}
	}
	if err != nil {
		return "", fmt.Errorf("onetime: issue: %w", err)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("onetime: issue: %w", err)
	}
	return l.tokens.issue(ctx, suffix, string(text))
}

// Use calls work with the address and the user for whom the token that was sent was issued; the user is the
// zero value if nobody had the address. It is [Tokens.Use]: the token is valid once, is put back if work, Users
// or Bind fails by an outage, and ctx does not end when the browser leaves. The error wraps
// [strategy.ErrUnauthenticated] also if the user is gone, has another stamp, or if Bind returns something else
// than for Issue.
func (l *Links[U]) Use(
	ctx context.Context, sent string, work func(ctx context.Context, address string, user U) error,
) error {
	return l.tokens.Use(ctx, sent, func(ctx context.Context, text string) error {
		user, err := l.find(ctx, text)
		if err != nil {
			return err
		}
		return work(ctx, Address(sent), user)
	})
}

// Strategy returns the strategy that logs in by one of the links. cfg.Tokens is not used. A link of nobody is
// refused.
func (l *Links[U]) Strategy(cfg MagicLinkConfig) (*MagicLink[U], error) {
	cfg.Tokens = l.tokens
	return NewMagicLink(cfg, func(ctx context.Context, text string) (U, error) {
		user, err := l.find(ctx, text)
		if err == nil && strategy.IsNilUser(user) {
			err = strategy.ErrUnauthenticated
		}
		return user, err
	})
}

// find returns the user of a link from what is kept with its token.
func (l *Links[U]) find(ctx context.Context, text string) (U, error) {
	var m mailed
	var user U
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return user, errors.New("onetime: use: what is kept under the token was not put there by Links.Issue")
	}
	bound, err := l.bound(ctx)
	if err != nil {
		return user, fmt.Errorf("onetime: use: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(bound), []byte(m.Bound)) != 1 {
		return user, fmt.Errorf("%w: the link was asked for elsewhere", strategy.ErrUnauthenticated)
	}
	if m.User == nil {
		return user, nil
	}
	switch user, err = l.cfg.Users.Deserialize(ctx, m.User); {
	case errors.Is(err, serializer.ErrUserGone):
		err = fmt.Errorf("%w: the user of the link is gone", strategy.ErrUnauthenticated)
	case err != nil:
		err = fmt.Errorf("onetime: use: %w", err)
	case strategy.IsNilUser(user):
		err = errors.New("onetime: use: Users found a nil user: return serializer.ErrUserGone for a user who is gone")
	case subtle.ConstantTimeCompare([]byte(l.cfg.Users.Stamp(user, m.User)), []byte(m.Stamp)) != 1:
		err = fmt.Errorf("%w: the user of the link has another stamp now", strategy.ErrUnauthenticated)
	}
	if err != nil {
		var nobody U
		return nobody, err
	}
	return user, nil
}

// bound returns what Bind does, or "" if there is no Bind.
func (l *Links[U]) bound(ctx context.Context) (string, error) {
	if l.cfg.Bind == nil {
		return "", nil
	}
	text, err := l.cfg.Bind(ctx)
	if err == nil && text == "" {
		err = errors.New("there is nothing to bind the link to: Bind returned no text")
	}
	return text, err
}

// maxAddress is the length of the longest address, in bytes.
const maxAddress = 254

// suffixOf returns what a token has after its random characters, decoded. ok is false for a text that is not a
// token. The check avoids look-ups that cannot succeed.
func suffixOf(sent string) (suffix string, ok bool) {
	random := base64.RawURLEncoding.EncodedLen(token.Bytes)
	if len(sent) < random || len(sent) > random+base64.RawURLEncoding.EncodedLen(maxAddress) || !token.Valid(sent[:random]) {
		return "", false
	}
	b, err := base64.RawURLEncoding.DecodeString(sent[random:])
	if err != nil || base64.RawURLEncoding.EncodeToString(b) != sent[random:] { // there is one spelling
		return "", false
	}
	return string(b), true
}

// Address returns the address in a token, for the page behind a link, which is opened before the token is used.
// It is "" for other texts. Anybody can write an address into a text that looks like a token, but Use refuses
// that.
func Address(token string) string {
	text, ok := suffixOf(token)
	if !ok || !IsAddress(text) {
		return ""
	}
	return text
}

// IsAddress reports whether text is an e-mail address alone, such as kim@example.com, and not too long for mail
// (RFC 5321 §4.5.3.1.3): one for which [Links.Issue] makes links. Whether anybody reads mail there, only a mail
// can tell.
func IsAddress(text string) bool {
	m, err := mail.ParseAddress(text)
	return err == nil && m.Address == text && len(text) <= maxAddress
}
