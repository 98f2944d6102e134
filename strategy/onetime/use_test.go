package onetime_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestATokenIsUsedUpByAnAnswer: by success and by a refusal, and not by an outage.
func TestATokenIsUsedUpByAnAnswer(t *testing.T) {
	for _, row := range []struct {
		name  string
		err   error
		again bool // the token is good for another attempt
	}{
		{"success", nil, false},
		{"a refusal", strategy.ErrUnauthenticated, false},
		{"a refusal with a status", &strategy.Failure{Status: 409, Reason: "taken"}, false},
		{"no worker free to hash", strategy.ErrBusy, true},
		{"an outage", credtest.ErrDown, true},
	} {
		o := newOneTime(t, newSpy(t), "reset")
		token := issue(t, o, "joe foo")
		err := o.Use(t.Context(), token, func(_ context.Context, user string) error {
			if user != "joe foo" {
				t.Errorf("%s: got the user %q, want joe foo", row.name, user)
			}
			if _, err := o.Redeem(t.Context(), token); !errors.Is(err, strategy.ErrUnauthenticated) {
				t.Errorf("%s: while it is used: got %v, want a refusal", row.name, err)
			}
			return row.err
		})
		if !errors.Is(err, row.err) {
			t.Errorf("%s: got %v, want %v", row.name, err, row.err)
		}
		user, err := o.Redeem(t.Context(), token)
		if row.again && (err != nil || user != "joe foo") {
			t.Errorf("%s: the next attempt: got %q, %v, want joe foo", row.name, user, err)
		}
		if !row.again && !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%s: the next attempt: got %q, %v, want a refusal", row.name, user, err)
		}
	}
}

// TestATokenThatIsPutBackEndsWhenItWouldHave: attempts that fail do not make it last longer.
func TestATokenThatIsPutBackEndsWhenItWouldHave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOneTime(t, newSpy(t), "reset")
		token := issue(t, o, "joe")
		busy := func(context.Context, string) error { return strategy.ErrBusy }
		for range 9 {
			<-time.After(time.Minute)
			if err := o.Use(t.Context(), token, busy); !errors.Is(err, strategy.ErrBusy) {
				t.Fatalf("within ten minutes: got %v, want ErrBusy", err)
			}
		}
		<-time.After(time.Minute - time.Second)
		late := func(context.Context, string) error { <-time.After(2 * time.Second); return strategy.ErrBusy }
		if err := o.Use(t.Context(), token, late); !errors.Is(err, strategy.ErrBusy) {
			t.Errorf("a second before its end: got %v, want ErrBusy", err)
		}
		if err := o.Use(t.Context(), token, busy); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("after its end: got %v, want a refusal", err)
		}
	})
}

// TestAClientThatLeavesUsesTheTokenUp: otherwise one token could have a site hash passwords without end.
func TestAClientThatLeavesUsesTheTokenUp(t *testing.T) {
	o := newOneTime(t, patient{newSpy(t)}, "reset")
	token := issue(t, o, "joe")
	ctx, leave := context.WithCancel(t.Context())
	err := o.Use(ctx, token, func(context.Context, string) error {
		leave()
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "put") {
		t.Errorf("got %v, want context.Canceled alone", err)
	}
	if user, err := o.Redeem(t.Context(), token); !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("the next attempt: got %q, %v, want a refusal", user, err)
	}
}

// patient stores also when the context has ended, as a command that is on its way does.
type patient struct{ strategy.Tokens }

func (p patient) Put(ctx context.Context, key string, v []byte, ttl time.Duration) error {
	return p.Tokens.Put(context.WithoutCancel(ctx), key, v, ttl)
}

// TestATokenThatCannotBePutBackSaysSo: beside what work said, and without the token.
func TestATokenThatCannotBePutBackSaysSo(t *testing.T) {
	s := newSpy(t)
	o := newOneTime(t, s, "reset")
	token := issue(t, o, "joe")
	err := o.Use(t.Context(), token, func(context.Context, string) error {
		s.err = credtest.ErrDown
		return strategy.ErrBusy
	})
	if !errors.Is(err, strategy.ErrBusy) || !errors.Is(err, credtest.ErrDown) || strings.Contains(err.Error(), token) {
		t.Errorf("got %v, want both errors and no token", err)
	}
}

// TestNeitherATimeLimitNorALeavingClientLosesAToken: work goes on without the client, and ends at the deadline.
func TestNeitherATimeLimitNorALeavingClientLosesAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, row := range []struct {
			name string
			work func(ctx context.Context, leave func()) error
			want error
			ends time.Duration // when the work ended
		}{
			{"the client leaves, then an outage", func(ctx context.Context, leave func()) error {
				leave()
				return errors.Join(ctx.Err(), strategy.ErrBusy)
			}, strategy.ErrBusy, 0},
			{"the deadline of a handler", func(ctx context.Context, _ func()) error {
				<-ctx.Done()
				return ctx.Err()
			}, context.DeadlineExceeded, 10 * time.Second},
			{"a database that hangs, and no deadline", func(ctx context.Context, leave func()) error {
				leave()
				<-ctx.Done()
				return ctx.Err()
			}, context.DeadlineExceeded, time.Minute},
		} {
			o := newOneTime(t, newSpy(t), "reset")
			token := issue(t, o, "joe")
			ctx, leave := context.WithCancel(t.Context())
			if row.ends == 10*time.Second {
				ctx, leave = context.WithTimeout(t.Context(), row.ends)
			}
			defer leave()
			began := time.Now()
			err := o.Use(ctx, token, func(ctx context.Context, _ string) error { return row.work(ctx, leave) })
			if !errors.Is(err, row.want) || errors.Is(err, context.Canceled) || time.Since(began) != row.ends {
				t.Errorf("%s: got %v after %v, want %v after %v", row.name, err, time.Since(began), row.want, row.ends)
			}
			if user, err := o.Redeem(t.Context(), token); err != nil || user != "joe" {
				t.Errorf("%s: the next attempt: got %q, %v, want joe", row.name, user, err)
			}
		}
	})
}

// TestAClientThatHasLeftHasItsWorkDone: the second of two clicks breaks the first request off.
func TestAClientThatHasLeftHasItsWorkDone(t *testing.T) {
	o := newOneTime(t, newSpy(t), "reset")
	ctx, leave := context.WithCancel(t.Context())
	token := issue(t, o, "joe")
	leave()
	done := false
	err := o.Use(ctx, token, func(context.Context, string) error { done = true; return nil })
	if err != nil || !done {
		t.Errorf("got %t, %v, want the work done", done, err)
	}
}

// TestWhatThisPackageHasNotKeptIsAnOutage: another program writes to the same place.
func TestWhatThisPackageHasNotKeptIsAnOutage(t *testing.T) {
	s := newSpy(t)
	o := newOneTime(t, s, "reset")
	token := issue(t, o, "joe")
	key, _, _ := strings.Cut(s.seen, "=")
	if err := s.Put(t.Context(), key, []byte("joe"), time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Redeem(t.Context(), token); err == nil || errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("got %v, want an outage", err)
	}
}
