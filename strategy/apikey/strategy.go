package apikey

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/internal/norows"
	"github.com/seed-6f34412b/passport/strategy"
)

// Find returns the stored key of that id, and the user whom a request with it is from: a
// person, or a type of the application's for programs, which can have the key's scopes
// in it. An error that wraps [strategy.ErrUnauthenticated] says that there is no such key,
// or that its owner is disabled; any other is an outage. It must be safe for concurrent
// use.
type Find[U any] func(ctx context.Context, id string) (Key, U, error)

// Strategy authenticates programs by a key in a header: passport-headerapikey's
// Strategy. It is made by [New] and safe for concurrent use.
//
// Keys in the URL are not read, since URLs are logged, nor those in a body. An unknown
// id, a wrong secret, an expired key and an owner whom Find refuses are answered alike.
// A browser adds no key by itself, so requests from other sites are let in.
type Strategy[U any] struct {
	cfg   Config
	find  Find[U]
	usage usage
}

var _ strategy.Strategy[any] = (*Strategy[any])(nil)
var _ strategy.CrossSite = (*Strategy[any])(nil)
var _ strategy.Claimant = (*Strategy[any])(nil)

// Name implements [strategy.Strategy].
func (s *Strategy[U]) Name() string { return s.cfg.Name }

// AllowCrossSite implements [strategy.CrossSite]. It returns true.
func (s *Strategy[U]) AllowCrossSite(*http.Request) bool { return true }

// ForPrograms implements [strategy.ForPrograms]. It returns true.
func (s *Strategy[U]) ForPrograms() bool { return true }

// Authenticate implements [strategy.Strategy]. Its refusals are a [*strategy.Failure]:
// 401 with a challenge, or 400 when r brings several keys.
func (s *Strategy[U]) Authenticate(_ http.ResponseWriter, r *http.Request) (U, error) {
	var nobody U
	sent := s.sent(r)
	switch {
	case len(sent) == 0:
		return nobody, s.refusal("", "")
	case len(sent) > 1:
		return nobody, &strategy.Failure{Status: http.StatusBadRequest, Reason: "more than one API key", Malformed: true}
	}
	text, ok := Parse(sent[0])
	if !ok || text.Prefix != s.cfg.Prefix {
		return nobody, s.refusal("invalid_token", "no API key of ours: the form or the checksum is wrong")
	}
	key, user, err := s.find(r.Context(), text.ID)
	if err != nil && !errors.Is(err, strategy.ErrUnauthenticated) {
		return nobody, fmt.Errorf("apikey: find: %w", norows.Hint(err, "for an unknown id, Find returns an error that wraps strategy.ErrUnauthenticated"))
	}
	now := time.Now()
	same := subtle.ConstantTimeCompare([]byte(key.Hash), []byte(text.Hash)) == 1
	expired := !key.Expires.IsZero() && !now.Before(key.Expires)
	if err == nil && len(key.Hash) != len(text.Hash) {
		s.cfg.Logger.WarnContext(r.Context(), "apikey: the stored hash of a key is not 64 hex digits; issue a new key", "key", text.ID)
	}
	if err != nil || !same || expired {
		return nobody, s.refusal("invalid_token", "unknown, revoked or expired API key")
	}
	if user, err = strategy.CheckUser(s.Name(), user); err != nil {
		return nobody, err
	}
	s.used(r.Context(), text.ID, key.Used, now)
	return user, nil
}

// Claims implements [strategy.Claimant]: a key names no account, so attempts are counted
// by address.
func (s *Strategy[U]) Claims(r *http.Request) (account string, ok bool, err error) {
	return "", len(s.sent(r)) == 1, nil
}
