package rawjson

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Canonical returns v in the one form that its value has, however it was written: members
// in order, no space, numbers and escapes as JSON.stringify writes them. Numbers that a float64
// may not hold keep their text: two of them must not become one. It may return v itself. The
// error says that v is not JSON.
func Canonical(v json.RawMessage) (json.RawMessage, error) {
	text := len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' && bytes.IndexByte(v, '\\') < 0
	digits := len(v) > 0 && len(v) <= maxPlain && !slices.ContainsFunc(v, func(c byte) bool { return c < '0' || c > '9' })
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

// maxPlain is how many digits a whole number has that is written without an exponent (ECMA-262
// §6.1.6.1.20), at most.
const maxPlain = 21

// exactDigits is how many significant digits every float64 holds.
const exactDigits = 15

// sameNumbers writes the numbers in v, which JSON has many forms for, in one.
func sameNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		mantissa, _, _ := strings.Cut(strings.ToLower(string(v)), "e")
		digits := strings.Trim(strings.NewReplacer("-", "", ".", "").Replace(mantissa), "0")
		f, err := strconv.ParseFloat(string(v), 64)
		switch {
		case digits == "":
			return 0 // -0 too: String(-0) is "0" (ECMA-262 §6.1.6.1.20)
		case err != nil, f == 0, len(digits) > exactDigits:
			return v
		}
		return f // encoding/json writes it as ECMA-262 §6.1.6.1.20 does
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
