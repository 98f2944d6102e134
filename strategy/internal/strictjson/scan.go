package strictjson

import (
	"encoding/json"
	"strings"
)

// Text returns the string in raw, a value of an [Object].
func Text(raw json.RawMessage) (string, error) { return textIn(string(raw)) }

// textIn is Text. Its result shares memory with raw if it can.
func textIn(raw string) (string, error) {
	if n := len(raw); n >= 2 && raw[0] == '"' && strings.IndexByte(raw, '\\') < 0 {
		return raw[1 : n-1], nil
	}
	var text string
	err := json.Unmarshal([]byte(raw), &text)
	return text, err
}

// Items returns the values of the list in raw, a value of an [Object]. They share memory with raw.
func Items(raw json.RawMessage) []json.RawMessage {
	var items []json.RawMessage
	for at := afterSpace(raw, 1); raw[at] != ']'; at = afterSpace(raw, at) {
		if raw[at] == ',' {
			at = afterSpace(raw, at+1)
		}
		end := afterValue(raw, at)
		items = append(items, raw[at:end:end])
		at = end
	}
	return items
}

// afterSpace returns where the white space at data[at:] ends.
func afterSpace(data []byte, at int) int {
	for at < len(data) && (data[at] == ' ' || data[at] == '\n' || data[at] == '\r' || data[at] == '\t') {
		at++
	}
	return at
}

// afterValue returns where the value at data[at:] ends. data is valid JSON.
func afterValue(data []byte, at int) int {
	depth := 0
	for {
		switch data[at] {
		case '"':
			at = afterString(data, at)
		case '{', '[':
			depth++
			at++
		case '}', ']':
			depth--
			at++
		case ' ', '\n', '\r', '\t', ',', ':':
			at++ // inside an object or a list
		default:
			at = afterLiteral(data, at)
		}
		if depth == 0 {
			return at
		}
	}
}

func afterString(data []byte, at int) int {
	for at++; data[at] != '"'; at++ {
		if data[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// afterLiteral returns where a number, true, false or null ends.
func afterLiteral(data []byte, at int) int {
	for at < len(data) && strings.IndexByte(" \n\r\t,:]}", data[at]) < 0 {
		at++
	}
	return at
}
