// Package serializer answers: how does a user become an id in the session, and the
// id a user again?
package serializer

import (
	"context"
	"encoding/json"
	"errors"
)

// Serializer turns a user into the JSON value that the session keeps, and back:
// Passport's serializeUser and deserializeUser, Nest's PassportSerializer. It is safe for concurrent use.
type Serializer[U any] interface {
	// Serialize returns the JSON value that stands for user in the session, at
	// passport.user: 1 stays 1 and "1" stays "1", and they are different users. Guards
	// store it as JSON.stringify writes it, because Node does that too.
	Serialize(ctx context.Context, user U) (json.RawMessage, error)
	// Deserialize returns the user whom id stands for. ErrUserGone means that there
	// is no such user any more, and ends the log-in; any other error is an outage. A nil
	// user without an error is a mistake, 500: where Passport ends the log-in.
	// id is valid only during the call.
	Deserialize(ctx context.Context, id json.RawMessage) (U, error)
}

// ErrUserGone is returned by Deserialize when the user does not exist any more, or
// must not be logged in any more. The session's log-in is ended.
var ErrUserGone = errors.New("serializer: no such user")
