package serializer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// Namer is an optional ability of a Serializer whose ids hold more than who the user is,
// such as a role: it says which part does. A guard lists and ends a user's sessions, and
// counts them, by that name: without it the sessions from before a change of the role
// would be somebody else's.
type Namer interface {
	// UserName returns the name of the user whom id stands for: the same for all ids of
	// one user, another for every other user, never empty. An error says that there is
	// none; it is [ErrSkip] where another link of a [Chain] has to say.
	UserName(id json.RawMessage) (string, error)
}

// NameOf returns the name of the user whom id stands for, as JSON: the word of s, or of
// the serializer that it adds to, if it is a [Namer], and otherwise id itself in a form
// that does not depend on how it was written: members in order, no space, numbers and
// escapes as JSON.stringify writes them.
func NameOf[U any](s Serializer[U], id json.RawMessage) (string, error) {
	if n, ok := s.(Namer); ok {
		name, err := n.UserName(id)
		if err != nil {
			return "", fmt.Errorf("serializer: name of a user: %w", err)
		}
		if name == "" {
			return "", errors.New("serializer: name of a user: it is empty")
		}
		return string(rawjson.Quote(name)), nil
	}
	if inner, ok := s.(interface{ Unwrap() Serializer[U] }); ok {
		return NameOf(inner.Unwrap(), id)
	}
	if c, ok := s.(*Chained[U]); ok {
		return c.nameOf(id)
	}
	return canonical(id)
}

// nameOf asks the links in order.
func (c *Chained[U]) nameOf(id json.RawMessage) (string, error) {
	for _, l := range c.links {
		name, err := NameOf(l, id)
		if !errors.Is(err, ErrSkip) && !errors.Is(err, ErrIDType) {
			return name, err
		}
	}
	return canonical(id)
}

// canonical returns id in the one form that its value has.
func canonical(id json.RawMessage) (string, error) {
	if plain(id) {
		return string(id), nil
	}
	d := json.NewDecoder(bytes.NewReader(id))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "", fmt.Errorf("serializer: name of a user: %w", err)
	}
	raw, err := rawjson.Marshal(sameNumbers(v)) // encoding/json sorts the members of a map
	return string(raw), err
}

// plain reports whether id is a number or a string that has only one form.
func plain(id json.RawMessage) bool {
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
