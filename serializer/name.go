package serializer

import (
	"encoding/json"
	"errors"
	"fmt"

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
// escapes as JSON.stringify writes them, so that 1.50 and 1.5 are one user. Numbers are
// compared with all of their digits, also where a float64 has fewer.
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
		for _, l := range c.links {
			name, err := NameOf(l, id)
			if !errors.Is(err, ErrSkip) && !errors.Is(err, ErrIDType) {
				return name, err
			}
		}
	}
	one, err := rawjson.Canonical(id)
	if err != nil {
		return "", fmt.Errorf("serializer: name of a user: %w", err)
	}
	return string(one), nil
}
