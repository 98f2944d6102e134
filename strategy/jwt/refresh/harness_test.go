package refresh_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/jwt/refresh"
)

// cells is a strategy.Cells that can fail: before a call, or after it as when an answer
// is lost on the way.
type cells struct {
	strategy.Cells
	mu     sync.Mutex
	before error // of every call
	lost   int   // Swaps whose answer is lost
	swaps  int
	kept   []string // everything that was ever written, keys and values
	gate   func()   // runs before each Swap
}

func newCells(t *testing.T) *cells {
	t.Helper()
	m, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return &cells{Cells: m.Cells}
}

var errDown = errors.New("redis: down")

func (c *cells) Load(ctx context.Context, key string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.before != nil {
		return nil, c.before
	}
	return c.Cells.Load(ctx, key)
}

func (c *cells) Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
	if c.gate != nil {
		c.gate()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.before != nil {
		return nil, false, c.before
	}
	c.swaps++
	c.kept = append(c.kept, key, string(new))
	found, swapped, err := c.Cells.Swap(ctx, key, old, new, ttl)
	if c.lost > 0 {
		c.lost--
		return nil, false, errDown
	}
	return found, swapped, err
}

func newTokens(t *testing.T, c strategy.Cells, edit ...func(*refresh.Config)) *refresh.Tokens {
	t.Helper()
	cfg := refresh.Config{Cells: c, Logger: slog.New(slog.DiscardHandler)}
	for _, e := range edit {
		e(&cfg)
	}
	tokens, err := refresh.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func issue(t *testing.T, tokens *refresh.Tokens, subject string) string {
	t.Helper()
	token, err := tokens.Issue(t.Context(), refresh.Grant{Subject: subject})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// rotate exchanges token, which must succeed.
func rotate(t *testing.T, tokens *refresh.Tokens, token string) string {
	t.Helper()
	_, next, err := tokens.Rotate(t.Context(), token)
	if err != nil {
		t.Fatalf("rotate: %v", err)
	}
	return next
}

// refuses checks that token gets want, and no token.
func refuses(t *testing.T, what string, tokens *refresh.Tokens, token string, want error) {
	t.Helper()
	grant, next, err := tokens.Rotate(t.Context(), token)
	if !errors.Is(err, want) || next != "" || grant.Subject != "" {
		t.Errorf("%s: got %+v, a token %t, %v, want %v", what, grant, next != "", err, want)
	}
	if refused := errors.Is(want, strategy.ErrUnauthenticated); errors.Is(err, strategy.ErrUnauthenticated) != refused {
		t.Errorf("%s: %v is a refusal: %t, want %t", what, err, !refused, refused)
	}
}
