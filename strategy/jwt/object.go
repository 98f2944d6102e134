package jwt

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// object is a JSON object's members by name.
type object map[string]json.RawMessage

// parseObject reads a header or a claims set. No name may be there twice: RFC 7519 §4
// leaves a parser to refuse that or to take the last, and two parsers that choose
// differently see two users. Names that differ by case only count as the same, since
// encoding/json takes them for the same when it fills a struct.
func parseObject(data []byte) (object, error) {
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, errors.New("not JSON in UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	members, folded := object{}, map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, errors.New("not a JSON object")
		}
		folding := fold(name)
		if folded[folding] {
			return nil, errors.New("a name is there twice")
		}
		folded[folding] = true
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errors.New("not a JSON object")
		}
		members[name] = value
	}
	return members, nil
}

// fold returns the same text for all spellings of a name that encoding/json takes for
// one: those equal under Unicode's simple case folding.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for c := unicode.SimpleFold(r); c != r; c = unicode.SimpleFold(c) {
			least = min(least, c)
		}
		return least
	}, name)
}

// misspelt returns a member whose name is one of names but for its case. It would
// fill the field of a claims struct, past the check of the claim.
func (o object) misspelt(names ...string) (string, bool) {
	for member := range o {
		if !slices.Contains(names, member) && slices.ContainsFunc(names, func(name string) bool { return fold(name) == fold(member) }) {
			return member, true
		}
	}
	return "", false
}

// text returns the string member called name; ok is false when it is there and is not
// a string, or has half of a surrogate pair in it, as which it would equal others.
func (o object) text(name string) (value string, ok bool) {
	raw, there := o[name]
	if !there {
		return "", true
	}
	if raw[0] != '"' || json.Unmarshal(raw, &value) != nil || strings.ContainsRune(value, utf8.RuneError) {
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
		value, ok := o.text(name)
		return []string{value}, ok
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil, false
	}
	for _, item := range list {
		value, ok := object{name: item}.text(name)
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
func (o object) date(name string) (at *time.Time, ok bool) {
	raw, there := o[name]
	if !there {
		return nil, true
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || seconds < 0 || seconds > lastSecond {
		return nil, false
	}
	whole := int64(seconds)
	t := time.Unix(whole, int64((seconds-float64(whole))*1e9))
	return &t, true
}
