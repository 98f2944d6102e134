package cookies

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"slices"
	"sync"
)

// keys computes HMAC-SHA256 with several secrets. Each caller borrows one from a pool, because keying a new
// state takes three times as long as the sum itself. It also has the buffers, because what is passed to a
// hash.Hash escapes to the heap. A borrower reads only what it has written itself.
type keys struct {
	macs []hash.Hash // one per secret, in order
	text [maxExpress]byte
	sum  [sha256.Size]byte
}

// newKeys returns a pool of *keys for the secrets. They are only in the hash states and in the pool's New,
// where no formatting verb can print them.
func newKeys(secrets []string) *sync.Pool {
	secrets = slices.Clone(secrets)
	return &sync.Pool{New: func() any {
		k := &keys{macs: make([]hash.Hash, len(secrets))}
		for i, s := range secrets {
			k.macs[i] = hmac.New(sha256.New, []byte(s))
		}
		return k
	}}
}

// mac returns the sum of message under secret i. It is valid until the next call.
func (k *keys) mac(i int, message []byte) []byte {
	h := k.macs[i]
	h.Reset() // a borrowed state may hold another request's message
	h.Write(message)
	return h.Sum(k.sum[:0])
}

// derive returns a secret for purpose from each secret of pool. The codecs sign ids, preceded by names and
// dates; none of these contains a space, so no signature equals a derived secret.
func derive(pool *sync.Pool, purpose string) (list [][]byte) {
	k := pool.Get().(*keys)
	defer pool.Put(k)
	for i := range k.macs {
		list = append(list, slices.Clone(k.mac(i, []byte("passport: a secret for "+purpose))))
	}
	return list
}
