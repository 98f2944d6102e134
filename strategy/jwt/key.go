package jwt

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Key is a key bound to the one algorithm it may be used with. RFC 8725 §3.1: "each
// key MUST be used with exactly one algorithm, and this MUST be checked when the
// cryptographic operation is performed". It is made by [NewSecret], [NewPublicKey],
// [NewPrivateKey], [ParsePEM] and [ParseKeySet], is immutable, and safe for concurrent
// use. What fmt and slog print of it is its algorithm and its id.
type Key struct {
	id     string
	alg    Algorithm
	rules  rules
	public any // []byte, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
	signer any // nil for a key that can only verify
}

// NewSecret returns a key that signs and verifies by HMAC. id is the "kid" of its
// tokens; if it is empty, they have none. The secret is copied.
//
// The error says that alg is no HS algorithm, that the secret is shorter than the hash
// (RFC 7518 §3.2), or that it is a public key or a certificate in PEM: with a public
// secret, everybody could sign. A secret is random bytes, not a password (RFC 8725 §3.5).
func NewSecret(id string, alg Algorithm, secret []byte) (*Key, error) {
	k := &Key{id: id, alg: alg, rules: alg.rules()}
	switch {
	case k.rules.kind != kindSecret:
		return nil, fmt.Errorf("jwt: new secret: %q is no algorithm for secrets: use HS256, HS384 or HS512", string(alg))
	case bytes.Contains(secret, []byte("-----BEGIN ")):
		return nil, errors.New("jwt: new secret: the secret is a PEM file: read it by ParsePEM")
	case len(secret) < k.rules.minSecret:
		return nil, fmt.Errorf("jwt: new secret: %d bytes are too few for %s: make %d random ones", len(secret), alg, k.rules.minSecret)
	}
	secret = slices.Clone(secret)
	k.public, k.signer = secret, secret
	return k.checked("new secret")
}

// NewPublicKey returns a key that only verifies: an *[rsa.PublicKey], *[ecdsa.PublicKey]
// or [ed25519.PublicKey]. id is the "kid" of its tokens; an empty one fits any token.
//
// The error says that the key is not of the algorithm's type or curve, not valid, or
// an RSA key under 2048 bits (RFC 7518 §3.3) or over 8192, which would cost too much.
func NewPublicKey(id string, alg Algorithm, public crypto.PublicKey) (*Key, error) {
	k := &Key{id: id, alg: alg, rules: alg.rules()}
	if err := k.setPublic(public); err != nil {
		return nil, fmt.Errorf("jwt: new public key: %w", err)
	}
	return k.checked("new public key")
}

// NewPrivateKey returns a key that signs and verifies: an *[rsa.PrivateKey],
// *[ecdsa.PrivateKey] or [ed25519.PrivateKey]. Otherwise it is [NewPublicKey].
func NewPrivateKey(id string, alg Algorithm, private crypto.PrivateKey) (*Key, error) {
	k := &Key{id: id, alg: alg, rules: alg.rules(), signer: private}
	var public crypto.PublicKey
	switch p := private.(type) {
	case *rsa.PrivateKey:
		if p != nil {
			public = &p.PublicKey
		}
	case *ecdsa.PrivateKey:
		if p != nil {
			public = &p.PublicKey
		}
	case ed25519.PrivateKey:
		if len(p) == ed25519.PrivateKeySize {
			public = p.Public()
		}
	}
	if err := k.setPublic(public); err != nil {
		return nil, fmt.Errorf("jwt: new private key: %w", err)
	}
	return k.checked("new private key")
}

const (
	minRSABits = 2048
	maxRSABits = 8192
)

// setPublic checks public against the key's algorithm.
func (k *Key) setPublic(public crypto.PublicKey) error {
	wrong := func(what string) error { return fmt.Errorf("%s needs %s, and this is %T", k.alg, what, public) }
	switch k.rules.kind {
	case kindRSA:
		p, ok := public.(*rsa.PublicKey)
		if !ok || p == nil || p.N == nil {
			return wrong("an RSA key")
		}
		if bits := p.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return fmt.Errorf("an RSA key of %d bits: use %d to %d", bits, minRSABits, maxRSABits)
		}
		if p.E < 3 || p.E%2 == 0 || p.N.Bit(0) == 0 {
			return errors.New("not a valid RSA key")
		}
	case kindECDSA:
		p, ok := public.(*ecdsa.PublicKey)
		if !ok || p == nil || p.Curve != k.rules.curve {
			return wrong("an ECDSA key on " + k.rules.curve.Params().Name)
		}
		if _, err := p.Bytes(); err != nil {
			return errors.New("the point of the ECDSA key is not on its curve")
		}
	case kindEd25519:
		if p, ok := public.(ed25519.PublicKey); !ok || len(p) != ed25519.PublicKeySize {
			return wrong("an Ed25519 key")
		}
	case kindSecret:
		return fmt.Errorf("%s takes no key pair: use NewSecret", k.alg)
	default:
		return fmt.Errorf("%q is no algorithm of this package", string(k.alg))
	}
	k.public = public
	return nil
}

func (k *Key) checked(verb string) (*Key, error) {
	if !utf8.ValidString(k.id) {
		return nil, fmt.Errorf("jwt: %s: the id is not UTF-8", verb)
	}
	return k, nil
}

// ID returns the "kid" of the key's tokens; empty for none.
func (k *Key) ID() string { return k.id }

// Algorithm returns the algorithm that the key is bound to.
func (k *Key) Algorithm() Algorithm { return k.alg }

// CanSign reports whether the key has its private part.
func (k *Key) CanSign() bool { return k.signer != nil }

// Format implements [fmt.Formatter]. No verb prints the key itself.
func (k *Key) Format(f fmt.State, _ rune) {
	if k == nil {
		fmt.Fprint(f, "<nil>")
		return
	}
	fmt.Fprintf(f, "jwt.Key(%s %q)", k.alg, k.id)
}

// fits reports whether the key may have signed a token with this header. A kid narrows
// the choice (RFC 7515 §4.1.4: "a hint"); it is only compared, never used to find a key
// elsewhere.
func (k *Key) fits(h header) bool {
	return k != nil && k.alg == h.alg && (h.kid == "" || k.id == "" || k.id == h.kid)
}

// verifies reports whether the key signed the text.
func (k *Key) verifies(signed string, signature []byte) bool {
	return k.rules.method.Verify(signed, signature, k.public) == nil
}
