// Package strictjson answers: what does a signed JSON text say, such that all readers agree?
//
// If an object has two members with one name, encoding/json uses the last; and it accepts ROLES for roles
// when it fills a struct. A signer that checked the first, or whose users choose the names of further
// claims, then signs one thing and is read as saying another. Parse and [Shape.Check] refuse both.
// [Object.Misspelt] is for readers that know only some of the names.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Object is a JSON object's members by name. Their texts share memory with the text of the object.
type Object map[string]json.RawMessage

// ErrTwice is returned by [Parse] for an object in which a name is repeated, at any depth.
var ErrTwice = errors.New("a name is there twice")

var (
	errNotJSON = errors.New("not JSON in UTF-8")
	errObject  = errors.New("not a JSON object")
)

// Parse reads an object, such as the header or the claims of a token. No object in it may repeat a name:
// RFC 7519 §4 allows a parser to refuse that or to use the last one, and two parsers that choose
// differently see two users.
func Parse(data []byte) (Object, error) {
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, errNotJSON
	}
	members, err := membersOf(data)
	if err != nil {
		return nil, err
	}
	for _, value := range members {
		if err := unique(value); err != nil {
			return nil, err
		}
	}
	return members, nil
}

// membersOf returns the members of an object in valid JSON and UTF-8. The values share memory with data.
func membersOf(data []byte) (Object, error) {
	at := afterSpace(data, 0)
	if at == len(data) || data[at] != '{' {
		return nil, errObject
	}
	members, text := Object{}, string(data) // the names are parts of text, so that they are not copied one by one
	for at = afterSpace(data, at+1); data[at] != '}'; at = afterSpace(data, at) {
		if data[at] == ',' {
			at = afterSpace(data, at+1)
		}
		end := afterValue(data, at)
		name, err := textIn(text[at:end])
		if err != nil {
			return nil, errObject
		}
		if _, there := members[name]; there {
			return nil, ErrTwice
		}
		at = afterSpace(data, afterSpace(data, end)+1) // the colon
		end = afterValue(data, at)
		members[name] = data[at:end:end]
		at = end
	}
	return members, nil
}

// unique returns an error if an object in valid JSON repeats a name. It reads the text once, at any depth.
func unique(data []byte) error {
	if bytes.IndexByte(data, '{') < 0 {
		return nil
	}
	type level struct {
		names map[string]bool // nil for a list
		value bool            // in an object: the next token is a value
	}
	var open []level
	dec := json.NewDecoder(bytes.NewReader(data))
	for {
		token, err := dec.Token()
		if err != nil {
			return nil //nolint:nilerr // the end of the text, which is valid
		}
		in := len(open) - 1
		if name, ok := token.(string); ok && in >= 0 && open[in].names != nil && !open[in].value {
			if open[in].names[name] {
				return ErrTwice
			}
			open[in].names[name], open[in].value = true, true
			continue
		}
		if in >= 0 {
			open[in].value = false
		}
		switch token {
		case json.Delim('{'):
			open = append(open, level{names: map[string]bool{}})
		case json.Delim('['):
			open = append(open, level{})
		case json.Delim('}'), json.Delim(']'):
			open = open[:in]
		}
	}
}

// Fold returns the same text for all spellings of a name that encoding/json treats as equal: those equal
// under Unicode's simple case folding. An [isFolded] name is its own.
func Fold(name string) string {
	if isFolded(name) {
		return name
	}
	return strings.Map(func(r rune) rune {
		least := r
		for c := unicode.SimpleFold(r); c != r; c = unicode.SimpleFold(c) {
			least = min(least, c)
		}
		if 'A' <= least && least <= 'Z' {
			least += 'a' - 'A'
		}
		return least
	}, name)
}

// isFolded reports whether name is ASCII without capital letters, as nearly every name is. Fold need not
// look at the others of two such names: they are equal or differ by more than case.
func isFolded(name string) bool {
	for i := range len(name) {
		if c := name[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

// HasTwins reports whether two names differ only by case. encoding/json treats them as one when it fills a
// struct.
func (o Object) HasTwins() bool {
	other := false
	for name := range o {
		other = other || !isFolded(name)
	}
	if !other {
		return false
	}
	folded := make(map[string]bool, len(o))
	for name := range o {
		folded[Fold(name)] = true
	}
	return len(folded) < len(o)
}

// Misspelt returns a member whose name differs from one of names only by case. It would fill the field of a
// struct without passing the check of the member with the exact name.
func (o Object) Misspelt(names ...string) (string, bool) {
	for member := range o {
		if slices.Contains(names, member) {
			continue
		}
		for _, name := range names {
			if !(isFolded(member) && isFolded(name)) && strings.EqualFold(name, member) {
				return member, true
			}
		}
	}
	return "", false
}
