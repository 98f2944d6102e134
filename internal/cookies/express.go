package cookies

import (
	"bytes"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"slices"
	"sync"
)

// Express returns the codec of express-session: the value is "s:", the id, "." and its
// HMAC-SHA256 in base64, all percent-encoded. The first secret signs, all of them verify.
//
// cookie-signature 1.0.7, index.js:16; express-session 1.19.0, index.js:544, 670.
func Express(secrets ...string) Codec {
	return newExpress(secrets, checkSecrets("Express", secrets, minSecret))
}

// InsecureExpress is Express for secrets shorter than 32 bytes. An empty secret is refused too.
func InsecureExpress(secrets ...string) Codec {
	return newExpress(secrets, checkSecrets("InsecureExpress", secrets, 1))
}

type express struct {
	keys   *sync.Pool // of *keys
	faults []error
}

func newExpress(secrets []string, faults []error) *express {
	return &express{keys: newKeys(secrets), faults: faults}
}

func (c *express) Kind() string { return KindExpress }

func (c *express) Check() []error { return slices.Clone(c.faults) }

func (c *express) Derive(purpose string) [][]byte { return derive(c.keys, purpose) }

func (c *express) Encode(_, id string) (string, error) {
	if len(c.faults) > 0 {
		return "", errors.Join(c.faults...)
	}
	if !ValidID(id) {
		return "", errInvalidID
	}
	return percentEncode(expressPrefix + sign(c.keys, id)), nil
}

const (
	expressPrefix = "s:"
	macText       = 43 // length of a SHA-256 sum in base64 without padding

	// maxExpress is the length of the longest value with a valid id: every byte of it escaped.
	maxExpress = 3 * (len(expressPrefix) + MaxID + len(".") + macText)
)

func (c *express) Decode(_, value string) (id string, ok bool) {
	if len(c.faults) > 0 || len(value) > maxExpress {
		return "", false
	}
	k := c.keys.Get().(*keys)
	defer c.keys.Put(k)
	plain, ok := bytes.CutPrefix(appendUnescaped(k.text[:0], value), []byte(expressPrefix))
	if !ok {
		return "", false
	}
	raw, ok := k.unsign(plain)
	if !ok {
		return "", false
	}
	// The id is rarely escaped. Then it is a part of value and needs no allocation.
	start := len(expressPrefix)
	if value[1] == '%' {
		start += len("%3A") - len(":")
	}
	if end := start + len(raw); end <= len(value) && value[start:end] == string(raw) {
		return value[start:end], true
	}
	return string(raw), true
}

// unsign returns the part of plain before its last dot, the id, if one of the secrets signed it:
// exports.unsign of cookie-signature 1.0.7, index.js:36. A signature has no dot.
//
// The text of the signature is compared, as in Node, not its decoded bytes, so that each id has exactly one
// valid signature per secret. [subtle.ConstantTimeCompare] takes the same time wherever the two differ. The
// secrets are tried in order, so only the holder of a valid cookie can measure which of them signed it.
func (k *keys) unsign(plain []byte) (id []byte, ok bool) {
	dot := len(plain) - macText - len(".")
	if dot < 0 || plain[dot] != '.' || !ValidID(plain[:dot]) {
		return nil, false
	}
	id, given := plain[:dot], plain[dot+1:]
	for i := range k.macs {
		var want [macText]byte
		base64.RawStdEncoding.Encode(want[:], k.mac(i, id))
		if subtle.ConstantTimeCompare(want[:], given) == 1 {
			return id, true
		}
	}
	return nil, false
}

// sign returns id with its signature under the first secret of pool: exports.sign of
// cookie-signature 1.0.7, index.js:16.
func sign(pool *sync.Pool, id string) string {
	k := pool.Get().(*keys)
	defer pool.Put(k)
	return id + "." + base64.RawStdEncoding.EncodeToString(k.mac(0, []byte(id)))
}
