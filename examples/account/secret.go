package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// vault encrypts what must be read again, and so cannot be hashed: the keys of authenticator apps.
type vault struct{ aead cipher.AEAD }

func newVault(secret string) (vault, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "account: keys of authenticator apps", 32)
	if err != nil {
		return vault{}, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return vault{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return vault{aead}, err
}

// seal encrypts value for the row of that id: in another row it cannot be opened.
func (v vault) seal(value []byte, id string) string {
	return base64.RawURLEncoding.EncodeToString(v.aead.Seal(nil, nil, value, []byte(id))) //nolint:gosec // the nonce is random: NewGCMWithRandomNonce
}

// open returns what was sealed.
func (v vault) open(sealed, id string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return nil, err
	}
	return v.aead.Open(nil, nil, b, []byte(id))
}

func now() int64 { return time.Now().Unix() }
