package rawjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Canonical returns v in the one form that all spellings of its value share: members in order, no space,
// numbers and escapes as JSON.stringify writes them. Numbers keep all their digits, even if a float64 has
// fewer, so that different numbers stay different. It may return v itself. The error says that v is not
// JSON.
func Canonical(v json.RawMessage) (json.RawMessage, error) {
	text := len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' && bytes.IndexByte(v, '\\') < 0
	digits := len(v) > 0 && len(v) <= maxPlain && !slices.ContainsFunc(v, func(c byte) bool { return c < '0' || c > '9' })
	if text || digits { // it is canonical already
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

// maxPlain is the largest number of digits of a whole number that is written without an exponent (ECMA-262
// §6.1.6.1.20).
const maxPlain = 21

// sameNumbers writes each number in v in its one canonical form.
func sameNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return json.Number(decimal(string(v)))
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

// decimal writes the JSON number v as ECMA-262 §6.1.6.1.20 does, but with all its digits. An exponent that
// does not fit an int stays as it is.
func decimal(v string) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(v), "e")
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	point := len(whole) // the number of digits before the point
	digits := strings.TrimLeft(whole+fraction, "0")
	point -= len(whole+fraction) - len(digits)
	if digits = strings.TrimRight(digits, "0"); digits == "" {
		return "0" // -0 too: String(-0) is "0"
	}
	if exponent != "" {
		e, err := strconv.ParseInt(exponent, 10, 32)
		if err != nil {
			return v
		}
		point += int(e)
	}
	sign := ""
	if negative {
		sign = "-"
	}
	switch n := len(digits); {
	case n <= point && point <= maxPlain:
		return sign + digits + strings.Repeat("0", point-n)
	case 0 < point && point <= maxPlain:
		return sign + digits[:point] + "." + digits[point:]
	case -6 < point && point <= 0:
		return sign + "0." + strings.Repeat("0", -point) + digits
	case n > 1:
		digits = digits[:1] + "." + digits[1:]
	}
	return fmt.Sprintf("%s%se%+d", sign, digits, point-1)
}
