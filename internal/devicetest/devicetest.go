// Package devicetest signs the tokens of device-bound sessions in tests, as browsers do, or wrongly if a
// test asks for that.
package devicetest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"
)

var b64 = base64.RawURLEncoding

// Browser has a key and signs like a browser.
type Browser struct {
	ec  *ecdsa.PrivateKey
	rsa *rsa.PrivateKey
}

// New returns a browser with a key on P-256.
func New(t testing.TB) *Browser {
	t.Helper()
	return Make()
}

// Make is New for code outside a test.
func Make() *Browser {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return &Browser{ec: key}
}

// NewRSA returns a Browser with an RSA key.
func NewRSA(t testing.TB, bits int) *Browser {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return &Browser{rsa: key}
}

// Object is a JSON object.
type Object = map[string]any

// JWK returns the public key.
func (b *Browser) JWK() Object {
	if b.rsa != nil {
		return Object{"kty": "RSA", "n": b64.EncodeToString(b.rsa.N.Bytes()), "e": "AQAB"}
	}
	point, _ := b.ec.PublicKey.Bytes() // no error: the key was just made
	return Object{"kty": "EC", "crv": "P-256", "x": b64.EncodeToString(point[1:33]), "y": b64.EncodeToString(point[33:])}
}

func (b *Browser) alg() string {
	if b.rsa != nil {
		return "RS256"
	}
	return "ES256"
}

// Sign returns the token of a header and a payload. Each is a value or its JSON text.
func (b *Browser) Sign(header, payload any) string {
	part := func(v any) string {
		if text, ok := v.(string); ok {
			return b64.EncodeToString([]byte(text))
		}
		data, _ := json.Marshal(v) // no error: maps of strings
		return b64.EncodeToString(data)
	}
	signed := part(header) + "." + part(payload)
	sum := sha256.Sum256([]byte(signed))
	var signature []byte
	if b.rsa != nil {
		signature, _ = rsa.SignPKCS1v15(nil, b.rsa, crypto.SHA256, sum[:])
	} else {
		r, s, _ := ecdsa.Sign(rand.Reader, b.ec, sum[:])
		signature = make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
	}
	return signed + "." + b64.EncodeToString(signature)
}

// Registration returns the token that registers the key.
func (b *Browser) Registration(challenge string) string {
	return b.Sign(Object{"alg": b.alg(), "typ": "dbsc+jwt", "jwk": b.JWK()}, Object{"jti": challenge})
}

// Refresh returns the token that proves the key again.
func (b *Browser) Refresh(challenge string) string {
	return b.Sign(Object{"alg": b.alg(), "typ": "dbsc+jwt"}, Object{"jti": challenge})
}
