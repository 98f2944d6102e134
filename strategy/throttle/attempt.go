package throttle

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
)

// schedule says when attempts are allowed: some at once, then one after each pause.
type schedule struct{ delay, maxDelay, window time.Duration }

// opensAt returns how long after the first attempt the n-th is allowed, when free
// ones are allowed at once. Beyond the window it is not exact.
func (s schedule) opensAt(n, free int64) time.Duration {
	var at time.Duration
	for delay := s.delay; n > free && at <= s.window; n-- {
		at += delay
		delay = min(2*delay, s.maxDelay)
	}
	return at
}

// attempt is one attempt at a throttled strategy, on its way through the counters.
type attempt struct {
	counter  strategy.Counter
	schedule schedule
	account  string // empty: counted by address only
	from     string // the client's network
	familiar time.Duration

	taken []place
}

// place is a counter in which the attempt takes part.
type place struct {
	key   string
	count int64 // with this attempt
}

// throttleKey names a counter. The hash keeps login names out of the database, and
// its length and letters within what a Counter takes.
func throttleKey(kind string, parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part) // a hash takes everything
	}
	return "throttle:" + kind + ":" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}

// begin takes the attempt's places, or none and returns why.
func (a *attempt) begin(ctx context.Context, addressFree, accountFree int) error {
	err := a.take(ctx, throttleKey("address", a.from), int64(addressFree), "too many attempts from one address")
	if err == nil && a.account != "" {
		var key string
		if key, err = a.accountKey(ctx); err == nil {
			err = a.take(ctx, key, int64(accountFree), "too many attempts on one account")
		}
	}
	if err != nil {
		a.withdraw(ctx)
	}
	return err
}

// accountKey names the account's counter for this address: its own when there was a
// log-in from it, otherwise that for the rest of the world.
func (a *attempt) accountKey(ctx context.Context) (string, error) {
	known, _, err := a.counter.Add(ctx, throttleKey("familiar", a.account, a.from), 0, a.familiar)
	if err != nil {
		return "", fmt.Errorf("throttle: %w", err)
	}
	if known > 0 {
		return throttleKey("account", a.account, a.from), nil
	}
	return throttleKey("account", a.account), nil
}

// take counts the attempt under key if the schedule allows it. It counts first and
// asks afterwards: of many attempts at once, each sees another number.
func (a *attempt) take(ctx context.Context, key string, free int64, reason string) error {
	count, reset, err := a.counter.Add(ctx, key, 1, a.schedule.window)
	if err != nil {
		return fmt.Errorf("throttle: %w", err)
	}
	passed := a.schedule.window - reset
	if a.schedule.opensAt(count, free) <= passed {
		a.taken = append(a.taken, place{key, count})
		return nil
	}
	// What is refused must not count, or a stranger could push the pause out for ever.
	count, _, err = a.counter.Add(ctx, key, -1, a.schedule.window)
	if err != nil {
		return fmt.Errorf("throttle: %w", err)
	}
	wait := min(a.schedule.opensAt(count+1, free)-passed, reset)
	return &strategy.Failure{Status: http.StatusTooManyRequests, RetryAfter: max(wait, time.Second), Reason: reason}
}

// withdraw takes back places that should not count.
func (a *attempt) withdraw(ctx context.Context) {
	for _, p := range a.taken {
		a.settle(ctx, p.key, -1, a.schedule.window)
	}
}

// succeed forgets the account's wrong attempts and makes the address familiar to it.
func (a *attempt) succeed(ctx context.Context) {
	for i, p := range a.taken {
		back := int64(1)
		if i > 0 { // the account's; the first is the address's
			back = p.count
		}
		a.settle(ctx, p.key, -back, a.schedule.window)
	}
	if a.account != "" {
		a.settle(ctx, throttleKey("familiar", a.account, a.from), 1, a.familiar)
	}
}

// settle adds n even if the client has gone. When it fails, the counter is a little
// too high, on the safe side, until its window has passed.
func (a *attempt) settle(ctx context.Context, key string, n int64, window time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _, _ = a.counter.Add(ctx, key, n, window)
}
