package apikey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seed-6f34412b/passport/strategy"
)

// Key is what an application stores of a key. It contains no secret.
type Key struct {
	ID      string    // names the key in lists and logs
	Hash    string    // the SHA-256 of the text, 64 hex digits
	Owner   string    // whose it is, as given to Issue
	Name    string    // what it is for, as its owner calls it
	Scopes  []string  // what it may do; empty means what the application gives to all
	Created time.Time // when it was issued
	Expires time.Time // zero means never
	Used    time.Time // when it was last used, by a minute; zero means never
}

// Allows reports whether scope is one of the key's.
func (k Key) Allows(scope string) bool { return slices.Contains(k.Scopes, scope) }

// Table is the application's table of keys, as [Keys] sees it. It is safe for concurrent
// use. Any error is an outage.
type Table interface {
	// Insert stores a new key. Its ID is new.
	Insert(ctx context.Context, key Key) error
	// ByOwner returns the keys of owner, also those that have expired.
	ByOwner(ctx context.Context, owner string) ([]Key, error)
	// Delete removes the key of that id if it is owner's (DELETE … WHERE id = ? AND owner
	// = ?), and reports whether it was there.
	Delete(ctx context.Context, owner, id string) (bool, error)
}

// maxName is how many characters a name may have: whatever they are, they fit in [SQLTable]'s column in MySQL.
const maxName = 255

// ErrName is returned by [Keys.Issue] for a name that has more than 255 characters, or one for control, such as
// a zero byte, which PostgreSQL does not store.
var ErrName = errors.New("apikey: a key's name has at most 255 characters, none of them for control")

// Keys issues, lists and revokes keys. It is made by [NewKeys] and safe for concurrent
// use.
type Keys struct {
	prefix string
	table  Table
}

// NewKeys returns every mistake at once. prefix is the beginning of every key. It names
// the application, and perhaps what the key is for, such as shop or shop_test: 2 to 20
// lower-case letters and digits, in words with an underscore between them.
func NewKeys(prefix string, table Table) (*Keys, error) {
	var mistakes []error
	if !validPrefix(prefix) {
		mistakes = append(mistakes, fmt.Errorf("apikey: new keys: %w", errPrefix(prefix)))
	}
	if strategy.IsNilUser(table) {
		mistakes = append(mistakes, errors.New("apikey: new keys: the table is nil: give the one that keeps the keys"))
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	return &Keys{prefix, table}, nil
}

func errPrefix(prefix string) error {
	return fmt.Errorf("the prefix is %q: give 2 to %d lower-case letters and digits, such as shop or shop_test", prefix, maxPrefix)
}

// Request is what [Keys.Issue] is asked for.
type Request struct {
	Owner  string        // whose the key shall be; required
	Name   string        // what it is for; at most 255 characters
	Scopes []string      // what it may do
	TTL    time.Duration // how long it is good; zero means until it is revoked
}

// Issue makes a key, stores it, and returns its text, to be shown once to its owner, over
// TLS, and logged nowhere. Whether the owner may have those scopes is the caller's to
// know. The errors are [ErrName], a mistake in req, and those of Table.Insert.
func (k *Keys) Issue(ctx context.Context, req Request) (text string, key Key, err error) {
	if req.Owner == "" || req.TTL < 0 {
		return "", Key{}, errors.New("apikey: issue: Owner is empty or TTL negative: give whose key it is and how long it is good")
	}
	if utf8.RuneCountInString(req.Name) > maxName || !utf8.ValidString(req.Name) ||
		strings.ContainsFunc(req.Name, unicode.IsControl) {
		return "", Key{}, ErrName
	}
	text = newText(k.prefix)
	parsed, _ := Parse(text)
	key = Key{ID: parsed.ID, Hash: parsed.Hash, Owner: req.Owner, Name: req.Name, Scopes: slices.Clone(req.Scopes), Created: time.Now()}
	if req.TTL > 0 {
		key.Expires = key.Created.Add(req.TTL)
	}
	if err := k.table.Insert(ctx, key); err != nil {
		return "", Key{}, fmt.Errorf("apikey: issue: %w", err)
	}
	return text, key, nil
}

// List returns owner's keys, the newest first.
func (k *Keys) List(ctx context.Context, owner string) ([]Key, error) {
	keys, err := k.table.ByOwner(ctx, owner)
	if err != nil {
		return nil, fmt.Errorf("apikey: list: %w", err)
	}
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b Key) int { return b.Created.Compare(a.Created) })
	return keys, nil
}

// Revoke removes owner's key of that id: the next request with it is refused. It reports whether there was one,
// so that the second of two clicks is no error. An error is an outage.
func (k *Keys) Revoke(ctx context.Context, owner, id string) (bool, error) {
	was, err := k.table.Delete(ctx, owner, id)
	if err != nil {
		return false, fmt.Errorf("apikey: revoke: %w", err)
	}
	return was, nil
}
