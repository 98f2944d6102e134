// Package rotating answers: is this the newest token of its series, and which token follows it?
//
// It is the mechanism of remembered browsers (strategy/remember) and of refresh tokens
// (strategy/jwt/refresh). A log-in begins a series. Its token is used once: each use replaces it. If
// somebody has a copy of a token, one of the two holders will sooner or later use a token that was
// replaced: a theft is found.
//
// # Lost answers
//
// A client that did not get the answer still has the replaced token, and uses it again. So the replaced
// token stays valid until its successor is used:
//
//   - Within Config.Grace it gets the same successor, and nothing is written: for tabs that are
//     restored at the same time, and for retries.
//   - After that it gets another successor, and the first one becomes void. If nobody received the
//     first one, that is all. If somebody did, a copy exists, and it is found when it is used: [Reused].
//
// # How soon a theft is found
//
// A change of hands is a use by the owner after the thief, or by the thief after the owner. A theft is
// found at the second change of hands at the latest, and at the first one if the other party used the token
// twice in a row before. The cases:
//
//	the owner's answers get lost                     no alarm, however often, and however late the owner retries
//	the thief is first, once; the owner comes        the owner gets in; found when the thief comes again
//	the owner is first, once; the thief comes        the thief gets in; found when the owner comes again
//	the thief is first, twice or more; the owner     found at once
//	the owner is first, twice or more; the thief     found at once
//	both within the grace, each time                 not found until one of them is later than that, or is first
//	                                                 twice
//	an old copy, of two or more uses ago             found at once
//	a copy of a token whose successor is unused      as good as a copy of the present one, which it was made beside
//
// So the price of accepting a retry is one use by a thief who would otherwise have been refused, until the
// owner comes again. Callers should end what the void token opened, as far as possible: see Series.Made.
package rotating

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/strategy/internal/combined"
	"github.com/seed-6f34412b/passport/strategy/internal/token"
)

// Cells is strategy.Cells, which documents the methods.
type Cells interface {
	// Load returns what is kept under key, nil for nothing.
	Load(ctx context.Context, key string) ([]byte, error)
	// Swap replaces old by new, in one atomic step.
	Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) (found []byte, swapped bool, err error)
}

// Config configures Tokens. Every field except Grace must be set.
type Config struct {
	// Cells keeps the series.
	Cells Cells
	// Kind is the prefix of the keys.
	Kind string
	// IdleTimeout ends a series that was not used for this long.
	IdleTimeout time.Duration
	// MaxAge ends a series this long after it began, even if it is used.
	MaxAge time.Duration
	// Grace is how long a replaced token gets the same successor. Negative means that a token is accepted
	// only once: any other use is a theft.
	Grace time.Duration
}

// Series is the series of tokens of one log-in.
type Series struct {
	Name  string // no secret
	Owner string
	Data  json.RawMessage // as given to Begin
	Since time.Time       // when it began
	Until time.Time       // when it ends, even if it is used
	// Made is when the current token was made. What an earlier use opened should end: if its token is void
	// now, somebody else may have had it.
	Made time.Time
	// Groups are further names, besides the owner's, by which EndAll ends the series: those given to Begin.
	Groups []string
	eras   []era // those of the owner and of each group, when it began
}

// ErrUnknown is returned by Use for a token that is malformed, unknown, expired, voided by Renew, or of a
// series that has ended.
var ErrUnknown = errors.New("not a token in use")

// ErrMalformed is returned by Use if the record of the series cannot be read. It wraps ErrUnknown.
var ErrMalformed = fmt.Errorf("the record of a series is malformed: %w", ErrUnknown)

// Reused is returned by Use for a token that was replaced, and for one that never was a token of its
// series. The series continues until End or EndAll is called.
type Reused struct{ Series Series }

// Error implements error.
func (*Reused) Error() string { return "a token was used that had been replaced" }

// errTaken should be impossible: two series have the same name.
var errTaken = errors.New("the random name is taken")

// Tokens begins series and rotates their tokens. It is safe for concurrent use, also by several processes
// that share the Cells. A series is one cell, changed by compare-and-swap, so that of two simultaneous uses
// of a token only one replaces it. Only hashes are stored: nothing in the database can be used as a token.
type Tokens struct {
	cfg   Config
	joint combined.Cells // of cfg.Cells, or nil
}

// New returns Tokens. It does not check cfg.
func New(cfg Config) *Tokens { return &Tokens{cfg, combined.Of(cfg.Cells)} }

// record is the stored form of a series.
type record struct {
	Owner    string          `json:"owner"`
	Data     json.RawMessage `json:"data,omitempty"`
	Since    int64           `json:"since"`              // Unix milliseconds
	Until    int64           `json:"until"`              // Unix milliseconds
	Groups   []string        `json:"groups,omitempty"`   // further names by which the series ends
	Eras     []string        `json:"eras,omitempty"`     // those of the owner and the groups at its beginning, if any: see EndAll
	Current  string          `json:"current"`            // hash of the current secret
	Previous string          `json:"previous,omitempty"` // hash of the secret before
	Nonce    string          `json:"nonce,omitempty"`    // with the secret before, gives the current secret
	Replaced int64           `json:"replaced,omitempty"` // when the current secret was made; Unix milliseconds
	Void     []string        `json:"void,omitempty"`     // hashes of the secrets that were valid before Renew
	Stolen   bool            `json:"stolen,omitempty"`   // no token is valid: see MarkStolen
}

func (t *Tokens) seriesKey(name string) string { return t.cfg.Kind + ":series:" + name }

func (t *Tokens) series(name string, r *record) Series {
	// If MaxAge is now shorter than when the series began, it applies at once.
	since, until := time.UnixMilli(r.Since), time.UnixMilli(r.Until)
	if limit := since.Add(t.cfg.MaxAge); limit.Before(until) {
		until = limit
	}
	return Series{Name: name, Owner: r.Owner, Data: r.Data, Since: since, Until: until, Made: time.UnixMilli(max(r.Since, r.Replaced)), Groups: r.Groups, eras: r.eras()}
}

// Begin begins a series for owner and returns its first token. data is returned by each use. EndAll of each
// of groups also ends the series; groups must not be names of owners. Any error is an outage, except for
// data that is not JSON; no token is in use then.
func (t *Tokens) Begin(ctx context.Context, owner string, data json.RawMessage, groups ...string) (Series, string, error) {
	var eras []string
	for _, name := range append([]string{owner}, groups...) {
		era, err := t.era(ctx, name)
		if err != nil {
			return Series{}, "", err
		}
		eras = append(eras, era)
	}
	if strings.Join(eras, "") == "" {
		eras = nil
	}
	now, p := time.Now(), pair{token.New(), token.New()}
	r := &record{Owner: owner, Data: data, Since: now.UnixMilli(), Until: now.Add(t.cfg.MaxAge).UnixMilli(), Groups: groups, Eras: eras, Current: token.Hash(p.secret)}
	_, swapped, err := t.swap(ctx, p.name(), nil, r, min(t.cfg.IdleTimeout, t.cfg.MaxAge))
	if err == nil && !swapped {
		err = errTaken
	}
	if err != nil {
		return Series{}, "", err
	}
	return t.series(p.name(), r), p.with(p.secret), nil
}

// Use exchanges a token for the next one of its series. The error wraps ErrUnknown, is a [*Reused], or is
// an outage, after which the client may try again with the same token.
func (t *Tokens) Use(ctx context.Context, text string) (Series, string, error) {
	p, ok := parse(text)
	if !ok {
		return Series{}, "", ErrUnknown
	}
	raw, err := t.cfg.Cells.Load(ctx, t.seriesKey(p.name()))
	for err == nil {
		var s Series
		var next string
		if s, next, raw, err = t.use(ctx, p, raw); next != "" {
			return s, next, nil
		}
	}
	return Series{}, "", err
}

// use decides by raw, the record of p's series. If another request changed it meanwhile, next is empty, and
// found is the current record.
func (t *Tokens) use(ctx context.Context, p pair, raw []byte) (s Series, next string, found []byte, err error) {
	r, s, err := t.parse(p.name(), raw)
	if err != nil {
		return Series{}, "", nil, err
	}
	now := time.Now()
	switch {
	case p.has(r.Current):
		r.Previous = r.Current
	case t.cfg.Grace >= 0 && p.has(r.Previous):
		if now.Sub(time.UnixMilli(r.Replaced)) < t.cfg.Grace {
			if err := t.sameEras(ctx, s); err != nil {
				return Series{}, "", nil, err
			}
			return s, p.with(p.successor(r.Nonce)), nil, nil
		}
	case slices.ContainsFunc(r.Void, p.has): // perhaps by an owner who did not get the answer of Renew
		return Series{}, "", nil, ErrUnknown
	default:
		if err := t.sameEras(ctx, s); err != nil {
			return Series{}, "", nil, err // the series is over: a copy of its token is worth nothing
		}
		return Series{}, "", nil, &Reused{s}
	}
	r.Nonce = token.New()
	secret := p.successor(r.Nonce)
	r.Current, r.Replaced = token.Hash(secret), now.UnixMilli()
	found, swapped, err := t.swapAlive(ctx, s, raw, r, min(t.cfg.IdleTimeout, s.Until.Sub(now)))
	if err != nil || !swapped {
		return Series{}, "", found, err
	}
	return t.series(p.name(), r), p.with(secret), nil, nil
}

// parse returns the record in raw unless its series has ended, as far as the record says.
func (t *Tokens) parse(name string, raw []byte) (*record, Series, error) {
	if raw == nil {
		return nil, Series{}, ErrUnknown
	}
	r := new(record)
	if json.Unmarshal(raw, r) != nil || r.Current == "" {
		return nil, Series{}, ErrMalformed
	}
	s := t.series(name, r)
	if time.Until(s.Until) < time.Millisecond {
		return nil, Series{}, ErrUnknown
	}
	if r.Stolen {
		return nil, Series{}, &Reused{s}
	}
	return r, s, nil
}

// isOver reports whether err, from parse or sameEras, means that the series has ended or is stolen.
func isOver(err error) bool {
	_, stolen := errors.AsType[*Reused](err)
	return stolen || errors.Is(err, ErrUnknown)
}

// MarkStolen makes every use of a token of the named series a theft, [Reused], from now on, also after
// EndAll. So whoever ends what a thief may have can start again after an outage. End removes the mark with
// the series. Any error is an outage.
func (t *Tokens) MarkStolen(ctx context.Context, name string) error {
	raw, err := t.cfg.Cells.Load(ctx, t.seriesKey(name))
	for err == nil && raw != nil {
		r := new(record)
		if json.Unmarshal(raw, r) != nil || r.Stolen {
			return nil //nolint:nilerr // malformed: there is no series
		}
		r.Stolen = true
		left := max(time.Until(t.series(name, r).Until), time.Millisecond)
		var swapped bool
		if raw, swapped, err = t.swap(ctx, name, raw, r, min(t.cfg.IdleTimeout, left)); swapped {
			return nil
		}
	}
	return err
}

// swap replaces the record old of a series by r. If it finds r, an earlier attempt of the same call
// succeeded and its answer was lost.
func (t *Tokens) swap(ctx context.Context, name string, old []byte, r *record, ttl time.Duration) (found []byte, swapped bool, err error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, false, err
	}
	found, swapped, err = t.cfg.Cells.Swap(ctx, t.seriesKey(name), old, text, ttl)
	return found, swapped || err == nil && bytes.Equal(found, text), err
}

// Alive reports whether a series returned by Begin or Use still exists. Any error is an outage.
func (t *Tokens) Alive(ctx context.Context, s Series) (bool, error) {
	values, err := t.loadAll(ctx, append([]string{t.seriesKey(s.Name)}, t.eraKeys(s)...))
	if err != nil {
		return false, err
	}
	_, _, err = t.parse(s.Name, values[0])
	return err == nil && s.began(values[1:]), nil
}

// Find returns the named series; ok is false if there is none. It does not check whether the series has
// reached its MaxAge, or was ended by EndAll. Any error is an outage.
func (t *Tokens) Find(ctx context.Context, name string) (s Series, ok bool, err error) {
	raw, err := t.cfg.Cells.Load(ctx, t.seriesKey(name))
	r := new(record)
	if err != nil || raw == nil || json.Unmarshal(raw, r) != nil {
		return Series{}, false, err
	}
	return t.series(name, r), true, nil
}

// Renew gives the series with that id, see [ID], other data and a new token, next: every earlier one
// becomes void. If data is what the series has already, nothing changes, and next is "". ok is false if
// there is no such series any more. Any error is an outage.
func (t *Tokens) Renew(ctx context.Context, id string, data json.RawMessage) (s Series, next string, ok bool, err error) {
	p := pair{id, token.New()}
	raw, err := t.cfg.Cells.Load(ctx, t.seriesKey(p.name()))
	for err == nil {
		r, before, aliveErr := t.parse(p.name(), raw)
		if aliveErr == nil {
			aliveErr = t.sameEras(ctx, before)
		}
		if isOver(aliveErr) {
			return Series{}, "", false, nil
		}
		if aliveErr != nil {
			return Series{}, "", false, aliveErr
		}
		if bytes.Equal(r.Data, data) {
			return before, "", true, nil
		}
		// The new secret is not derived from the one before: whoever holds that could get it again.
		r.Void = []string{r.Current}
		if r.Previous != "" {
			r.Void = append(r.Void, r.Previous)
		}
		r.Data, r.Current, r.Previous, r.Nonce, r.Replaced = data, token.Hash(p.secret), "", "", time.Now().UnixMilli()
		s = t.series(p.name(), r)
		var swapped bool
		if raw, swapped, err = t.swap(ctx, p.name(), raw, r, min(t.cfg.IdleTimeout, time.Until(s.Until))); swapped {
			return s, p.with(p.secret), true, nil
		}
	}
	return Series{}, "", false, err
}

// ID returns the id by which Renew finds the series of a token; ok is false for a text that is not a token.
// The id is not stored in the database, and is not a token by itself.
func ID(text string) (id string, ok bool) {
	p, ok := parse(text)
	return p.id, ok
}

// Name returns the name of the series in a token; ok is false for a text that is not a token.
func Name(text string) (name string, ok bool) {
	p, ok := parse(text)
	return p.name(), ok
}

// End ends the named series. It returns what was ended; ok is false if there was no such series. Any error
// is an outage, after which the series may still exist.
func (t *Tokens) End(ctx context.Context, name string) (ended Series, ok bool, err error) {
	raw, err := t.cfg.Cells.Load(ctx, t.seriesKey(name))
	for err == nil && raw != nil {
		found, swapped, swapErr := t.cfg.Cells.Swap(ctx, t.seriesKey(name), raw, nil, time.Millisecond)
		if swapErr == nil && swapped {
			r := new(record)
			if json.Unmarshal(raw, r) != nil {
				return Series{}, false, nil //nolint:nilerr // malformed: there is no series
			}
			return t.series(name, r), true, nil
		}
		raw, err = found, swapErr
	}
	return Series{}, false, err
}
