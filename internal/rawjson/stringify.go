package rawjson

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Marshal returns v as JSON the way JSON.stringify writes it: `<`, `>`, `&`, U+2028 and U+2029 are not
// escaped. ECMA-262 section 25.5.2.3 (QuoteJSONString). The result shares no memory with v.
func Marshal(v any) (json.RawMessage, error) {
	if raw, ok := v.(json.RawMessage); ok {
		if !Valid(raw) {
			return nil, fmt.Errorf("rawjson: marshal: %w", errSyntax)
		}
		return bytes.Clone(raw), nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	text := bytes.TrimSuffix(buf.Bytes(), []byte{'\n'})
	if bytes.Contains(text, []byte(`\u202`)) {
		text = plainSeparators(text)
	}
	return text, nil
}

// plainSeparators undoes encoding/json's escapes for U+2028 and U+2029, which JSON.stringify does not
// write. A backslash that is itself escaped is skipped as a pair.
func plainSeparators(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			out = append(out, b[i])
			continue
		}
		if i+6 <= len(b) && (string(b[i:i+6]) == `\u2028` || string(b[i:i+6]) == `\u2029`) {
			out = append(out, "\u2028"...)
			out[len(out)-1] += b[i+5] - '8'
			i += 5
			continue
		}
		out = append(out, b[i], b[i+1])
		i++
	}
	return out
}

// Quote returns s as a JSON string the way JSON.stringify writes it.
func Quote(s string) json.RawMessage {
	plain := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		b := make([]byte, 0, len(s)+2)
		return append(append(append(b, '"'), s...), '"')
	}
	raw, err := Marshal(s)
	if err != nil {
		panic("rawjson: internal error: " + err.Error()) // a string always marshals
	}
	return raw
}

// Unquote returns the string in the JSON string raw.
func Unquote(raw json.RawMessage) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	return unescaped(raw[1 : len(raw)-1]), true
}
