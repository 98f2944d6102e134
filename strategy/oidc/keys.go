package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/seed-6f34412b/passport/strategy/internal/cached"
	"github.com/seed-6f34412b/passport/strategy/internal/strictjson"
)

// maxKeys is how many keys of a provider are looked at.
const maxKeys = 100

// minRSA is the size in bits of the smallest RSA key that is trusted (RFC 7518 §3.3).
const minRSA = 2048

// fetchKeys loads the provider's key set (RFC 7517 §5). Keys of unknown kinds are
// passed over, as it asks.
func (p *provider) fetchKeys(ctx context.Context) ([]jose.JSONWebKey, error) {
	m, err := p.meta.Get(ctx)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := getJSON(ctx, p.cfg.HTTPClient, m.KeysURL, &set); err != nil {
		return nil, fmt.Errorf("fetch the provider's keys: %w", err)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys[:min(len(set.Keys), maxKeys)] {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) == nil && trusted(&key) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("fetch the provider's keys: none among them that signs: %w", cached.ErrNone)
	}
	return keys, nil
}

// trusted reports whether key may have signed a token. A symmetric key in a public
// document would be everybody's.
func trusted(key *jose.JSONWebKey) bool {
	if key.Use != "" && key.Use != "sig" {
		return false
	}
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() >= minRSA
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}

// keySet verifies the signature of one token for go-oidc, which does not tell a bad signature
// from keys that cannot be fetched.
type keySet struct {
	provider *provider
	types    []string      // the values of the header typ that are taken, in lower case
	gap      time.Duration // how long after a load an unknown key is not asked for again
	outage   error         // why the keys cannot be fetched
	secret   bool          // the signature was made with the client secret
}

var errSignature = errors.New("no key of the provider made the signature")

// VerifySignature implements gooidc.KeySet.
func (s *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, asJOSE(s.provider.cfg.accepted()))
	if err != nil || len(jws.Signatures) != 1 {
		return nil, errors.New("the token is malformed")
	}
	header := jws.Signatures[0].Protected
	// RFC 8725 §3.11: a token of one kind must not pass for another.
	typ, _ := header.ExtraHeaders[jose.HeaderType].(string)
	if !slices.Contains(s.types, strings.ToLower(typ)) {
		return nil, errors.New("the token is of another type")
	}
	if header.Algorithm == algHS256 {
		return s.verifyWithSecret(ctx, jws)
	}
	// OpenID Connect Core §10.1.1: a signature under an unknown key means that keys were rotated.
	var payload []byte
	var good bool
	_, err = s.provider.keys.Find(ctx, s.gap, func(keys []jose.JSONWebKey) bool {
		payload, good = verifyWith(keys, jws, header)
		return good
	})
	switch {
	case err != nil:
		s.outage = err
		return nil, err
	case !good:
		return nil, errSignature
	}
	return payload, unambiguous(payload)
}

// minHS256 is the length in bytes of the shortest client secret that is a key (RFC 7518 §3.2).
const minHS256 = 32

// accepted returns the algorithms that the application accepts.
func (c *Config) accepted() []string {
	if len(c.Algorithms) > 0 {
		return c.Algorithms
	}
	return algorithms
}

// verifyWithSecret verifies a token of HS256, which is accepted only where Config.Algorithms has it. No key
// that the provider publishes is tried (RFC 8725 §3.1): "the keys used are the octets of the UTF-8
// representation of the client_secret" (Core §10.1).
func (s *keySet) verifyWithSecret(ctx context.Context, jws *jose.JSONWebSignature) ([]byte, error) {
	secret, err := s.provider.cfg.SecretFunc(ctx)
	if err == nil && len(secret) < minHS256 {
		err = fmt.Errorf("HS256 takes the client secret as its key, which has %d bytes and needs %d", len(secret), minHS256)
	}
	if err != nil {
		s.outage = fmt.Errorf("verify with the client secret: %w", err)
		return nil, s.outage
	}
	payload, err := jws.Verify([]byte(secret))
	if err != nil {
		return nil, errSignature
	}
	s.secret = true
	return payload, unambiguous(payload)
}

// hashes reports whether the at_hash of t, which s verified, is that of the access token. go-oidc knows the
// hashes of the other algorithms.
func (s *keySet) hashes(t *gooidc.IDToken, access string) bool {
	if !s.secret {
		return t.VerifyAccessToken(access) == nil
	}
	sum := sha256.Sum256([]byte(access)) // Core §3.1.3.6: the left half of it
	return t.AccessTokenHash == base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// checkedClaims are the claims that this package and go-oidc read into structs.
var checkedClaims = []string{
	"iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "at_hash", "auth_time", "acr", "amr", "sid", "tid", "jti", "events",
	"_claim_names", "_claim_sources",
}

// unambiguous refuses claims that two readers would take for different ones. A provider may let its users
// choose the names of further claims: a "SUB" must not be read as the "sub".
func unambiguous(payload []byte) error {
	o, err := strictjson.Parse(payload)
	if err != nil {
		return err
	}
	if name, found := o.Misspelt(checkedClaims...); found {
		return fmt.Errorf("%q differs from a known claim by its case only", name)
	}
	return nil
}

func verifyWith(keys []jose.JSONWebKey, jws *jose.JSONWebSignature, header jose.Header) ([]byte, bool) {
	for i := range keys {
		key := &keys[i]
		if header.KeyID != "" && key.KeyID != header.KeyID || key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

func asJOSE(names []string) []jose.SignatureAlgorithm {
	list := make([]jose.SignatureAlgorithm, len(names))
	for i, n := range names {
		list[i] = jose.SignatureAlgorithm(n)
	}
	return list
}
