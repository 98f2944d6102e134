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
	if onlyForm(v) {
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

// onlyForm reports whether id is a number or a string that has only one form.
func onlyForm(id json.RawMessage) bool {
	if len(id) == 0 {
		return false
	}
	if id[0] == '"' {
		return bytes.IndexByte(id, '\\') < 0 && id[len(id)-1] == '"'
	}
	return !slices.ContainsFunc(id, func(c byte) bool { return c < '0' || c > '9' })
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
