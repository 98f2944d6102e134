package rotating

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/strategy/internal/token"
)

// The era of an owner changes when all series of the owner end. It is kept for as long as a series that
// began before can live. A series without an era began when no EndAll had happened for that long.

// era is the era of an owner or group; value is "" if there is none.
type era struct{ name, value string }

func (t *Tokens) eraKey(name string) string { return t.cfg.Kind + ":era:" + token.Hash("era", name) }

// eras returns the eras in which the series began.
func (r *record) eras() []era {
	eras := make([]era, 0, 1+len(r.Groups))
	eras = append(eras, era{name: r.Owner})
	for _, name := range r.Groups {
		eras = append(eras, era{name: name})
	}
	for i, value := range r.Eras[:min(len(r.Eras), len(eras))] {
		eras[i].value = value
	}
	return eras
}

// eraKeys returns the keys of the eras of s.
func (t *Tokens) eraKeys(s Series) []string {
	keys := make([]string, len(s.eras))
	for i, e := range s.eras {
		keys[i] = t.eraKey(e.name)
	}
	return keys
}

// began reports whether s began in the eras with these values.
func (s Series) began(values [][]byte) bool {
	return slices.EqualFunc(s.eras, values, func(e era, value []byte) bool { return e.value == string(value) })
}

// sameEras returns ErrUnknown if one of the eras of s has changed since it began. Any other error is an
// outage.
func (t *Tokens) sameEras(ctx context.Context, s Series) error {
	values, err := t.loadAll(ctx, t.eraKeys(s))
	if err == nil && !s.began(values) {
		err = ErrUnknown
	}
	return err
}

// loadAll loads several cells.
func (t *Tokens) loadAll(ctx context.Context, keys []string) (values [][]byte, err error) {
	if t.joint != nil && len(keys) > 1 {
		return t.joint.LoadAll(ctx, keys)
	}
	values = make([][]byte, len(keys))
	for i := 0; i < len(keys) && err == nil; i++ {
		values[i], err = t.cfg.Cells.Load(ctx, keys[i])
	}
	return values, err
}

// swapAlive is swap for a series that must not have ended. It returns ErrUnknown if one of its eras has
// changed. Where the Cells combine steps, the record was then replaced all the same: no token of it is
// accepted any more. It may also have been replaced when an era could not be read. A token that is accepted
// only once would then be spent, so without a grace the eras are compared first.
func (t *Tokens) swapAlive(ctx context.Context, s Series, old []byte, r *record, ttl time.Duration) (found []byte, swapped bool, err error) {
	if t.joint == nil || t.cfg.Grace < 0 {
		if err := t.sameEras(ctx, s); err != nil {
			return nil, false, err
		}
		return t.swap(ctx, s.Name, old, r, ttl)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, false, err
	}
	found, swapped, values, err := t.joint.SwapAndLoad(ctx, t.seriesKey(s.Name), old, text, ttl, t.eraKeys(s))
	if err == nil && !s.began(values) {
		err = ErrUnknown
	}
	return found, swapped || bytes.Equal(found, text), err
}

// EndAll ends every series of the named owner or group that began before the call. Any error is an outage,
// after which they may still exist.
func (t *Tokens) EndAll(ctx context.Context, name string) error {
	key, era := t.eraKey(name), []byte(token.New())
	old, err := t.cfg.Cells.Load(ctx, key)
	for err == nil {
		found, swapped, swapErr := t.cfg.Cells.Swap(ctx, key, old, era, t.cfg.MaxAge)
		if swapErr == nil && (swapped || bytes.Equal(found, era)) { // if found is its own, the answer was lost
			return nil
		}
		old, err = found, swapErr
	}
	return err
}

// era returns the owner's current era, "" if there is none, and makes it live as long as a series that
// begins now.
func (t *Tokens) era(ctx context.Context, owner string) (string, error) {
	era, err := t.cfg.Cells.Load(ctx, t.eraKey(owner))
	for err == nil && era != nil {
		found, swapped, swapErr := t.cfg.Cells.Swap(ctx, t.eraKey(owner), era, era, t.cfg.MaxAge)
		if swapErr == nil && swapped {
			return string(era), nil
		}
		era, err = found, swapErr
	}
	return "", err
}
