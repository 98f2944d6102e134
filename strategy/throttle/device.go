package throttle

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/strategy/internal/signed"
	"github.com/seed-6f34412b/passport/strategy/internal/token"
)

// A browser that has logged in has a cookie that says so: OWASP's device cookie. It contains a random name
// of the browser and, for each account that logged in with it, a note: the time, and a signature over the
// browser's name, the purpose, the strategy, the account and the time. A note of one strategy does not
// count for another: a password alone does not give anybody the budget of a browser that has also proved a
// code.
//
// https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies

const (
	maxNotes  = 8 // the most notes, of accounts or strategies, of one browser
	noteBytes = 4 + macBytes
	macBytes  = 16
	renewNote = 24 * time.Hour // a younger note is not renewed

	defaultKnown = 90 * 24 * time.Hour
	maxKnown     = 400 * 24 * time.Hour // RFC 6265bis §5.5
)

// checkDevice is Config.check for the cookie. shared says that other processes use the same counter.
func (c *Config) checkDevice(shared bool, wrong func(string, ...any)) {
	if c.KnownFor == 0 {
		c.KnownFor = defaultKnown
	}
	if c.KnownFor > maxKnown || c.KnownFor > 0 && c.KnownFor < time.Minute {
		wrong("KnownFor is %v: give a minute to 400 days, 0 for 90 days, or less than 0 for programs", c.KnownFor)
	}
	signed.CheckSecrets(c.Secrets, wrong)
	if len(c.Secrets) == 0 && c.KnownFor > 0 {
		if shared {
			wrong("Secrets is empty beside a Counter of your own: give 32 random bytes, to all processes the same, so that each knows the browsers that logged in at another, or KnownFor less than 0 for programs")
		}
		c.Secrets = []string{token.New() + token.New()}
	}
	c.CookieName = signed.CookieName(c.CookieName, "device", c.InsecureHTTP, wrong)
}

// device is a browser, as described by its cookie.
type device struct {
	name  string   // random; empty if r has no such cookie
	notes []string // with unchecked signatures, the latest first
}

// deviceOf reads the cookie. Parts that do not have our form are dropped.
func (c *Config) deviceOf(r *http.Request) device {
	cookie, err := r.Cookie(c.CookieName)
	if err != nil || c.KnownFor < 0 || len(cookie.Value) > 1024 {
		return device{}
	}
	parts := strings.Split(cookie.Value, ".")
	if !token.Valid(parts[0]) || len(parts) > 1+maxNotes {
		return device{}
	}
	d := device{name: parts[0]}
	for _, note := range parts[1:] {
		if len(note) == base64.RawURLEncoding.EncodedLen(noteBytes) {
			d.notes = append(d.notes, note)
		}
	}
	return d
}

// knows returns the time and the index of d's note for the account. ok is false if no note has a valid
// signature and is young enough.
func (c *Config) knows(d device, names []string, account string, now time.Time) (at time.Time, index int, ok bool) {
	for i, note := range d.notes {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(note)
		if err != nil {
			continue
		}
		at = time.Unix(int64(binary.BigEndian.Uint32(raw))*60, 0)
		if age := now.Sub(at); age >= c.KnownFor || age < -time.Hour {
			continue
		}
		if signed.Verify(raw[4:], c.Secrets, noteParts(d.name, names, account, raw[:4])...) {
			return at, i, true
		}
	}
	return time.Time{}, 0, false
}

// noteParts returns what the signature of a note is over.
func noteParts(name string, names []string, account string, at []byte) []string {
	return append([]string{"device", name, account, string(at)}, names...)
}

// known returns the cookie by which d, or a new browser, is known to the account from now on. If there are
// too many notes, the oldest is dropped.
func (c *Config) known(d device, names []string, account string, now time.Time) *http.Cookie {
	if d.name == "" {
		d.name = token.New()
	}
	notes := make([]string, 0, maxNotes)
	raw := binary.BigEndian.AppendUint32(nil, uint32(now.Unix()/60)) //nolint:gosec // minutes, until the year 10136
	raw = append(raw, signed.MAC(c.Secrets[0], noteParts(d.name, names, account, raw)...)[:macBytes]...)
	notes = append(notes, base64.RawURLEncoding.EncodeToString(raw))
	_, own, has := c.knows(d, names, account, now)
	for i, note := range d.notes {
		if len(notes) < maxNotes && (!has || i != own) {
			notes = append(notes, note)
		}
	}
	return &http.Cookie{ //nolint:gosec // Secure is left out only where InsecureHTTP asks for it
		Name: c.CookieName, Value: d.name + "." + strings.Join(notes, "."), Path: "/", MaxAge: int(c.KnownFor / time.Second),
		HttpOnly: true, Secure: !c.InsecureHTTP, SameSite: http.SameSiteLaxMode,
	}
}
