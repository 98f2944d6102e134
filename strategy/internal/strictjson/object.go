// Package strictjson answers: what does a signed JSON text say, if all its readers must read the same?
//
// encoding/json takes the last of two members with one name, and takes ROLES for roles when it fills a
// struct. A signer that checked the first, or whose users choose the names of further claims, then signs one
// thing and is understood to have signed another. Parse and [Shape.Check] refuse both, and [Object.Misspelt]
// is for readers that know only some of the names.
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

// Object is a JSON object's members by name.
type Object map[string]json.RawMessage

// ErrTwice is returned by [Parse] for an object that has a name twice, at any depth.
var ErrTwice = errors.New("a name is there twice")

var (
	errNotJSON = errors.New("not JSON in UTF-8")
	errObject  = errors.New("not a JSON object")
)

// Parse reads an object, such as the header or the claims of a token. No object in it may have a name twice:
// RFC 7519 §4 leaves a parser to refuse that or to take the last, and two parsers that choose differently see
// two users.
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

// membersOf returns the members of an object in valid JSON.
func membersOf(data []byte) (Object, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, errObject
	}
	members := Object{}
	for dec.More() {
		token, err := dec.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, errObject
		}
		if _, there := members[name]; there {
			return nil, ErrTwice
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errObject
		}
		members[name] = value
	}
	return members, nil
}

// unique returns an error if an object in valid JSON has a name twice. It reads the text once, however deep
// it is.
func unique(data []byte) error {
	if data[0] != '{' && data[0] != '[' {
		return nil
	}
	type level struct {
		names map[string]bool // nil in a list
		value bool            // the next token of an object is a value
	}
	var open []level
	dec := json.NewDecoder(bytes.NewReader(data))
	for {
		token, err := dec.Token()
		if err != nil {
			return nil //nolint:nilerr // the end, since the text is valid
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

// Fold returns the same text for all spellings of a name that encoding/json takes for one: those equal under
// Unicode's simple case folding.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for c := unicode.SimpleFold(r); c != r; c = unicode.SimpleFold(c) {
			least = min(least, c)
		}
		return least
	}, name)
}

// HasTwins reports whether two names differ by case only. encoding/json takes them for one when it fills a
// struct.
func (o Object) HasTwins() bool {
	folded := make(map[string]bool, len(o))
	for name := range o {
		folded[Fold(name)] = true
	}
	return len(folded) < len(o)
}

// Misspelt returns a member whose name is one of names but for its case. It would fill the field of a struct,
// past the check of the member that has the name.
func (o Object) Misspelt(names ...string) (string, bool) {
	for member := range o {
		if !slices.Contains(names, member) && slices.ContainsFunc(names, func(name string) bool { return Fold(name) == Fold(member) }) {
			return member, true
		}
	}
	return "", false
}
