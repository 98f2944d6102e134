package jwt

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
)

// IssuerConfig says what tokens an Issuer makes. Keys, Issuer and Audience must be set.
type IssuerConfig struct {
	// Keys are the keys to sign with: the first that can sign does. Nest's JwtModule: secret,
	// privateKey.
	Keys Keys

	// Issuer is the iss of the tokens. Nest: signOptions.issuer.
	Issuer string

	// Audience is the aud of the tokens: the programs that they are for. Nest:
	// signOptions.audience.
	Audience []string

	// ClientID is the client_id of the tokens, which RFC 9068 §2.2 requires: the program
	// that gets them. Empty means Issuer, for a program that logs its own users in.
	ClientID string

	// Lifetime is how long the tokens are valid, in whole seconds. Zero means 5 minutes; at
	// most 24 hours. A signed token cannot be revoked, so keep it short, and use package
	// refresh for longer log-ins. Nest: signOptions.expiresIn.
	Lifetime time.Duration

	// Type is the header's typ; empty means at+jwt (RFC 9068 §2.1).
	Type string
}

const (
	defaultLifetime = 5 * time.Minute
	mostLifetime    = 24 * time.Hour
)

// Issuer makes tokens with claims of the type C: Nest's JwtService. NewIssuer makes one;
// it is safe for concurrent use.
type Issuer[C Claims] struct{ cfg IssuerConfig }

// NewIssuer returns an issuer. The error names every mistake at once.
func NewIssuer[C Claims](cfg IssuerConfig) (*Issuer[C], error) {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("jwt: new issuer: "+format, args...))
	}
	cfg.Audience = slices.Clone(cfg.Audience)
	if strategy.IsNilUser(cfg.Keys) {
		wrong("Keys is nil: pass NewKeys or a KeysFunc")
	} else if list, ok := cfg.Keys.(*KeyList); ok && !slices.ContainsFunc(list.keys, (*Key).CanSign) {
		wrong("none of Keys can sign: pass a secret or a private key")
	}
	if cfg.Issuer == "" {
		wrong("Issuer is empty: choose a name, such as the URL of this program")
	}
	if len(cfg.Audience) == 0 || slices.Contains(cfg.Audience, "") {
		wrong("Audience is empty or has an empty name: name the programs that the tokens are for")
	}
	if cfg.ClientID == "" {
		cfg.ClientID = cfg.Issuer
	}
	if cfg.Lifetime == 0 {
		cfg.Lifetime = defaultLifetime
	}
	if cfg.Lifetime < time.Second || cfg.Lifetime%time.Second != 0 {
		wrong("Lifetime is %v: give whole seconds, or 0 for %v", cfg.Lifetime, defaultLifetime)
	}
	if cfg.Lifetime > mostLifetime {
		wrong("Lifetime is %v, and no log-out calls a token back: give at most %v, and let package refresh renew it", cfg.Lifetime, mostLifetime)
	}
	if cfg.Type == "" {
		cfg.Type = typeAccess
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	return &Issuer[C]{cfg}, nil
}

// Lifetime returns how long a token is good for: expires_in of a [TokenResponse].
func (i *Issuer[C]) Lifetime() time.Duration { return i.cfg.Lifetime }

// Issue returns a token for subject with these claims. subject is the user's id, which is
// never given to another user. Issue sets iss, sub, aud, exp, iat and client_id itself,
// whatever claims say, and jti unless claims have one. If the user has just logged in, set
// AuthTime for guard.RequireFresh.
//
// The error says that subject is empty, that claims cannot be encoded, that one of them
// differs from a known claim by its case only, or that no key can sign; or it wraps that of
// Keys.
func (i *Issuer[C]) Issue(ctx context.Context, subject string, claims C) (string, error) {
	if subject == "" {
		return "", errors.New("jwt: issue: the subject is empty: give the user's id")
	}
	key, err := i.signer(ctx)
	if err != nil {
		return "", err
	}
	payload, err := i.payload(subject, claims)
	if err != nil {
		return "", fmt.Errorf("jwt: issue: %w", err)
	}
	header, err := json.Marshal(struct {
		Algorithm Algorithm `json:"alg"`
		Type      string    `json:"typ"`
		KeyID     string    `json:"kid,omitempty"`
	}{key.alg, i.cfg.Type, key.id})
	if err != nil {
		return "", fmt.Errorf("jwt: issue: header: %w", err)
	}
	signed := encodePart(header) + "." + encodePart(payload)
	signature, err := key.rules.method.Sign(signed, key.signer)
	if err != nil {
		return "", fmt.Errorf("jwt: issue: sign: %w", err)
	}
	return signed + "." + encodePart(signature), nil
}

func (i *Issuer[C]) signer(ctx context.Context) (*Key, error) {
	keys, err := i.cfg.Keys.Keys(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("jwt: issue: %w", err)
	}
	at := slices.IndexFunc(keys, func(k *Key) bool { return k != nil && k.CanSign() })
	if at < 0 {
		return nil, errors.New("jwt: issue: none of the keys can sign: give a secret or a private key")
	}
	return keys[at], nil
}

// payload returns the JSON of claims, with ours in place of theirs.
func (i *Issuer[C]) payload(subject string, claims C) ([]byte, error) {
	own, err := json.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	o, err := parseObject(own)
	if err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	if name, found := o.misspelt(knownClaims...); found {
		return nil, fmt.Errorf("claims: %q differs from a known claim by its case only: rename it", name)
	}
	now := time.Now().Unix()
	set := map[string]any{
		"iss": i.cfg.Issuer, "sub": subject, "aud": i.cfg.Audience, "client_id": i.cfg.ClientID,
		"iat": now, "exp": now + int64(i.cfg.Lifetime/time.Second),
	}
	if id, ok := o.text("jti"); !ok || id == "" {
		set["jti"] = rand.Text()
	}
	for name, value := range set {
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("claims: %s: %w", name, err)
		}
		o[name] = raw
	}
	return json.Marshal(o)
}
