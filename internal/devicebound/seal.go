package devicebound

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"
)

// Sealer makes and checks what the server sends without keeping a record of it: challenges, and the proofs
// in the bound cookie. It is immutable and safe for concurrent use. The zero value accepts nothing.
type Sealer struct {
	secrets [][2][sha256.BlockSize]byte // of HMAC, RFC 2104 §2: each with its inner and outer pad
}

// NewSealer returns a Sealer with secrets of 32 bytes each: the first one seals, all of them verify.
func NewSealer(secrets ...[]byte) *Sealer {
	s := new(Sealer)
	for _, secret := range secrets {
		var pads [2][sha256.BlockSize]byte
		copy(pads[0][:], secret)
		copy(pads[1][:], secret)
		for i := range pads[0] {
			pads[0][i] ^= 0x36
			pads[1][i] ^= 0x5c
		}
		s.secrets = append(s.secrets, pads)
	}
	return s
}

// purpose is what a sealed text is for, so that it is not accepted as another kind.
type purpose byte

const (
	proofOf         purpose = 'p'
	registrationFor purpose = 'r'
	refreshFor      purpose = 'f'
)

const (
	macLen   = 24 // of 32 bytes, as RFC 2104 §5 allows
	nonceLen = 8

	proofBytes     = sinceBytes + macLen
	challengeBytes = sinceBytes + nonceLen + macLen

	// maxSubject is the length of the longest id, maxMessage that of everything the MAC is over.
	maxSubject = 512
	maxMessage = sha256.BlockSize + 1 + sinceBytes + nonceLen + maxSubject
)

// mac returns the HMAC-SHA256 of facts for subject, cut to macLen. It is written out because it runs on
// each request and crypto/hmac allocates: 0.3 us instead of 0.8.
func (s *Sealer) mac(i int, as purpose, facts []byte, subject string) (sum [sha256.Size]byte) {
	if len(subject) > maxSubject {
		return sum
	}
	pads := &s.secrets[i]
	var buf [maxMessage]byte
	b := append(append(buf[:0], pads[0][:]...), byte(as))
	b = append(append(b, facts...), subject...)
	inner := sha256.Sum256(b)
	var outer [sha256.BlockSize + sha256.Size]byte
	copy(outer[:], pads[1][:])
	copy(outer[sha256.BlockSize:], inner[:])
	return sha256.Sum256(outer[:])
}

// opens reports whether sealed is the MAC of facts for subject with one of the secrets.
func (s *Sealer) opens(as purpose, facts []byte, subject string, sealed []byte) bool {
	if len(subject) > maxSubject {
		return false
	}
	for i := range s.secrets {
		sum := s.mac(i, as, facts, subject)
		if subtle.ConstantTimeCompare(sum[:macLen], sealed) == 1 {
			return true
		}
	}
	return false
}

// Proof returns the new value of the bound cookie: it proves that the browser that gets it has just used
// the key of b.
func (s *Sealer) Proof(b Binding, now time.Time) string {
	facts := appendMillis(make([]byte, 0, proofBytes), now)
	sum := s.mac(0, proofOf, facts, string(b))
	return base64.RawURLEncoding.EncodeToString(append(facts, sum[:macLen]...))
}

// Proves reports whether value is a proof for b and younger than life. It allocates nothing.
func (s *Sealer) Proves(value string, b Binding, now time.Time, life time.Duration) bool {
	var text [proofBytes * 4 / 3]byte
	var raw [proofBytes + 3]byte
	if b == "" || len(value) != len(text) {
		return false
	}
	copy(text[:], value)
	if n, err := base64.RawURLEncoding.Decode(raw[:], text[:]); err != nil || n != proofBytes {
		return false
	}
	return now.Sub(millis(raw[:])) < life && s.opens(proofOf, raw[:sinceBytes], string(b), raw[sinceBytes:proofBytes])
}

// Offer returns a challenge for the registration of a key for the session of id.
func (s *Sealer) Offer(id string, now time.Time) string { return s.challenge(registrationFor, id, now) }

// Offered reports whether challenge was made by Offer for id and is younger than life.
func (s *Sealer) Offered(challenge, id string, now time.Time, life time.Duration) bool {
	return s.fresh(registrationFor, challenge, id, now, life)
}

// Challenge returns a challenge for the browser that has the key of b.
func (s *Sealer) Challenge(b Binding, now time.Time) string {
	return s.challenge(refreshFor, string(b), now)
}

// Challenged reports whether challenge was made by Challenge for b and is younger than life.
func (s *Sealer) Challenged(challenge string, b Binding, now time.Time, life time.Duration) bool {
	return s.fresh(refreshFor, challenge, string(b), now, life)
}

func (s *Sealer) challenge(as purpose, subject string, now time.Time) string {
	facts := appendMillis(make([]byte, 0, challengeBytes), now)
	facts = facts[:sinceBytes+nonceLen]
	rand.Read(facts[sinceBytes:]) // never fails: crypto/rand ends the program instead
	sum := s.mac(0, as, facts, subject)
	return base64.RawURLEncoding.EncodeToString(append(facts, sum[:macLen]...))
}

func (s *Sealer) fresh(as purpose, challenge, subject string, now time.Time, life time.Duration) bool {
	if len(challenge) != base64.RawURLEncoding.EncodedLen(challengeBytes) {
		return false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if err != nil || len(raw) != challengeBytes {
		return false
	}
	facts, sealed := raw[:sinceBytes+nonceLen], raw[sinceBytes+nonceLen:]
	return now.Sub(millis(facts)) < life && s.opens(as, facts, subject, sealed)
}

// Name returns the name that browser and server use for the session that b binds. It is no secret, and
// stays the same when the session is renewed.
func (b Binding) Name() string {
	sum := sha256.Sum256([]byte("passport device-bound session\x00" + b))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
