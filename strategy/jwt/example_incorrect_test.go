package jwt_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"github.com/seed-6f34412b/passport/strategy/jwt"
)

// The issuer's public key is not a secret: a server that uses it as the secret of HS256 accepts tokens
// that anybody can sign (RFC 8725 §2.1). NewSecret refuses it, and passwords too.
func ExampleNewSecret_incorrect() {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		panic(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})

	_, err = jwt.NewSecret("", jwt.HS256, public)
	fmt.Println(err)
	_, err = jwt.NewSecret("", jwt.HS256, []byte("correct horse"))
	fmt.Println(err)
	_, err = jwt.ParsePEM("", jwt.RS256, public)
	fmt.Println(err)

	key, err := jwt.ParsePEM("2026-01", jwt.ES256, public)
	fmt.Println(key, err)
	// Output:
	// jwt: new secret: the secret is a PEM file: read it by ParsePEM
	// jwt: new secret: 13 bytes are too few for HS256: make 32 random ones
	// jwt: new public key: RS256 needs an RSA key, and this is *ecdsa.PublicKey
	// jwt.Key(ES256 "2026-01") <nil>
}
