package jwt

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// ParsePEM reads a key from a PEM file: a "PUBLIC KEY" (PKIX), or a "PRIVATE KEY"
// (PKCS #8), as openssl genpkey writes it and the secretOrKey of passport-jwt takes it.
// id and the errors are those of [NewPublicKey] and [NewPrivateKey]; besides, the file
// must hold one block of one of these types and nothing after it. Line breaks may be
// written as the two characters \n, as in environment variables.
func ParsePEM(id string, alg Algorithm, text []byte) (*Key, error) {
	block, rest := pem.Decode(bytes.ReplaceAll(text, []byte(`\n`), []byte("\n")))
	if block == nil {
		return nil, errors.New("jwt: parse PEM: no PEM block found: pass the whole file, with its lines BEGIN and END")
	}
	if next, _ := pem.Decode(rest); next != nil {
		return nil, errors.New("jwt: parse PEM: more than one block: pass only the one key that is meant")
	}
	switch block.Type {
	case "PUBLIC KEY":
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, errors.New("jwt: parse PEM: the public key is malformed")
		}
		return NewPublicKey(id, alg, public)
	case "PRIVATE KEY":
		private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("jwt: parse PEM: the private key is malformed")
		}
		return NewPrivateKey(id, alg, private)
	}
	return nil, fmt.Errorf("jwt: parse PEM: a block of the type %q: convert it with openssl pkey", block.Type)
}
