package jwt

import (
	"crypto/elliptic"
	"crypto/rsa"

	gojwt "github.com/golang-jwt/jwt/v5"
)

// Algorithm is how a token is signed: an "alg" value of RFC 7518 §3.1, or EdDSA
// (RFC 8037 §3.1) and its newer name Ed25519 (RFC 9864 §2.2). Names are case-sensitive.
// The algorithm "none" has no constant, and no key can be made for it.
type Algorithm string

// The algorithms that a [Key] can be bound to.
const (
	HS256   Algorithm = "HS256" // HMAC with SHA-256: a secret of 32 bytes or more
	HS384   Algorithm = "HS384" // HMAC with SHA-384: 48 bytes or more
	HS512   Algorithm = "HS512" // HMAC with SHA-512: 64 bytes or more
	RS256   Algorithm = "RS256" // RSASSA-PKCS1-v1_5: 2048 bits or more
	RS384   Algorithm = "RS384"
	RS512   Algorithm = "RS512"
	PS256   Algorithm = "PS256" // RSASSA-PSS: 2048 bits or more
	PS384   Algorithm = "PS384"
	PS512   Algorithm = "PS512"
	ES256   Algorithm = "ES256" // ECDSA on P-256
	ES384   Algorithm = "ES384" // ECDSA on P-384
	ES512   Algorithm = "ES512" // ECDSA on P-521
	EdDSA   Algorithm = "EdDSA" // Ed25519, under its older name
	Ed25519 Algorithm = "Ed25519"
)

// kind is what a key must be for an algorithm.
type kind uint8

const (
	kindNone kind = iota
	kindSecret
	kindRSA
	kindECDSA
	kindEd25519
)

// rules are what an Algorithm requires of its key, and the method that computes it.
type rules struct {
	kind      kind
	method    gojwt.SigningMethod
	minSecret int            // bytes; for kindSecret
	curve     elliptic.Curve // for kindECDSA
}

// rules returns the zero rules for a name that is no algorithm of ours. The library's
// own table is not asked: other packages can add to it.
func (a Algorithm) rules() rules {
	switch a {
	case HS256: // RFC 7518 §3.2: "a key of the same size as the hash output [...] or larger MUST be used"
		return rules{kind: kindSecret, method: gojwt.SigningMethodHS256, minSecret: 32}
	case HS384:
		return rules{kind: kindSecret, method: gojwt.SigningMethodHS384, minSecret: 48}
	case HS512:
		return rules{kind: kindSecret, method: gojwt.SigningMethodHS512, minSecret: 64}
	case RS256:
		return rules{kind: kindRSA, method: gojwt.SigningMethodRS256}
	case RS384:
		return rules{kind: kindRSA, method: gojwt.SigningMethodRS384}
	case RS512:
		return rules{kind: kindRSA, method: gojwt.SigningMethodRS512}
	case PS256:
		return rules{kind: kindRSA, method: pss(gojwt.SigningMethodPS256)}
	case PS384:
		return rules{kind: kindRSA, method: pss(gojwt.SigningMethodPS384)}
	case PS512:
		return rules{kind: kindRSA, method: pss(gojwt.SigningMethodPS512)}
	case ES256:
		return rules{kind: kindECDSA, method: gojwt.SigningMethodES256, curve: elliptic.P256()}
	case ES384:
		return rules{kind: kindECDSA, method: gojwt.SigningMethodES384, curve: elliptic.P384()}
	case ES512:
		return rules{kind: kindECDSA, method: gojwt.SigningMethodES512, curve: elliptic.P521()}
	case EdDSA, Ed25519:
		return rules{kind: kindEd25519, method: gojwt.SigningMethodEdDSA}
	}
	return rules{}
}

// pss is the library's method without its leniency: RFC 7518 §3.5 fixes the salt at
// the size of the hash, and the library would verify any.
func pss(m *gojwt.SigningMethodRSAPSS) gojwt.SigningMethod {
	return &gojwt.SigningMethodRSAPSS{
		SigningMethodRSA: m.SigningMethodRSA,
		Options:          &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash},
	}
}
