package totp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// Vault encrypts the keys of apps for the users table, so that whoever reads a copy of it cannot make codes
// (RFC 6238 §5.1), by AES-256-GCM with random nonces. [NewVault] makes one; it is safe for concurrent use.
type Vault struct{ aeads []cipher.AEAD }

// NewVault returns every mistake at once. Each secret has 32 bytes or more, and is kept outside of the database;
// those of the session will do. The first encrypts, all decrypt. To replace one while several processes run:
// {old, new} everywhere, then {new, old}; {new} after all keys were sealed again.
func NewVault(secrets ...string) (*Vault, error) {
	var v Vault
	var mistakes []error
	for i, secret := range secrets {
		if len(secret) < 32 {
			mistakes = append(mistakes, fmt.Errorf("totp: new vault: secret %d has %d bytes: use 32 random ones or more", i, len(secret)))
			continue
		}
		aead, err := newAEAD(secret)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("totp: new vault: %w", err))
		}
		v.aeads = append(v.aeads, aead)
	}
	if len(secrets) == 0 {
		mistakes = append(mistakes, errors.New("totp: new vault: no secret: give 32 random bytes or more"))
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	return &v, nil
}

func newAEAD(secret string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "passport: keys of authenticator apps", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Seal returns key encrypted, as letters, digits, "-" and "_". It opens for the same account alone, so that
// nobody copies it into another row.
func (v *Vault) Seal(account string, key []byte) string {
	return base64.RawURLEncoding.EncodeToString(v.aeads[0].Seal(nil, nil, key, []byte(account))) //nolint:gosec // the nonce is random: NewGCMWithRandomNonce
}

// errSealed says what may be wrong.
var errSealed = errors.New("totp: open: the key was sealed for another account, by another secret, or was changed")

// Open returns the key that was sealed for account. Any error is an outage: the table was damaged, or the secret
// is another one.
func (v *Vault) Open(account, sealed string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return nil, errSealed
	}
	for _, aead := range v.aeads {
		if key, err := aead.Open(nil, nil, b, []byte(account)); err == nil {
			return key, nil
		}
	}
	return nil, errSealed
}
