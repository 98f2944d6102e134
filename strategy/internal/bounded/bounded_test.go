package bounded_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/onetime"
	"github.com/seed-6f34412b/passport/strategy/remember"
	"github.com/seed-6f34412b/passport/strategy/throttle"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

// hangs is a store that never answers.
type hangs struct{}

func (hangs) Add(ctx context.Context, _ string, _ int64, _ time.Duration) (int64, time.Duration, error) {
	<-ctx.Done()
	return 0, 0, ctx.Err()
}

func (hangs) Load(ctx context.Context, _ string) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (hangs) Swap(ctx context.Context, _ string, _, _ []byte, _ time.Duration) ([]byte, bool, error) {
	<-ctx.Done()
	return nil, false, ctx.Err()
}

func (hangs) Put(ctx context.Context, _ string, _ []byte, _ time.Duration) error {
	<-ctx.Done()
	return ctx.Err()
}

func (hangs) Take(ctx context.Context, _ string) ([]byte, bool, error) {
	<-ctx.Done()
	return nil, false, ctx.Err()
}

// TestNoStrategyWaitsForAStoreThatHangs longer than a few time limits, although its visitor would.
func TestNoStrategyWaitsForAStoreThatHangs(t *testing.T) {
	const most = 10 * time.Second
	secrets := []string{"a made-up secret of 32 bytes or more"}
	for name, call := range map[string]func(t *testing.T, ctx context.Context) error{
		"throttle": func(t *testing.T, ctx context.Context) error {
			bearer := strategy.NewBearer("api", func(context.Context, string) (string, error) { return "user", nil })
			limited, err := throttle.New(throttle.Config{Counter: hangs{}, Secrets: secrets}, bearer)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
			r.Header.Set("Authorization", "Bearer right")
			_, err = limited.Authenticate(httptest.NewRecorder(), r)
			return err
		},
		"throttle, a limiter": func(t *testing.T, ctx context.Context) error {
			limiter, err := throttle.NewLimiter(throttle.Config{Counter: hangs{}, Purpose: "mails", Secrets: secrets})
			if err != nil {
				t.Fatal(err)
			}
			return limiter.Take(httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil), "alice")
		},
		"totp": func(t *testing.T, ctx context.Context) error {
			codes, err := totp.NewCodes(totp.CodesConfig{Cells: hangs{}, Issuer: "Example"})
			if err != nil {
				t.Fatal(err)
			}
			key := codes.NewKey()
			return codes.Verify(ctx, "alice", key, codes.Code(key, time.Now()))
		},
		"remember": func(t *testing.T, ctx context.Context) error {
			me, err := remember.New(remember.Config{Cells: hangs{}, Secrets: secrets})
			if err != nil {
				t.Fatal(err)
			}
			return me.ForgetUser(ctx, "alice")
		},
		"onetime, a link is sent": func(t *testing.T, ctx context.Context) error {
			links, err := onetime.New(onetime.Config{Tokens: hangs{}, Purpose: "reset"})
			if err != nil {
				t.Fatal(err)
			}
			_, err = links.Issue(ctx, "alice")
			return err
		},
		"onetime, a link is followed": func(t *testing.T, ctx context.Context) error {
			links, err := onetime.New(onetime.Config{Tokens: hangs{}, Purpose: "reset"})
			if err != nil {
				t.Fatal(err)
			}
			_, err = links.Redeem(ctx, "abcdefghijklmnopqrstuvwxyz234567")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, end := context.WithTimeout(t.Context(), time.Hour)
				defer end()
				began := time.Now()
				err := call(t, ctx)
				if took := time.Since(began); err == nil || took == 0 || took > most {
					t.Errorf("a store that hangs: got %v after %v, want an error within %v", err, took, most)
				}
			})
		})
	}
}
