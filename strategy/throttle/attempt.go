package throttle

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/token"
)

// attempt is one attempt on its way through the counters.
type attempt struct {
	counter  strategy.Counter
	schedule schedule
	names    []string // what each key begins with: the purpose and the strategy

	taken []string // the keys of the counters in which it takes part
}

// key names a counter of that kind. The hash keeps login names out of the database, and
// its length and letters within what a Counter takes.
func (a *attempt) key(kind string, parts ...string) string {
	return "throttle:" + kind + ":" + token.Hash(append(append([]string{kind}, a.names...), parts...)...)[:24]
}

// place is a counter in which an attempt takes part.
type place struct {
	key    string
	free   int64
	reason string
}

// begin takes the places, or none and returns why.
func (a *attempt) begin(ctx context.Context, places ...place) error {
	for _, p := range places {
		if err := a.take(ctx, p); err != nil {
			a.withdraw(ctx)
			return err
		}
	}
	return nil
}

// take counts the attempt if the schedule allows it. What is refused must not count, or a
// stranger could push the pause out for ever, nor be counted for a moment, or many
// requests at once would make the pause look longer than it is. So it asks first, and
// counts then: of many attempts at once, each sees another number.
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

// passed is the time since the first attempt. A counter that is not there resets at once.
func (a *attempt) passed(reset time.Duration) time.Duration {
	if reset <= 0 {
		return 0
	}
	return a.schedule.window - reset
}

func (a *attempt) allows(n int64, reset time.Duration, free int64) bool {
	return a.schedule.opensAt(n, free) <= a.passed(reset)
}

// refuse says when the next attempt is allowed: the schedule's next opening, whoever takes
// it, or the end of the window.
func (a *attempt) refuse(reset time.Duration, p place) error {
	wait := min(a.schedule.next(a.passed(reset))-a.passed(reset), reset)
	return &strategy.Failure{Status: http.StatusTooManyRequests, RetryAfter: max(wait, time.Millisecond), Reason: p.reason}
}

// withdraw takes back the places: they should not count.
func (a *attempt) withdraw(ctx context.Context) {
	for _, key := range a.taken {
		a.settle(ctx, key, -1)
	}
	a.taken = nil
}

// forget empties a counter. Its window goes on.
func (a *attempt) forget(ctx context.Context, key string) error {
	_, _, err := a.counter.Add(ctx, key, -1<<30, a.schedule.window)
	if err != nil {
		return fmt.Errorf("throttle: %w", err)
	}
	return nil
}

// settle adds n even if the client has gone. When it fails, the counter is a little
// too high, on the safe side, until its window has passed.
func (a *attempt) settle(ctx context.Context, key string, n int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _, _ = a.counter.Add(ctx, key, n, a.schedule.window)
}
