package devicebound

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math/big"
)

// Key is the public key of a browser. The zero value is none.
type Key struct {
	kind   byte
	packed []byte // as in an id, before base64
	ec     *ecdsa.PublicKey
	rsa    *rsa.PublicKey
}

// rsaExponent is the only exponent that browsers use.
const rsaExponent = 65537

var (
	errBadKey       = errors.New("the key is neither a point on P-256 nor an RSA modulus of 2048 bits with the exponent 65537")
	errBadSignature = errors.New("the signature is not by the key")
)

// Key returns the key in b.
func (b Binding) Key() (Key, error) {
	if len(b) < head {
		return Key{}, errBadKey
	}
	packed, err := base64.RawURLEncoding.Strict().DecodeString(string(b[head:]))
	if err != nil {
		return Key{}, errBadKey
	}
	if b[1] == kindRSA {
		return rsaKey(packed)
	}
	if len(packed) != ecBytes {
		return Key{}, errBadKey
	}
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), packed)
	if x == nil {
		return Key{}, errBadKey
	}
	point := make([]byte, 65)
	point[0] = 4
	x.FillBytes(point[1:33])
	y.FillBytes(point[33:])
	return ecKey(point)
}

// ecKey returns the key of a point on P-256, uncompressed.
func ecKey(point []byte) (Key, error) {
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return Key{}, errBadKey
	}
	packed := append([]byte{2 + point[64]&1}, point[1:33]...)
	return Key{kind: kindEC, packed: packed, ec: pub}, nil
}

// rsaKey returns the key of an RSA modulus. Only the size that browsers use is accepted: the time of a
// check grows with the size, which the sender would choose.
func rsaKey(modulus []byte) (Key, error) {
	if len(modulus) != rsaBytes || modulus[0]&0x80 == 0 || modulus[rsaBytes-1]&1 == 0 {
		return Key{}, errBadKey
	}
	pub := &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: rsaExponent}
	return Key{kind: kindRSA, packed: bytes.Clone(modulus), rsa: pub}, nil
}

// verify returns an error unless signature is k's signature of signed.
func (k Key) verify(signed, signature []byte) error {
	sum := sha256.Sum256(signed)
	switch {
	case k.ec != nil && len(signature) == 64:
		if r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]); ecdsa.Verify(k.ec, sum[:], r, s) {
			return nil
		}
	case k.rsa != nil && len(signature) == rsaBytes:
		if rsa.VerifyPKCS1v15(k.rsa, crypto.SHA256, sum[:], signature) == nil {
			return nil
		}
	}
	return errBadSignature
}
