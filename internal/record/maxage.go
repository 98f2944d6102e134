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

// SetExpires makes the cookie member of d that of a new session, or moves its expires.
// Other fields of an existing one stay byte for byte. It returns the originalMaxAge.
func (d *Draft) SetExpires(t Terms, now time.Time) (age time.Duration, err error) {
	cookie := d.cookie(t)
	if age = parseMaxAge(rawjson.Find(cookie, maxAgeKey)); age > 0 {
		var c rawjson.Object
		if err := c.Parse(cookie); err != nil {
			return 0, fmt.Errorf("session: cookie member: %w", err)
		}
		c.Set("expires", json.RawMessage(now.Add(age).UTC().Format(isoTime)))
		cookie = c.AppendTo(nil)
	}
	d.Members.SetFirst(CookieKey, cookie)
	return age, nil
}

// SetMaxAge writes a lifetime of its own into the draft's cookie member; zero takes it out.
func (d *Draft) SetMaxAge(t Terms, age time.Duration) error {
	var c rawjson.Object
	if err := c.Parse(d.cookie(t)); err != nil {
		return fmt.Errorf("session: cookie member: %w", err)
	}
	if age == 0 {
		c.Set(maxAgeKey, json.RawMessage("null"))
		c.Set("expires", json.RawMessage("null"))
	} else {
		c.Set(maxAgeKey, strconv.AppendInt(nil, age.Milliseconds(), 10))
	}
	d.Members.SetFirst(CookieKey, c.AppendTo(nil))
	return nil
}

func (d *Draft) cookie(t Terms) json.RawMessage {
	if cookie := d.Members.Get(CookieKey); cookie != nil {
		return cookie
	}
	return t.Cookie
}
