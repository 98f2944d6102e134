package serializer

import (
	"context"
	"encoding/json"
	"errors"
)

// ErrSkip is returned by a link of a Chain to pass a user, or an id, to the next one:
// 'pass' in Passport's serializeUser and deserializeUser.
var ErrSkip = errors.New("serializer: not this serializer's user: try the next")

// Chained is a Serializer that tries others in turn, made by [Chain].
type Chained[U any] struct {
	links []Serializer[U]
}

var _ Serializer[string] = (*Chained[string])(nil)

// Chain returns a serializer that tries links in order: the first that does not return
// ErrSkip decides. Deserialize also tries the next link after ErrIDType. So while an
// application moves from one type of id to another, a chain reads both, and the first
// link writes. Passport: several functions given to serializeUser and deserializeUser.
//
// If no link decides, the result is an error (ErrIDType if one link returned that),
// never ErrUserGone. Chain panics if there is no link or a nil one.
func Chain[U any](links ...Serializer[U]) *Chained[U] {
	if len(links) == 0 {
		panic("serializer: Chain needs at least one serializer")
	}
	for _, l := range links {
		if isNil(l) {
			panic("serializer: Chain was given a nil serializer")
		}
	}
	return &Chained[U]{links: append([]Serializer[U](nil), links...)}
}

// Serialize implements [Serializer].
func (c *Chained[U]) Serialize(ctx context.Context, user U) (json.RawMessage, error) {
	for _, l := range c.links {
		if raw, err := l.Serialize(ctx, user); !errors.Is(err, ErrSkip) {
			return raw, err
		}
	}
	return nil, errors.New("serializer: serialize: every serializer of the chain skipped the user")
}

// Deserialize implements [Serializer].
func (c *Chained[U]) Deserialize(ctx context.Context, id json.RawMessage) (U, error) {
	var none U
	undecided := errors.New("serializer: deserialize: every serializer of the chain skipped the id")
	for _, l := range c.links {
		user, err := l.Deserialize(ctx, id)
		switch {
		case errors.Is(err, ErrIDType):
			undecided = err
		case !errors.Is(err, ErrSkip):
			return user, err
		}
	}
	return none, undecided
}
