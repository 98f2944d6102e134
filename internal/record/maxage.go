package record

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// maxAgeKey is the member with the cookie's own idle timeout, in milliseconds.
const maxAgeKey = "originalMaxAge"

// MaxCookieAge is the longest lifetime that browsers give a cookie (RFC 6265bis §5.5).
const MaxCookieAge = 400 * 24 * time.Hour

// Idle returns the record's own idle timeout, Express's originalMaxAge, if that is a number of
// milliseconds. It is at most MaxCookieAge.
func (r *Record) Idle() (time.Duration, bool) { return min(r.idle, MaxCookieAge), r.idle > 0 }

// parseMaxAge reads the value of originalMaxAge; 0 means that it is not a number in a sensible range. The
// result is at most 285 years, which is more than any date here needs.
func parseMaxAge(raw json.RawMessage) time.Duration {
	if len(raw) == 0 || raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return 0 // null, in nearly every record
	}
	ms, ok := rawjson.Int(raw)
	if !ok {
		var f float64 // 1e6, 60000.5
		if json.Unmarshal(raw, &f) == nil && f >= 1 {
			ms = int64(min(f, maxAgeMillis))
		}
	}
	return time.Duration(max(0, min(ms, maxAgeMillis))) * time.Millisecond
}

const maxAgeMillis = 9e12

// isoTime is JavaScript's Date.prototype.toISOString (ECMA-262 §21.4.4.36), quoted.
const isoTime = `"2006-01-02T15:04:05.000Z"`

// cookieAt returns the cookie member as encoded at now, that of a new session if d has none, and its
// originalMaxAge. In an existing one only expires changes; the other fields stay byte for byte.
func (d *Draft) cookieAt(t Terms, now time.Time) (cookie json.RawMessage, age time.Duration, err error) {
	if cookie, age = d.cookie, d.maxAge; cookie == nil {
		cookie, age = t.Cookie, t.MaxAge
	}
	if age == 0 {
		return cookie, 0, nil
	}
	var c rawjson.Object
	if err := c.Parse(cookie); err != nil {
		return nil, 0, fmt.Errorf("session: cookie member: %w", err)
	}
	c.Set("expires", json.RawMessage(now.Add(age).UTC().Format(isoTime)))
	return c.AppendTo(nil), age, nil
}

// SetMaxAge sets a lifetime of its own in the draft's cookie member; zero removes it.
func (d *Draft) SetMaxAge(t Terms, age time.Duration) error {
	cookie := d.cookie
	if cookie == nil {
		cookie = t.Cookie
	}
	var c rawjson.Object
	if err := c.Parse(cookie); err != nil {
		return fmt.Errorf("session: cookie member: %w", err)
	}
	if age == 0 {
		c.Set(maxAgeKey, json.RawMessage("null"))
		c.Set("expires", json.RawMessage("null"))
	} else {
		c.Set(maxAgeKey, strconv.AppendInt(nil, age.Milliseconds(), 10))
	}
	d.cookie, d.maxAge = c.AppendTo(nil), age.Truncate(time.Millisecond)
	return nil
}
