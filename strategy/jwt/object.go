package jwt

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-6f34412b/passport/strategy/internal/strictjson"
)

// object is a header, a claims set or a key: its members by name.
type object strictjson.Object

// parseObject refuses names that are there twice, and at the top level names that differ by case only: a
// claims type with an UnmarshalJSON could take them for the same.
func parseObject(data []byte) (object, error) {
	o, err := strictjson.Parse(data)
	if err == nil && o.HasTwins() {
		err = strictjson.ErrTwice
	}
	return object(o), err
}

// misspelt returns a member whose name differs from one of names by its case only.
func (o object) misspelt(names ...string) (string, bool) {
	return strictjson.Object(o).Misspelt(names...)
}

// text returns the string member called name. ok is false if it is there and is not a
// string, or has half of a surrogate pair in it, which would make it equal to others.
func (o object) text(name string) (value string, ok bool) {
	raw, there := o[name]
	if !there {
		return "", true
	}
	return textOf(raw)
}

func textOf(raw json.RawMessage) (value string, ok bool) {
	value, err := strictjson.Text(raw)
	if err != nil || raw[0] != '"' || strings.ContainsRune(value, utf8.RuneError) {
		return "", false
	}
	return value, true
}

// isNumber reports whether the member called name is there and a number.
func (o object) isNumber(name string) bool {
	raw := o[name]
	return len(raw) > 0 && (raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9')
}

// texts returns the member called name, a string or a list of strings.
func (o object) texts(name string) (values []string, ok bool) {
	raw, there := o[name]
	if !there {
		return nil, true
	}
	if raw[0] != '[' {
		value, ok := textOf(raw)
		return []string{value}, ok
	}
	for _, item := range strictjson.Items(raw) {
		value, ok := textOf(item)
		if !ok {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}

// lastSecond is the end of the year 9999. Seconds beyond it would leave the range of
// what time.Time can compare.
const lastSecond = 253402300799

// date returns the NumericDate member called name, "the number of seconds from
// 1970-01-01T00:00:00Z UTC" (RFC 7519 §2), nil when there is none.
func (o object) date(name string) (at *NumericDate, ok bool) {
	raw, there := o[name]
	if !there {
		return nil, true
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || seconds < 0 || seconds > lastSecond {
		return nil, false
	}
	whole := int64(seconds)
	return &NumericDate{Time: time.Unix(whole, int64((seconds-float64(whole))*1e9))}, true
}
