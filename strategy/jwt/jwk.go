package jwt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// jwk is a JSON Web Key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2): the members that this
// package reads and writes, in the order it writes them.
type jwk struct {
	Type       string   `json:"kty"`
	ID         string   `json:"kid,omitempty"`
	Use        string   `json:"use,omitempty"`
	Operations []string `json:"key_ops,omitempty"`
	Algorithm  string   `json:"alg,omitempty"`
	Curve      string   `json:"crv,omitempty"`
	X          string   `json:"x,omitempty"`
	Y          string   `json:"y,omitempty"`
	N          string   `json:"n,omitempty"`
	E          string   `json:"e,omitempty"`
	Private    any      `json:"d,omitempty"` // anything here makes the key unusable
}

func jwkMembers() []string {
	return []string{"kty", "kid", "use", "key_ops", "alg", "crv", "x", "y", "n", "e", "d"}
}

// maxKeys is how many keys a set may have.
const maxKeys = 100

// ParseKeySet reads a JWK Set (RFC 7517 §5) of public keys, such as a file.
//
// Each key is bound to the algorithm that its "alg" names, if that is one of algorithms. A
// key without "alg", which RFC 7517 §4.4 allows, is bound to each of algorithms that is for
// its type: list only those that the issuer uses.
//
// As the RFC asks, keys that cannot be used are skipped: keys of other types, uses or
// algorithms, and keys out of range. Secrets and private keys are skipped too, since a
// private key that everybody can read proves nothing. The error says that the set is
// malformed or has no usable key, or that algorithms are empty, unknown or for secrets.
func ParseKeySet(data []byte, algorithms ...Algorithm) (*KeyList, error) {
	if err := checkAlgorithms(algorithms); err != nil {
		return nil, fmt.Errorf("jwt: parse key set: %w", err)
	}
	keys, skipped, err := parseKeySet(data, algorithms)
	if err != nil {
		return nil, fmt.Errorf("jwt: parse key set: %w", err)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("jwt: parse key set: no usable key: %w", errors.Join(skipped...))
	}
	return &KeyList{keys}, nil
}

func checkAlgorithms(algorithms []Algorithm) error {
	if len(algorithms) == 0 {
		return errors.New("no algorithms: list those that the issuer signs with")
	}
	for _, alg := range algorithms {
		switch alg.rules().kind {
		case kindNone:
			return fmt.Errorf("%q is no algorithm of this package", string(alg))
		case kindSecret:
			return fmt.Errorf("%s takes a secret, and a key set is public: use NewSecret", alg)
		}
	}
	return nil
}

// parseKeySet returns the usable keys, and why the others are not.
func parseKeySet(data []byte, algorithms []Algorithm) (keys []*Key, skipped []error, err error) {
	set, err := parseObject(data)
	if err != nil {
		return nil, nil, err
	}
	var list []json.RawMessage
	if raw := set["keys"]; raw == nil || raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		return nil, nil, errors.New("no list of keys in it")
	}
	if len(list) > maxKeys {
		return nil, nil, fmt.Errorf("%d keys are more than %d", len(list), maxKeys)
	}
	for i, raw := range list {
		bound, err := parseKey(raw, algorithms)
		if err != nil {
			skipped = append(skipped, fmt.Errorf("key %d: %w", i+1, err))
			continue
		}
		keys = append(keys, bound...)
	}
	return keys, skipped, nil
}

// parseKey returns the key once for each algorithm that it may be used with.
func parseKey(raw json.RawMessage, algorithms []Algorithm) ([]*Key, error) {
	o, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	if name, found := o.misspelt(jwkMembers()...); found {
		return nil, fmt.Errorf("%q differs from a known member by its case only", name)
	}
	var j jwk
	if err := json.Unmarshal(raw, &j); err != nil {
		return nil, errors.New("a member is not of its type")
	}
	switch {
	case j.Private != nil:
		return nil, errors.New("a private key in a public set: withdraw it")
	case j.Use != "" && j.Use != "sig":
		return nil, errors.New("not for signatures")
	case len(j.Operations) != 0 && !slices.Contains(j.Operations, "verify"):
		return nil, errors.New("not for verifying")
	}
	fitting, err := j.algorithms(algorithms)
	if err != nil {
		return nil, err
	}
	var keys []*Key
	for _, alg := range fitting {
		public, err := j.public(alg)
		if err != nil {
			return nil, err
		}
		k, err := NewPublicKey(j.ID, alg, public)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// algorithms returns the algorithms of allowed that the key is for.
func (j *jwk) algorithms(allowed []Algorithm) ([]Algorithm, error) {
	if j.Algorithm != "" {
		if alg := Algorithm(j.Algorithm); slices.Contains(allowed, alg) {
			return []Algorithm{alg}, nil
		}
		return nil, errors.New("its alg is not among the algorithms")
	}
	var fitting []Algorithm
	for _, alg := range allowed {
		if r := alg.rules(); r.keyType() == j.Type && (r.kind != kindECDSA || r.curve.Params().Name == j.Curve) && !slices.Contains(fitting, alg) {
			fitting = append(fitting, alg)
		}
	}
	if len(fitting) == 0 {
		return nil, errors.New("it has no alg, and none of the algorithms fits its type")
	}
	return fitting, nil
}

// keyType returns the kty of keys for the algorithm.
func (r rules) keyType() string {
	switch r.kind {
	case kindRSA:
		return "RSA"
	case kindECDSA:
		return "EC"
	case kindEd25519:
		return "OKP"
	}
	return ""
}

// public decodes the key's numbers. [NewPublicKey] checks them.
func (j *jwk) public(alg Algorithm) (any, error) {
	r := alg.rules()
	if j.Type != r.keyType() {
		return nil, fmt.Errorf("its kty is not that of %s", alg)
	}
	switch r.kind {
	case kindRSA:
		n, err := decodePart(j.N)
		e, err2 := decodePart(j.E)
		if err = errors.Join(err, err2); err != nil || len(n) > maxRSABits/8+1 || len(e) == 0 || len(e) > 4 {
			return nil, errors.New("its n or e is malformed")
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}, nil
	case kindECDSA:
		x, err := decodePart(j.X)
		y, err2 := decodePart(j.Y)
		if err = errors.Join(err, err2); err != nil || j.Curve != r.curve.Params().Name {
			return nil, errors.New("its crv, x or y is malformed")
		}
		// SEC 1 §2.3.4: an uncompressed point is 4, x, y; the length of each is fixed.
		public, err := ecdsa.ParseUncompressedPublicKey(r.curve, slices.Concat([]byte{4}, x, y))
		if err != nil || len(x) != len(y) {
			return nil, errors.New("its point is not on its curve")
		}
		return public, nil
	case kindEd25519:
		x, err := decodePart(j.X)
		if err != nil || j.Curve != "Ed25519" {
			return nil, errors.New("its crv or x is malformed")
		}
		return ed25519.PublicKey(x), nil
	}
	return nil, errors.New("its kty is unknown")
}

// jwk returns the public part of k; ok is false for a secret and for nil, which have none.
func (k *Key) jwk() (j jwk, ok bool) {
	if k == nil {
		return jwk{}, false
	}
	j = jwk{Type: k.rules.keyType(), ID: k.id, Use: "sig", Algorithm: string(k.alg)}
	switch p := k.public.(type) {
	case *rsa.PublicKey:
		j.N, j.E = encodePart(p.N.Bytes()), encodePart(big.NewInt(int64(p.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := p.Bytes()
		if err != nil {
			return jwk{}, false
		}
		x, y := point[1:1+len(point)/2], point[1+len(point)/2:]
		j.Curve, j.X, j.Y = k.rules.curve.Params().Name, encodePart(x), encodePart(y)
	case ed25519.PublicKey:
		j.Curve, j.X = "Ed25519", encodePart(p)
	default:
		return jwk{}, false
	}
	return j, true
}

// PublicKeySet returns the JWK Set of the public parts of keys, for others to verify
// with. Secrets have no public part and are left out.
func PublicKeySet(keys ...*Key) []byte {
	list := []jwk{}
	for _, k := range keys {
		if j, ok := k.jwk(); ok {
			list = append(list, j)
		}
	}
	var b bytes.Buffer
	// Strings and lists of strings always have a JSON form.
	_ = json.NewEncoder(&b).Encode(map[string][]jwk{"keys": list})
	return b.Bytes()
}
