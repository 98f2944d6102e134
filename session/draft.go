package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// A draft is the content of a session as this request wants it: a copy of the record
// with the request's operations applied. When the record turns out to have changed,
// the operations run again on the new one.
type draft struct {
	obj    rawjson.Object // all members but our own
	born   int64          // Unix milliseconds; 0 means at the commit
	keys   []string       // slot keys recorded by Go
	labels []string
}

// An op is one change. It must give the same result when it runs again, but for what
// it finds in the draft.
type op func(d *draft, now time.Time) error

func (d *draft) reset(r *record) {
	d.obj.CopyFrom(r.object())
	d.obj.Delete(ownKey)
	d.born = r.own.born
	d.keys = stringsOf(r.own.list("k"))
	d.dropNotes(r)
	d.labels = relabelled(r.listed(), d.allKeys(), d.slotAt)
}

// slotAt returns the log-in under key, whether or not it is past its limit.
func (d *draft) slotAt(key string) (reqstate.Slot, bool) { return reqstate.ParseSlot(d.obj.Get(key)) }

// empty reports whether there is nothing worth a record.
func (d *draft) empty() bool {
	n := d.obj.Len()
	if d.obj.Get(cookieKey) != nil {
		n--
	}
	return n == 0 && len(d.labels) == 0
}

var errTooLarge = fmt.Errorf("session: record is over %d bytes: keep large data in a database and its key in the session", MaxRecordBytes)

// errPastDeadline says that the record's time is over: it is ended, not written.
var errPastDeadline = errors.New("session: past its absolute deadline")

// encoded is a draft as text.
type encoded struct {
	ttl      time.Duration
	deadline time.Time
	rec      record
}

// encode writes d as the record that is stored under id at now. before is the record
// that it replaces, or nil.
func (m *Manager) encode(d *draft, id string, before *own, rev string, now time.Time) (*encoded, error) {
	if err := m.setCookieMember(d, now); err != nil {
		return nil, err
	}
	born := d.born
	if born == 0 {
		born = now.UnixMilli()
	}
	o := make([]byte, 0, 176)
	o = strconv.AppendInt(append(o, `{"b":`...), born, 10)
	if seen := now.UnixMilli(); seen != born {
		o = strconv.AppendInt(append(o, `,"s":`...), seen, 10)
	}
	o = append(append(o, `,"v":"`...), rev...)
	if before != nil {
		o = append(o, before.history(now)...)
	}
	tie := tieOf(id)
	o = append(append(append(o, `","i":"`...), tie[:]...), '"')
	if len(d.keys) > 0 && !slices.Equal(d.keys, passportKeys) {
		o = appendStrings(append(o, `,"k":`...), d.keys)
	}
	slot, logged := d.slotAt(passportKey)
	switch {
	case len(d.labels) == 0:
	case logged && slot.ByGo && slices.Equal(d.labels, labelsOf(passportKey, slot)):
		o = append(append(o, `,"l":`...), onlyPassport...)
	default:
		o = appendStrings(append(o, `,"l":`...), d.labels)
	}
	o = append(o, '}')
	d.obj.Set(ownKey, o)
	data := d.obj.AppendTo(make([]byte, 0, d.obj.Size()))
	d.obj.Delete(ownKey)
	if len(data) > MaxRecordBytes {
		return nil, errTooLarge
	}
	e := new(encoded)
	if err := e.rec.parse(id, data); err != nil {
		return nil, fmt.Errorf("session: internal error: own record: %w", err)
	}
	e.deadline = e.rec.deadline(m.cfg.AbsoluteTimeout)
	idle, ok := e.rec.idle()
	if !ok {
		idle = m.cfg.IdleTimeout
	}
	e.ttl = min(idle, e.deadline.Sub(now)).Truncate(time.Millisecond)
	if e.ttl < time.Millisecond {
		return nil, errPastDeadline
	}
	return e, nil
}

// isoTime is JavaScript's Date.prototype.toISOString (ECMA-262 §21.4.4.36), quoted.
const isoTime = `"2006-01-02T15:04:05.000Z"`

// setCookieMember makes the cookie member of d that of a new session, or moves its
// expires. Other fields of an existing one stay byte for byte.
func (m *Manager) setCookieMember(d *draft, now time.Time) error {
	cookie := d.obj.Get(cookieKey)
	if cookie == nil {
		cookie = m.newCookieMember
	}
	age, ok := parseMaxAge(rawjson.Find(cookie, maxAgeKey))
	if ok {
		var c rawjson.Object
		if err := c.Parse(cookie); err != nil {
			return fmt.Errorf("session: cookie member: %w", err)
		}
		c.Set("expires", json.RawMessage(now.Add(age).UTC().Format(isoTime)))
		cookie = c.AppendTo(nil)
	}
	d.obj.SetFirst(cookieKey, cookie)
	return nil
}

// setMaxAge writes a lifetime of its own into the draft's cookie member.
func (m *Manager) setMaxAge(d *draft, age time.Duration) error {
	cookie := d.obj.Get(cookieKey)
	if cookie == nil {
		cookie = m.newCookieMember
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
	d.obj.SetFirst(cookieKey, c.AppendTo(nil))
	return nil
}

// cookieMember returns the cookie member of a new session, with the fields and the
// order of express-session's Cookie (session/cookie.js, data).
func (c *Config) cookieMember() json.RawMessage {
	b := []byte(`{"originalMaxAge":`)
	if c.Persistent {
		b = strconv.AppendInt(b, c.IdleTimeout.Milliseconds(), 10)
	} else {
		b = append(b, "null"...)
	}
	if c.Partitioned {
		b = append(b, `,"partitioned":true`...)
	}
	if c.Priority != "" {
		b = append(append(b, `,"priority":`...), rawjson.Quote(strings.ToLower(c.Priority))...)
	}
	b = append(b, `,"expires":null`...)
	if !c.InsecureHTTP {
		b = append(b, `,"secure":true`...)
	}
	b = strconv.AppendBool(append(b, `,"httpOnly":`...), !c.ScriptReadable)
	if c.Domain != "" {
		b = append(append(b, `,"domain":`...), rawjson.Quote(c.Domain)...)
	}
	b = append(append(b, `,"path":`...), rawjson.Quote(c.Path)...)
	b = append(b, `,"sameSite":`...)
	switch c.SameSite {
	case http.SameSiteStrictMode:
		b = append(b, `"strict"`...)
	case http.SameSiteNoneMode:
		b = append(b, `"none"`...)
	default:
		b = append(b, `"lax"`...)
	}
	return append(b, '}')
}

func addString(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func removeString(list []string, s string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(t string) bool { return t == s })
}
