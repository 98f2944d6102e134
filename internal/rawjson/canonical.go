package rawjson

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Canonical returns v in the one form that its value has, however it was written: members
// in order, no space, numbers and escapes as JSON.stringify writes them. It may return v
// itself. The error says that v is not JSON.
func Canonical(v json.RawMessage) (json.RawMessage, error) {
	text := len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' && bytes.IndexByte(v, '\\') < 0
	digits := len(v) > 0 && !slices.ContainsFunc(v, func(c byte) bool { return c < '0' || c > '9' })
	if text || digits { // it has only one form
		return v, nil
	}
	d := json.NewDecoder(bytes.NewReader(v))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	return Marshal(sameNumbers(value)) // encoding/json sorts the members of a map
}

// sameNumbers writes the whole numbers in v, which JSON has many forms for, in one.
func sameNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			if f, err := strconv.ParseFloat(string(v), 64); err == nil && f == float64(int64(f)) {
				return int64(f)
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = sameNumbers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = sameNumbers(v[name])
		}
	}
	return v
}
