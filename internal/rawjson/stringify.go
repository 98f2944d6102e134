package rawjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Marshal returns v as JSON the way JSON.stringify writes it: `<`, `>`, `&`, U+2028 and U+2029 are not
// escaped. ECMA-262 section 25.5.2.3 (QuoteJSONString). The result shares no memory with v.
func Marshal(v any) (json.RawMessage, error) {
	switch v := v.(type) {
	case json.RawMessage:
		if !Valid(v) {
			return nil, fmt.Errorf("rawjson: marshal: %w", errSyntax)
		}
		return bytes.Clone(v), nil
	case string:
		return Quote(v), nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	text := bytes.TrimSuffix(buf.Bytes(), []byte{'\n'})
	if !utf8.Valid(text) { // encoding/json copies what a MarshalJSON or a json.RawMessage within v has
		return nil, fmt.Errorf("rawjson: marshal: %w", errUTF8)
	}
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
	b := append(append(append(make([]byte, 0, len(s)+2), '"'), s...), '"')
	if end, escaped := str(b, 0); end == len(b) && !escaped {
		return b // it has nothing to escape
	}
	raw, err := Marshal(&s) // by encoding/json, as all that is not a string itself
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

// Stringified returns v as Node writes it once it has read it: the members in their order, no space, numbers
// and escapes as JSON.stringify writes them. Numbers keep all their digits. It may return v itself, as it does
// for half of a surrogate pair, which a Go string cannot have. The error says that v is not JSON.
func Stringified(v json.RawMessage) (json.RawMessage, error) {
	if !Valid(v) {
		return nil, fmt.Errorf("rawjson: stringified: %w", errSyntax)
	}
	d := json.NewDecoder(bytes.NewReader(v))
	d.UseNumber()
	b, err := appendNext(nil, d)
	if err != nil || bytes.Count(b, replacement) != bytes.Count(v, replacement) {
		return v, err
	}
	return b, nil
}

var replacement = []byte(string(utf8.RuneError))

// appendNext appends the next value of d to b.
func appendNext(b []byte, d *json.Decoder) ([]byte, error) {
	next, err := d.Token()
	if err != nil {
		return nil, err
	}
	open, ok := next.(json.Delim)
	if !ok {
		one, err := Marshal(sameNumbers(next))
		return append(b, one...), err
	}
	b = utf8.AppendRune(b, rune(open))
	for first := true; d.More(); first = false {
		if !first {
			b = append(b, ',')
		}
		if open == '{' {
			if b, err = appendNext(b, d); err != nil { // the name
				return nil, err
			}
			b = append(b, ':')
		}
		if b, err = appendNext(b, d); err != nil {
			return nil, err
		}
	}
	end, err := d.Token()
	if err != nil {
		return nil, err
	}
	return utf8.AppendRune(b, rune(end.(json.Delim))), nil
}
