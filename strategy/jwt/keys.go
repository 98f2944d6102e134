package jwt

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Keys is where a [Strategy] and an [Issuer] find their keys: a fixed [KeyList], a
// [KeysFunc] for keys that change while the program runs, or [RemoteKeys] that another
// program publishes. It is safe for concurrent use.
type Keys interface {
	// Keys returns all keys in use, the one that signs first. The caller picks those that
	// fit a token and does not change the slice. keyID is the kid of the token, or empty: a
	// source that keeps copies of keys from elsewhere looks for newer ones if it does not
	// know keyID.
	//
	// An error is an outage: the answer is 503, not 401. No keys and no error is an
	// outage too.
	Keys(ctx context.Context, keyID string) ([]*Key, error)
}

// KeyList is a fixed list of keys. NewKeys and ParseKeySet make one.
//
// To replace a secret without logging anyone out, put the new one first and leave the old
// one behind it until the last token it signed has expired.
type KeyList struct{ keys []*Key }

var _ Keys = (*KeyList)(nil)

// NewKeys returns a list of which the first key signs and all verify. The error names
// every mistake: no keys, a nil key, two keys with the same algorithm and id.
func NewKeys(keys ...*Key) (*KeyList, error) {
	var mistakes []error
	if len(keys) == 0 {
		mistakes = append(mistakes, errors.New("jwt: new keys: no keys: pass at least one"))
	}
	for i, k := range keys {
		if k == nil {
			mistakes = append(mistakes, fmt.Errorf("jwt: new keys: key %d is nil: make it with NewSecret, NewPublicKey, NewPrivateKey or ParsePEM", i+1))
			continue
		}
		same := func(other *Key) bool { return other != nil && other.id == k.id && other.alg == k.alg }
		if k.id != "" && slices.ContainsFunc(keys[:i], same) {
			mistakes = append(mistakes, fmt.Errorf("jwt: new keys: two keys for %s have the id %q: give each its own", k.alg, k.id))
		}
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	return &KeyList{slices.Clone(keys)}, nil
}

// Keys implements [Keys]. It returns no error.
func (l *KeyList) Keys(context.Context, string) ([]*Key, error) { return l.keys, nil }

// KeysFunc is a function as [Keys], for secrets that are replaced while the program runs.
// It is called for every token, so it should keep a copy of the keys.
type KeysFunc func(ctx context.Context) ([]*Key, error)

var _ Keys = KeysFunc(nil)

// Keys implements [Keys]. The error of f is wrapped.
func (f KeysFunc) Keys(ctx context.Context, _ string) ([]*Key, error) {
	keys, err := f(ctx)
	if err != nil {
		return nil, fmt.Errorf("jwt: keys: %w", err)
	}
	return keys, nil
}
