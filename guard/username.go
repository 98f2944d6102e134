package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/serializer"
)

// label returns the label under which all sessions of a user are found, and by which RememberMe knows the
// user. serialize has checked that id has a name.
func (g *Guard[U]) label(id json.RawMessage) string {
	name, err := serializer.NameOf(g.users, id)
	if err != nil {
		name = string(id)
	}
	return reqstate.UserLabel(g.cfg.SessionKey, name)
}

// sameUser reports whether the ids a and b belong to one user.
func (g *Guard[U]) sameUser(a, b json.RawMessage) bool {
	if a == nil || b == nil || bytes.Equal(a, b) {
		return bytes.Equal(a, b)
	}
	x, err := serializer.NameOf(g.users, a)
	y, err2 := serializer.NameOf(g.users, b)
	return errors.Join(err, err2) == nil && x == y
}

// serialize calls the serializer's Serialize, and checks and copies its result, because a serializer may
// reuse its buffer. name identifies the user, whatever else is in id.
func (g *Guard[U]) serialize(ctx context.Context, user U) (id json.RawMessage, name string, err error) {
	if id, err = g.users.Serialize(ctx, user); err != nil {
		return nil, "", err
	}
	id = bytes.Trim(id, " \t\r\n")
	switch string(id) {
	case "", "null", "false", `""`:
		return nil, "", &misuse{fmt.Sprintf("the serializer (%T) returned %q, which means nobody: return the user's id as JSON", g.users, id)}
	}
	if !json.Valid(id) || !utf8.Valid(id) { // encoding/json lets bytes pass that make a record unreadable
		return nil, "", &misuse{fmt.Sprintf("the serializer (%T) returned something that is not JSON", g.users)}
	}
	// Of a number, an array or an object, these are what JSON.stringify may write otherwise; of text, an escape.
	respelt := bytes.ContainsAny(id, ".eE-[{") || len(id) > 21
	if id[0] == '"' {
		respelt = bytes.IndexByte(id, '\\') >= 0
	}
	if respelt {
		if id, err = rawjson.Stringified(id); err != nil { // a stamp would end when Node has written the session
			return nil, "", err
		}
	}
	if name, err = serializer.NameOf(g.users, id); err != nil {
		return nil, "", err // a session without a name could not be found and ended
	}
	return bytes.Clone(id), name, nil
}

// equalUsers reports whether the serializer gives a and b the same name.
func (g *Guard[U]) equalUsers(ctx context.Context, a, b U) bool {
	if g.users == nil {
		return false
	}
	_, x, err := g.serialize(ctx, a)
	_, y, err2 := g.serialize(ctx, b)
	return x == y && errors.Join(err, err2) == nil
}
