package serializer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/seed-6f34412b/passport/internal/norows"
	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// ErrIDType is returned by Deserialize when the id in the session is not of the JSON
// type that the serializer writes: a string where numbers are expected, or the other
// way round. It is a mistake of the program or its configuration: guards answer 500 and
// keep the session. It never counts as ErrUserGone.
var ErrIDType = errors.New("serializer: the id in the session has another type than this serializer's ids: use the ID type that wrote it, or Chain one serializer for each")

// IDSerializer is a Serializer that stores only the user's id, made by [ByID].
type IDSerializer[U, ID any] struct {
	id   func(U) ID
	find func(context.Context, ID) (U, error)
}

var _ Serializer[int] = (*IDSerializer[int, int])(nil)

// ByID returns the usual serializer: the session keeps id(user) as JSON, and find
// looks the user up again at each request. It is the pair of functions that
// Passport's documentation gives to serializeUser and deserializeUser.
//
// find returns [ErrUserGone], or an error that wraps it, when no such user exists or
// the user may not be logged in any more; any other error is an outage. Both
// functions are called concurrently. ByID panics if one of them is nil.
//
// The id's Go type decides the JSON that is shared with Node: an int is written 1, a
// string "1", a struct {"id":1}; to Passport they are different users. The JSON is what
// JSON.stringify writes: `<`, `>` and `&` stand for themselves. Node reads numbers as
// float64 and changes integers beyond 2^53 (ECMA-262 section 6.1.6.1); where Node
// shares the sessions, use strings for ids of that size.
func ByID[U, ID any](id func(U) ID, find func(context.Context, ID) (U, error)) *IDSerializer[U, ID] {
	if id == nil || find == nil {
		panic("serializer: ByID needs both functions: id, and find")
	}
	return &IDSerializer[U, ID]{id: id, find: find}
}

// Serialize implements [Serializer]. A nil user is an error, and so is an id that is
// null, false or "", which Passport treats as no user.
func (s *IDSerializer[U, ID]) Serialize(_ context.Context, user U) (json.RawMessage, error) {
	if isNil(user) {
		return nil, errors.New("serializer: serialize: the user is nil")
	}
	raw, err := rawjson.Marshal(s.id(user))
	if err != nil {
		return nil, fmt.Errorf("serializer: serialize: %w", err)
	}
	switch string(raw) {
	case "null", "false", `""`:
		return nil, fmt.Errorf("serializer: serialize: the user's id is %s, which means nobody", raw)
	}
	return raw, nil
}

// Deserialize implements [Serializer]. It returns [ErrIDType] when id does not decode
// as an ID, without asking find.
func (s *IDSerializer[U, ID]) Deserialize(ctx context.Context, id json.RawMessage) (U, error) {
	var key ID
	var err error
	// Frequent types of ids are decoded without the allocations of encoding/json, because this runs at
	// every authenticated request.
	plain := false
	switch p := any(&key).(type) {
	case *int:
		*p, err = strconv.Atoi(string(id))
		plain = err == nil && id[0] != '+'
	case *int64:
		*p, err = strconv.ParseInt(string(id), 10, 64)
		plain = err == nil && id[0] != '+'
	case *string:
		*p, plain = rawjson.Unquote(id)
	}
	if !plain {
		if key, err = decode[ID](id); err != nil {
			var none U
			return none, err
		}
	}
	user, err := s.find(ctx, key)
	if err != nil {
		return user, fmt.Errorf("serializer: find user: %w", norows.Hint(err, "for a user who does not exist, find must return serializer.ErrUserGone"))
	}
	return user, nil
}

// decode is encoding/json's Unmarshal, except that null is not an ID: encoding/json would return the zero
// value, which may be somebody's id.
func decode[ID any](raw json.RawMessage) (ID, error) {
	var id ID
	if string(bytes.TrimSpace(raw)) == "null" {
		return id, ErrIDType
	}
	if err := json.Unmarshal(raw, &id); err != nil {
		return id, fmt.Errorf("%w (%T)", ErrIDType, id)
	}
	return id, nil
}

// isNil reports whether user is a nil pointer, map, slice, func or interface.
func isNil(user any) bool {
	v := reflect.ValueOf(user)
	switch v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Interface, reflect.Chan:
		return v.IsNil()
	}
	return false
}
