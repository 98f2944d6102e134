package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/seed-6f34412b/passport/strategy/password/limit"
)

// Argon2id is the Hasher of Argon2id, RFC 9106, in the text form that the reference
// implementation and the argon2 packages of other languages share:
//
//	$argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>
//
// The zero value can be used; it must not be copied after first use. A password may
// have any length and any bytes.
type Argon2id struct {
	// MemoryKiB, Passes and Lanes are the parameters m, t and p of new hashes. Zero means
	// 19456 (19 MiB), 2 and 1, the smaller choice of OWASP's Password Storage Cheat Sheet.
	// A stored hash of less memory or fewer passes needs a rehash.
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
	// MaxMemoryKiB and MaxPasses bound the parameters of a stored hash that is still
	// computed; zero means 262144 (256 MiB) and 16. They are never lower than the
	// parameters of new hashes. Lanes are bounded by 16.
	MaxMemoryKiB uint32
	MaxPasses    uint32
	// InsecureFast admits parameters below the least of OWASP's choices. It is for tests.
	InsecureFast bool
	// Limit limits how many hashes run at once; nil means a new one with the defaults.
	Limit *limit.Limit

	own limit.Limit
}

var _ Hasher = (*Argon2id)(nil)

const (
	argonSaltLen = 16 // bytes: RFC 9106 §3.1 recommends 16
	argonTagLen  = 32
	argonMaxLen  = 64 // the largest stored salt or tag
	argonMinSalt = 8  // the minimum of the reference implementation
	argonMinTag  = 16 // shorter ones can be guessed
	argonLanes   = 16

	// The smallest of the equivalent choices in OWASP's Password Storage Cheat Sheet is 7 MiB in 5 passes.
	leastArgonMemory = 7 << 10
	leastArgonWork   = leastArgonMemory * 5
	// More is probably a mistake in the unit, and each hash in progress uses it.
	mostArgonMemory = 2 << 20
	mostArgonPasses = 64
)

// argonHash is a parsed stored hash.
type argonHash struct {
	memory, passes uint32
	lanes          uint8
	salt, tag      []byte
}

func (h argonHash) key(password string) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, uint32(len(h.tag))) //nolint:gosec // at most argonMaxLen
}

func (h argonHash) work() uint64 { return uint64(h.memory) * uint64(h.passes) }

func (h argonHash) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes, b64.EncodeToString(h.salt), b64.EncodeToString(h.tag))
}

// params returns the parameters of a new hash.
func (a *Argon2id) params() argonHash {
	p := argonHash{a.MemoryKiB, a.Passes, a.Lanes, make([]byte, argonSaltLen), make([]byte, argonTagLen)}
	if p.memory == 0 {
		p.memory = 19456
	}
	if p.passes == 0 {
		p.passes = 2
	}
	if p.lanes == 0 {
		p.lanes = 1
	}
	return p
}

// Hash implements [Hasher]. It never returns ErrUnhashable.
func (a *Argon2id) Hash(ctx context.Context, password string) (string, error) {
	if err := a.check(); err != nil {
		return "", err
	}
	h := a.params()
	if _, err := rand.Read(h.salt); err != nil {
		return "", fmt.Errorf("password: argon2id: salt: %w", err)
	}
	err := a.bound().DoLowPriority(ctx, func() uint64 {
		h.tag = h.key(password)
		return h.work()
	})
	if err != nil {
		return "", err
	}
	return h.String(), nil
}

// Verify implements [Hasher]. A wrong password costs as much memory-time with a
// weaker stored hash as with a current one; a stronger hash takes longer.
func (a *Argon2id) Verify(ctx context.Context, hash, password string) error {
	if err := a.check(); err != nil {
		return err
	}
	current := a.params()
	h, readable := a.parse(hash)
	if !readable {
		h = current
	}
	match := false
	err := a.bound().Do(ctx, func() uint64 {
		match = subtle.ConstantTimeCompare(h.key(password), h.tag) == 1 && readable
		if match || h.work() >= current.work() {
			return h.work()
		}
		return h.work() + a.makeUp(current, current.work()-h.work(), password)
	})
	if err != nil {
		return err
	}
	return verdict(match, readable, hash)
}

// makeUp does missing KiB·passes of work, as nearly as whole passes allow, with at most the memory of a
// current hash, and returns how much it did.
func (a *Argon2id) makeUp(current argonHash, missing uint64, password string) uint64 {
	passes := (missing + uint64(current.memory) - 1) / uint64(current.memory)
	current.passes = uint32(passes)                                       //nolint:gosec // far less work than 2^32 passes
	current.memory = max(uint32(missing/passes), 8*uint32(current.lanes)) //nolint:gosec // not more than it was
	current.key(password)
	return current.work()
}

// Reads implements [Hasher].
func (a *Argon2id) Reads(hash string) bool {
	_, ok := a.parse(hash)
	return ok
}

// NeedsRehash implements [Hasher].
func (a *Argon2id) NeedsRehash(hash string) bool {
	h, ok := a.parse(hash)
	current := a.params()
	return !ok || h.memory < current.memory || h.passes < current.passes || len(h.salt) < argonSaltLen || len(h.tag) < argonTagLen
}

// Stats says how many hashes run, wait, were made and were refused.
func (a *Argon2id) Stats() limit.Stats { return a.bound().Stats() }

func (a *Argon2id) bound() *limit.Limit {
	if a.Limit != nil {
		return a.Limit
	}
	return &a.own
}

// check returns the mistakes in a's fields. [NewCheck] calls it.
func (a *Argon2id) check() error {
	p := a.params()
	var mistakes []error
	if p.memory < 8*uint32(p.lanes) {
		mistakes = append(mistakes, fmt.Errorf("password: argon2id: MemoryKiB is %d: give at least 8 for each lane (RFC 9106 §3.1), or 0 for 19456", p.memory))
	}
	if p.lanes > argonLanes {
		mistakes = append(mistakes, fmt.Errorf("password: argon2id: Lanes is %d: give at most %d, or 0 for 1", p.lanes, argonLanes))
	}
	if !a.InsecureFast && (p.memory < leastArgonMemory || p.work() < leastArgonWork) {
		mistakes = append(mistakes, fmt.Errorf("password: argon2id: MemoryKiB %d and Passes %d are too weak: give 7168 and 5, 19456 and 2, or 0 for these", p.memory, p.passes))
	}
	for _, f := range []struct {
		name        string
		value, most uint32
	}{
		{"MemoryKiB", p.memory, mostArgonMemory}, {"Passes", p.passes, mostArgonPasses},
		{"MaxMemoryKiB", a.MaxMemoryKiB, mostArgonMemory}, {"MaxPasses", a.MaxPasses, mostArgonPasses},
	} {
		if f.value > f.most {
			mistakes = append(mistakes, fmt.Errorf("password: argon2id: %s is %d: a few log-ins would take all memory or time: give at most %d, or 0", f.name, f.value, f.most))
		}
	}
	return errors.Join(append(mistakes, a.Limit.Check())...)
}

// parse parses a hash that may be computed. It accepts only the form that the reference implementation
// writes: the parameters in the order m, t, p, in plain decimal.
func (a *Argon2id) parse(hash string) (argonHash, bool) {
	fields := strings.Split(hash, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != "v=19" {
		return argonHash{}, false
	}
	params := strings.Split(fields[3], ",")
	if len(params) != 3 {
		return argonHash{}, false
	}
	current := a.params()
	memory, ok1 := argonParam(params[0], "m=", max(orDefault(a.MaxMemoryKiB, 256<<10), current.memory))
	passes, ok2 := argonParam(params[1], "t=", max(orDefault(a.MaxPasses, 16), current.passes))
	lanes, ok3 := argonParam(params[2], "p=", argonLanes)
	salt, err1 := base64.RawStdEncoding.Strict().DecodeString(fields[4])
	tag, err2 := base64.RawStdEncoding.Strict().DecodeString(fields[5])
	ok := ok1 && ok2 && ok3 && memory >= 8*lanes && err1 == nil && err2 == nil &&
		len(salt) >= argonMinSalt && len(salt) <= argonMaxLen && len(tag) >= argonMinTag && len(tag) <= argonMaxLen
	return argonHash{memory, passes, uint8(lanes), salt, tag}, ok //nolint:gosec // at most argonLanes
}

// argonParam parses name followed by a number from 1 to limit.
func argonParam(s, name string, limit uint32) (uint32, bool) {
	digits, ok := strings.CutPrefix(s, name)
	n, err := strconv.ParseUint(digits, 10, 32)
	ok = ok && err == nil && n >= 1 && uint32(n) <= limit && strconv.FormatUint(n, 10) == digits
	return uint32(n), ok
}

func orDefault(n, fallback uint32) uint32 {
	if n == 0 {
		return fallback
	}
	return n
}
