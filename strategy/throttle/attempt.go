package throttle

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/token"
)

// attempt is one attempt while it is being counted.
type attempt struct {
	counter  strategy.Counter
	schedule schedule
	names    []string // the beginning of each key: the purpose and the strategy

	taken []string // the keys of the counters in which it was counted
}

// key returns the key of a counter of that kind. It is a hash, so that the database contains no login
// names, and so that it has the length and characters that a Counter accepts.
func (a *attempt) key(kind string, parts ...string) string {
	return "throttle:" + kind + ":" + token.Hash(append(append([]string{kind}, a.names...), parts...)...)[:24]
}

// place is a counter in which an attempt is counted.
type place struct {
	key    string
	free   int64
	reason string
}

// begin counts the attempt in all places, or in none and returns why.
func (a *attempt) begin(ctx context.Context, places ...place) error {
	for _, p := range places {
		if err := a.take(ctx, p); err != nil {
			a.withdraw(ctx)
			return err
		}
	}
	return nil
}

// take counts the attempt if the schedule allows it. A refused attempt must not count, or a stranger could
// prolong the pause for ever; nor may it be counted for a moment, or many simultaneous requests would make
// the pause look longer than it is. So take first reads the counter, and then counts: of many simultaneous
// attempts, each sees a different number.
func (a *attempt) take(ctx context.Context, p place) error {
	count, reset, err := a.counter.Add(ctx, p.key, 0, a.schedule.window)
	if err != nil {
		return fmt.Errorf("throttle: %w", err)
	}
	if !a.allows(count+1, reset, p.free) {
		return a.refuse(reset, p)
	}
	if count, reset, err = a.counter.Add(ctx, p.key, 1, a.schedule.window); err != nil {
		return fmt.Errorf("throttle: %w", err)
	}
	if a.allows(count, reset, p.free) {
		a.taken = append(a.taken, p.key)
		return nil
	}
	if _, reset, err = a.counter.Add(ctx, p.key, -1, a.schedule.window); err != nil {
		return fmt.Errorf("throttle: %w", err)
	}
	return a.refuse(reset, p)
}

// passed returns the time since the first attempt. A counter that does not exist resets at once.
func (a *attempt) passed(reset time.Duration) time.Duration {
	if reset <= 0 {
		return 0
	}
	return a.schedule.window - reset
}

func (a *attempt) allows(n int64, reset time.Duration, free int64) bool {
	return a.schedule.opensAt(n, free) <= a.passed(reset)
}

// refuse returns the refusal with the time of the next allowed attempt: the schedule's next one, whoever
// makes it, or the end of the window.
func (a *attempt) refuse(reset time.Duration, p place) error {
	wait := min(a.schedule.next(a.passed(reset))-a.passed(reset), reset)
	return &strategy.Failure{Status: http.StatusTooManyRequests, RetryAfter: max(wait, time.Millisecond), Reason: p.reason}
}

// withdraw subtracts the attempt from its counters.
func (a *attempt) withdraw(ctx context.Context) {
	for _, key := range a.taken {
		a.settle(ctx, key, -1)
	}
	a.taken = nil
}

// forget sets a counter to zero. Its window continues.
func (a *attempt) forget(ctx context.Context, key string) error {
	_, _, err := a.counter.Add(ctx, key, -1<<30, a.schedule.window)
	if err != nil {
		return fmt.Errorf("throttle: %w", err)
	}
	return nil
}

// settle adds n even if the client has gone. If it fails, the counter is slightly too high, which is safe,
// until its window has passed.
func (a *attempt) settle(ctx context.Context, key string, n int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _, _ = a.counter.Add(ctx, key, n, a.schedule.window)
}
