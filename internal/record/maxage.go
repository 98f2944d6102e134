package record

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// maxAgeKey is the cookie's own idle timeout, in milliseconds.
const maxAgeKey = "originalMaxAge"

// MaxCookieAge is the longest life that a browser grants a cookie (RFC 6265bis §5.5).
const MaxCookieAge = 400 * 24 * time.Hour

// Idle returns the record's own idle timeout, Express's originalMaxAge, if it is a
// number of milliseconds. One that is longer than a cookie's life counts as that.
func (r *Record) Idle() (time.Duration, bool) { return min(r.idle, MaxCookieAge), r.idle > 0 }

// parseMaxAge reads the value of originalMaxAge; 0 means that it is no number, or none that
// makes sense. It is at most 285 years, which is more than any date here needs.
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

// cookieAt returns the cookie member as it is written at now, that of a new session where d
// has none, and the originalMaxAge in it. Only expires moves; other fields of an existing
// one stay byte for byte.
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

// SetMaxAge writes a lifetime of its own into the draft's cookie member; zero takes it out.
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
