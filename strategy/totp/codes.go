package totp

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6238 §1.2: HMAC-SHA-1 is the default that every authenticator knows
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/bounded"
	"github.com/seed-6f34412b/passport/strategy/internal/token"
)

// Hash is the hash of [Codes].
type Hash uint8

// The hashes of RFC 6238 §1.2. Many authenticators use SHA-1 whatever they are told;
// HMAC does not depend on its resistance to collisions.
const (
	SHA1 Hash = iota
	SHA256
	SHA512
)

func (h Hash) new() (make func() hash.Hash, name string, size int) {
	switch h {
	case SHA1:
		return sha1.New, "SHA1", sha1.Size
	case SHA256:
		return sha256.New, "SHA256", sha256.Size
	case SHA512:
		return sha512.New, "SHA512", sha512.Size
	}
	return nil, "", 0
}

// CodesConfig is what [NewCodes] needs. With Cells and Issuer alone it has the values
// that all authenticator apps support.
type CodesConfig struct {
	// Cells stores each account's last code, so that none is valid twice; required. See
	// store.Redis and store.Memory.
	Cells strategy.Cells
	// Issuer is the application's name, as the authenticator app shows it; required.
	Issuer string
	// Hash is the HMAC's; zero is SHA-1.
	Hash Hash
	// Digits is the length of a code, 6 or 8; zero means 6.
	Digits int
	// Period is how long a code is shown, in whole seconds, 15 to 120; zero means 30.
	Period time.Duration
	// Drift is how many periods before and after the present one are accepted too, because clocks differ
	// and users type slowly; zero means 1, which RFC 6238 §5.2 recommends, and below zero none, for OWASP
	// ASVS 5.0, 6.5.5, which grants a code 30 seconds. At most 4, and 2 minutes.
	Drift int
}

// Codes makes and checks the codes of authenticator apps, RFC 6238. [NewCodes] makes
// one; it is safe for concurrent use.
type Codes struct {
	cfg  CodesConfig
	hash func() hash.Hash
	name string
	size int
}

// maxDrift is how old or early a code may be. NIST SP 800-63B-4 §3.1.4.1 requires codes to change at least
// that often.
const maxDrift = 2 * time.Minute

// NewCodes returns every mistake in cfg at once.
func NewCodes(cfg CodesConfig) (*Codes, error) {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("totp: new codes: "+format, args...))
	}
	if strategy.IsNilUser(cfg.Cells) {
		wrong("Cells is nil: give one that remembers used codes, such as that of store.Redis")
	}
	if cfg.Issuer == "" || strings.Contains(cfg.Issuer, ":") {
		wrong("Issuer is %q: give the application's name, without a colon", cfg.Issuer)
	}
	if cfg.Digits == 0 {
		cfg.Digits = 6
	}
	if cfg.Digits != 6 && cfg.Digits != 8 {
		wrong("Digits is %d: want 6 or 8, or 0 for 6", cfg.Digits)
	}
	if cfg.Period == 0 {
		cfg.Period = 30 * time.Second
	}
	if cfg.Period < 15*time.Second || cfg.Period > maxDrift || cfg.Period%time.Second != 0 {
		wrong("Period is %v: want whole seconds, 15 to 120, or 0 for 30", cfg.Period)
	}
	if cfg.Drift == 0 {
		cfg.Drift = 1
	}
	cfg.Drift = max(cfg.Drift, 0)
	if cfg.Drift > 4 || cfg.Period <= maxDrift && time.Duration(cfg.Drift)*cfg.Period > maxDrift {
		wrong("Drift is %d: so many codes at once are easily guessed, and one that was seen is good for long: want at most 4 periods and %v, or 0 for 1", cfg.Drift, maxDrift)
	}
	c := &Codes{cfg: cfg}
	if c.hash, c.name, c.size = cfg.Hash.new(); c.hash == nil {
		wrong("Hash %d is unknown: use SHA1, SHA256 or SHA512", cfg.Hash)
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	c.cfg.Cells = bounded.Cells(cfg.Cells)
	return c, nil
}

// NewKey returns a random key for one account, as long as the hash's result (RFC 4226
// §4, R6). It cannot be hashed like a password: store it encrypted, by a [Vault].
func (c *Codes) NewKey() []byte {
	key := make([]byte, c.size)
	_, _ = rand.Read(key) // crypto/rand never fails
	return key
}

// URL returns the otpauth:// address that an authenticator app reads as a QR code.
// account names the user within the application. It contains the key: show it once, to
// its owner, over TLS, and log it nowhere.
//
// https://github.com/google/google-authenticator/wiki/Key-Uri-Format
func (c *Codes) URL(account string, key []byte) string {
	label := url.PathEscape(c.cfg.Issuer) + ":" + url.PathEscape(account)
	q := []string{
		"secret=" + keyText(key),
		"issuer=" + strings.ReplaceAll(url.QueryEscape(c.cfg.Issuer), "+", "%20"), // apps do not read + as a space
		"algorithm=" + c.name,
		"digits=" + strconv.Itoa(c.cfg.Digits),
		"period=" + strconv.Itoa(int(c.cfg.Period/time.Second)),
	}
	return "otpauth://totp/" + label + "?" + strings.Join(q, "&")
}

// keyText returns a key as apps take it: in base32 without padding.
func keyText(key []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key)
}

// Code returns the code that an authenticator app shows at the given time.
func (c *Codes) Code(key []byte, at time.Time) string { return c.code(key, c.step(at)) }

// step returns T of RFC 6238 §4.2.
func (c *Codes) step(at time.Time) int64 { return at.Unix() / int64(c.cfg.Period/time.Second) }

// code returns the code of step: HOTP, RFC 4226 §5.3.
func (c *Codes) code(key []byte, step int64) string {
	mac := hmac.New(c.hash, key)
	_ = binary.Write(mac, binary.BigEndian, step) // a hash never fails
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	mod := uint32(1_000_000)
	if c.cfg.Digits == 8 {
		mod = 100_000_000
	}
	return fmt.Sprintf("%0*d", c.cfg.Digits, n%mod)
}

// Verify checks the code that account's owner typed, without spaces. A code is valid
// once, and invalidates those before it (RFC 6238 §5.2): of two attempts with it at
// once, one succeeds. The error wraps [strategy.ErrUnauthenticated] when the code is
// wrong, used or too old, and key too short; any other is an outage.
func (c *Codes) Verify(ctx context.Context, account string, key []byte, code string) error {
	code = strings.ReplaceAll(code, " ", "")
	step, ok := c.match(key, code, c.step(time.Now()))
	if !ok {
		return errBadCode
	}
	cell := "totp:" + token.Hash(account)
	mine := []byte(strconv.FormatInt(step, 10))
	last, err := c.cfg.Cells.Load(ctx, cell)
	if err != nil {
		return fmt.Errorf("totp: %w", err)
	}
	// The stored step is forgotten when no code of that time is accepted any more.
	ttl := time.Duration(2*c.cfg.Drift+2) * c.cfg.Period
	for {
		if used, err := strconv.ParseInt(string(last), 10, 64); last != nil && (err != nil || used >= step) {
			return errBadCode
		}
		found, swapped, err := c.cfg.Cells.Swap(ctx, cell, last, mine, ttl)
		if err != nil {
			return fmt.Errorf("totp: %w", err)
		}
		if swapped {
			return nil
		}
		last = found
	}
}

// minKey is 112 bits, the minimum of NIST SP 800-63B-4 §3.1.4.1.
const minKey = 14

// match returns the step, within the drift, that has the given code. It compares with all of them, each in
// constant time.
func (c *Codes) match(key []byte, code string, now int64) (step int64, ok bool) {
	if len(key) < minKey {
		return 0, false
	}
	for s := now - int64(c.cfg.Drift); s <= now+int64(c.cfg.Drift); s++ {
		if subtle.ConstantTimeCompare([]byte(c.code(key, s)), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

var errBadCode = fmt.Errorf("%w: the code is wrong, used or too old", strategy.ErrUnauthenticated)
