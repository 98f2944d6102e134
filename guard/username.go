package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/serializer"
)

// label is under which all sessions of a user are found, and what RememberMe calls the
// user. serialize has seen to it that id has a name.
func (g *Guard[U]) label(id json.RawMessage) string {
	name, err := serializer.NameOf(g.users, id)
	if err != nil {
		name = string(id)
	}
	return reqstate.UserLabel(g.cfg.SessionKey, name)
}

// sameUser reports whether the ids a and b stand for one user.
func (g *Guard[U]) sameUser(a, b json.RawMessage) bool {
	if a == nil || b == nil || bytes.Equal(a, b) {
		return bytes.Equal(a, b)
	}
	x, err := serializer.NameOf(g.users, a)
	y, err2 := serializer.NameOf(g.users, b)
	return errors.Join(err, err2) == nil && x == y
}

// serialize is the serializer's Serialize, with its result checked, and copied: a serializer
// may use its buffer again. name is the user's, whatever else is in id.
func (g *Guard[U]) serialize(ctx context.Context, user U) (id json.RawMessage, name string, err error) {
	if id, err = g.users.Serialize(ctx, user); err != nil {
		return nil, "", err
	}
	switch string(id) {
	case "", "null", "false", `""`:
		return nil, "", &misuse{fmt.Sprintf("the serializer (%T) returned %q, which means nobody: return the user's id as JSON", g.users, id)}
	}
	if !json.Valid(id) {
		return nil, "", &misuse{fmt.Sprintf("the serializer (%T) returned something that is not JSON", g.users)}
	}
	if name, err = serializer.NameOf(g.users, id); err != nil {
		return nil, "", err // a session that nobody can find could not be ended
	}
	return bytes.Clone(id), name, nil
}

// equalUsers reports whether a and b are the same user to the session.
func (g *Guard[U]) equalUsers(ctx context.Context, a, b U) bool {
	if g.users == nil {
		return false
	}
	_, x, err := g.serialize(ctx, a)
	_, y, err2 := g.serialize(ctx, b)
	return x == y && errors.Join(err, err2) == nil
}
