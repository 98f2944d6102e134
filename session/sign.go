package session

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"hash"
	"slices"
	"strings"
	"sync"
)

// Express returns the Codec of express-session: the value is "s:", the id, "." and
// its HMAC-SHA256 in base64, all percent-encoded. With it and the same secret, Go
// and Node honour each other's cookies. The first secret signs, all of them
// verify, in the order of express-session's array option secret.
//
// A secret is used as its UTF-8 bytes, as Node does; each must have at least 32
// (see [InsecureExpress]). Values are read as cookie 0.7 writes them and also
// unescaped, as cookie 2 does. The signature does not cover the cookie's name: an
// application with two such cookies needs two secrets.
//
// cookie-signature 1.0.7, index.js:16; express-session 1.19.0, index.js:544, 670.
func Express(secrets ...string) Codec {
	return newExpress(secrets, checkSecrets("Express", secrets, minSecret))
}

// InsecureExpress is [Express] for secrets shorter than 32 bytes, which a Node
// application may have and must keep while its sessions live. Whoever guesses a
// secret can sign ids, though not invent ones that the store knows. An empty
// secret is refused all the same.
func InsecureExpress(secrets ...string) Codec {
	return newExpress(secrets, checkSecrets("InsecureExpress", secrets, 1))
}

type expressCodec struct {
	keys   *keyring
	faults []error
}

func newExpress(secrets []string, faults []error) *expressCodec {
	return &expressCodec{keys: newKeyring(secrets), faults: faults}
}

func (c *expressCodec) kind() string { return "express" }

func (c *expressCodec) check() []error { return slices.Clone(c.faults) }

func (c *expressCodec) encode(_, id string) (string, error) {
	if len(c.faults) > 0 {
		return "", errors.Join(c.faults...)
	}
	if !validID(id) {
		return "", errInvalidID
	}
	return percentEncode(expressPrefix + c.keys.sign(id)), nil
}

const (
	expressPrefix = "s:"
	macText       = 43 // length of a SHA-256 sum in base64 without padding

	// maxExpress is the length of the longest value that can carry a valid id: every
	// byte of it escaped.
	maxExpress = 3 * (len(expressPrefix) + maxID + len(".") + macText)
)

func (c *expressCodec) decode(_, value string) (id string, ok bool) {
	if len(c.faults) > 0 || len(value) > maxExpress {
		return "", false
	}
	k := c.keys.take()
	defer c.keys.put(k)
	plain, ok := bytes.CutPrefix(appendUnescaped(k.text[:0], value), []byte(expressPrefix))
	if !ok {
		return "", false
	}
	raw, ok := k.unsign(plain)
	if !ok {
		return "", false
	}
	// The id is rarely escaped: it is then a part of value and costs no allocation.
	start := len(expressPrefix)
	if value[1] == '%' {
		start += len("%3A") - len(":")
	}
	if end := start + len(raw); end <= len(value) && value[start:end] == string(raw) {
		return value[start:end], true
	}
	return string(raw), true
}

// keyring computes HMAC-SHA256 under several secrets. It is safe for concurrent
// use: each caller borrows hash states of its own, because keying a new one takes
// three times as long as the sum itself.
//
// The secrets live in the hash states and in pool.New only, where no formatting
// verb finds them.
type keyring struct {
	pool sync.Pool // of *keys
}

// keys is what one borrower of a keyring works with. The buffers lie here because
// what is passed to a hash.Hash escapes to the heap. Nothing in them is read
// before it was written by the same borrower.
type keys struct {
	macs []hash.Hash // one per secret, in order
	text [maxExpress]byte
	sum  [sha256.Size]byte
}

func newKeyring(secrets []string) *keyring {
	secrets = slices.Clone(secrets)
	r := new(keyring)
	r.pool.New = func() any {
		k := &keys{macs: make([]hash.Hash, len(secrets))}
		for i, s := range secrets {
			k.macs[i] = hmac.New(sha256.New, []byte(s))
		}
		return k
	}
	return r
}

func (r *keyring) take() *keys { return r.pool.Get().(*keys) }
func (r *keyring) put(k *keys) { r.pool.Put(k) }

// mac returns the sum of message under secret i. It is valid until the next call.
func (k *keys) mac(i int, message []byte) []byte {
	h := k.macs[i]
	h.Reset() // a borrowed state may hold another request's message
	h.Write(message)
	return h.Sum(k.sum[:0])
}

// sign returns id with its signature under the first secret: exports.sign of
// cookie-signature 1.0.7, index.js:16.
func (r *keyring) sign(id string) string {
	k := r.take()
	defer r.put(k)
	mac := k.mac(0, []byte(id))
	var b strings.Builder
	b.Grow(len(id) + len(".") + macText)
	b.WriteString(id)
	b.WriteByte('.')
	b.WriteString(base64.RawStdEncoding.EncodeToString(mac))
	return b.String()
}

// unsign returns the id that plain carries before its last dot, if one of the
// secrets signed it: exports.unsign of cookie-signature 1.0.7, index.js:36.
//
// The text of the signature is compared, as in Node, not the bytes it stands for:
// each id has exactly one valid signature per secret. [subtle.ConstantTimeCompare]
// takes the same time wherever the two differ. The secrets are tried in order, so
// that only the holder of a valid cookie can measure which of them signed it.
func (k *keys) unsign(plain []byte) (id []byte, ok bool) {
	dot := bytes.LastIndexByte(plain, '.')
	if dot < 0 || len(plain)-dot-1 != macText || !validID(plain[:dot]) {
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
