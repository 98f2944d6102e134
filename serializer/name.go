package serializer

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// Namer is an optional ability of a Serializer whose ids contain more than the user,
// such as a role: it returns the part that identifies the user. Guards list, end and
// count a user's sessions by that name. Without it, sessions from before a change of the
// role would not be found.
type Namer interface {
	// UserName returns the name of the user whom id stands for: the same for all ids of
	// one user, another for every other user, never empty. An error says that there is
	// none; it is [ErrSkip] where another link of a [Chain] has to say.
	UserName(id json.RawMessage) (string, error)
}

// NameOf returns the name of the user with id, as JSON. If s, or the serializer inside
// it, is a [Namer], it is the name from there. Otherwise it is id in a canonical form:
// members sorted, no spaces, numbers and escapes as JSON.stringify writes them, so that
// 1.50 and 1.5 are one user. Numbers keep all their digits, also those that a float64
// loses.
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
