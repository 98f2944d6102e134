package oidc

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// appleSecretLife is how long a secret made by AppleSecret is valid. Apple allows six
// months; it is made for each log-in.
const appleSecretLife = 5 * time.Minute

// AppleSecret returns a Config.SecretFunc for [Apple]: its client secret is a token
// that the application signs with the key (a .p8 file, PEM) that Apple gave it, whose line
// breaks may be written as the two characters \n. teamID and keyID come with the key. The error says what is
// wrong with the key.
//
// https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret
func AppleSecret(teamID, keyID, clientID string, keyPEM []byte) (func(context.Context) (string, error), error) {
	if teamID == "" || keyID == "" || clientID == "" {
		return nil, errors.New("oidc: apple secret: the team id, the key id or the client id is empty")
	}
	block, _ := pem.Decode(bytes.ReplaceAll(keyPEM, []byte(`\n`), []byte("\n")))
	if block == nil {
		return nil, errors.New("oidc: apple secret: the key is not PEM: pass the content of the .p8 file")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("oidc: apple secret: the key is not a PKCS #8 key on the curve P-256")
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: keyID}}, nil)
	if err != nil {
		return nil, fmt.Errorf("oidc: apple secret: %w", err)
	}
	return func(context.Context) (string, error) {
		now := time.Now()
		claims, err := json.Marshal(map[string]any{
			"iss": teamID, "sub": clientID, "aud": "https://appleid.apple.com",
			"iat": now.Unix(), "exp": now.Add(appleSecretLife).Unix(),
		})
		if err != nil {
			return "", fmt.Errorf("oidc: apple secret: %w", err)
		}
		signed, err := signer.Sign(claims)
		if err != nil {
			return "", fmt.Errorf("oidc: apple secret: %w", err)
		}
		return signed.CompactSerialize()
	}, nil
}
