package session

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/record"
)

// MaxRecordBytes is the size of the largest record that is read or written. A larger
// one in the store counts as malformed; a commit that would write one fails.
const MaxRecordBytes = record.MaxBytes

// terms returns the lifetimes of sessions under c.
func (c *Config) terms() record.Terms {
	t := record.Terms{Idle: c.IdleTimeout, Absolute: c.AbsoluteTimeout, RefreshAfter: c.RefreshAfter, Cookie: c.cookieMember()}
	if c.Persistent {
		t.MaxAge = c.IdleTimeout.Truncate(time.Millisecond)
	}
	return t
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
