// Package cached answers: what does another server publish, as far as this program knows?
//
// It has the one rule by which strategies keep what they fetch: the key sets of strategy/jwt, and the key
// sets and metadata of strategy/oidc.
//
// A [Value] is fetched by the first request that needs it. What happens later depends on its age:
//
//	up to FreshFor               it is used
//	up to twice FreshFor         it is used, and fetched again in the background
//	up to FreshFor + StaleFor    the request waits for the fetch, at most a second, and then uses the old one
//	older                        it is not used any more: without a newer one, the error is an outage
//
// So a key that its owner withdraws is trusted for at most twice FreshFor while the owner can be reached,
// and for FreshFor + StaleFor if an attacker or an outage prevents that.
package cached

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// FreshFor is the default of Rules.FreshFor.
	FreshFor = 10 * time.Minute
	// StaleFor is the default of Rules.StaleFor.
	StaleFor = 6 * time.Hour
	// MinInterval is the default of Rules.MinInterval.
	MinInterval = 10 * time.Second

	// patience is how long a request that has an old value waits for a newer one.
	patience = time.Second
	// retryAfter is the shortest time between two fetches while no value can be used.
	retryAfter = time.Second
)

// Rules say how long a value is used. Every field but StaleFor must be set.
type Rules struct {
	FreshFor    time.Duration // the age at which it is fetched again
	StaleFor    time.Duration // how much longer it is used if it cannot be fetched again; zero means no longer
	MinInterval time.Duration // the shortest time between two fetches while a value can be used
	Timeout     time.Duration // bounds one fetch
}

// ErrNone is wrapped by the error of a fetch that succeeded but found nothing: the server published an
// empty set. The old value is then no longer used.
var ErrNone = errors.New("nothing is published")

// Value is something that is fetched and kept. It is made by [New] and safe for concurrent use.
//
// However many callers wait, one fetch runs at a time. It does not end with the caller that caused it. No
// goroutine lives longer than one fetch.
type Value[T any] struct {
	rules Rules
	fetch func(context.Context) (T, error)

	mu      sync.Mutex
	state   state[T]
	running chan struct{} // closed when the running fetch ends; nil when none runs
}

// state is the result of the fetches so far.
type state[T any] struct {
	value   T
	fetched time.Time // when value was fetched; zero if there is none
	started time.Time // when the last fetch was started; zero for never
	failure error     // the error of the last fetch
	ended   int       // how many fetches have ended
}

// New returns a value that is fetched by fetch. Its slices and maps are shared by all callers, which must
// not change them.
func New[T any](rules Rules, fetch func(context.Context) (T, error)) *Value[T] {
	return &Value[T]{rules: rules, fetch: fetch}
}

// Get returns the value. The error is that of the last fetch, or wraps that of ctx.
func (v *Value[T]) Get(ctx context.Context) (T, error) {
	return v.Find(ctx, v.rules.MinInterval, func(T) bool { return true })
}

// Find is Get for a caller that searches the value, for instance for the key of a token. If fits returns
// false, the value is fetched again, unless a fetch began less than interval ago.
//
// If the error is nil and the value does not fit, what the caller searches for is not published.
func (v *Value[T]) Find(ctx context.Context, interval time.Duration, fits func(T) bool) (T, error) {
	now := time.Now()
	before := v.read()
	good := v.usable(&before, now) && fits(before.value)
	if good && now.Sub(before.fetched) < v.rules.FreshFor {
		return before.value, nil
	}
	if good {
		interval = v.rules.MinInterval
	}
	running := v.start(ctx, now, interval)
	if good && !v.waits(&before, now) {
		return before.value, nil
	}
	if err := wait(ctx, running, good); err != nil && !good {
		var none T
		return none, err
	}
	after := v.read()
	if after.ended != before.ended {
		good = v.usable(&after, now) && fits(after.value)
	}
	if !good && after.failure != nil {
		var none T
		return none, after.failure
	}
	return after.value, nil
}

func (v *Value[T]) read() state[T] {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.state
}

func (v *Value[T]) usable(s *state[T], now time.Time) bool {
	return !s.fetched.IsZero() && now.Sub(s.fetched) < v.rules.FreshFor+v.rules.StaleFor
}

// waits reports whether a request should wait for the fetch although the value may be used. It should not
// while the server is known to be down.
func (v *Value[T]) waits(s *state[T], now time.Time) bool {
	down := s.failure != nil && now.Sub(s.started) < v.rules.FreshFor
	return now.Sub(s.fetched) >= 2*v.rules.FreshFor && !down
}

// start starts a fetch unless one is running or the last one is too recent. It returns the running one, if
// any.
func (v *Value[T]) start(ctx context.Context, now time.Time, interval time.Duration) <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.usable(&v.state, now) {
		interval = min(interval, retryAfter)
	}
	due := v.state.started.IsZero() || now.Sub(v.state.started) >= interval
	if v.running == nil && due {
		v.state.started, v.running = now, make(chan struct{})
		go v.run(context.WithoutCancel(ctx), v.running)
	}
	return v.running
}

func (v *Value[T]) run(ctx context.Context, ended chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, v.rules.Timeout)
	defer cancel()
	value, err := v.fetch(ctx)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state.failure = err
	v.state.ended++
	switch {
	case err == nil:
		v.state.value, v.state.fetched = value, time.Now()
	case errors.Is(err, ErrNone):
		v.state.value, v.state.fetched = value, time.Time{}
	}
	v.running = nil
	close(ended)
}

// wait waits for the fetch, for a short time if an older value can be used.
func wait(ctx context.Context, running <-chan struct{}, short bool) error {
	if running == nil {
		return nil
	}
	var enough <-chan time.Time
	if short {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		enough = timer.C
	}
	select {
	case <-running:
		return nil
	case <-enough:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("gave up waiting: %w", ctx.Err())
	}
}
