package rotating_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy/internal/rotating"
)

// noEras are cells that take several steps at once. While lost is true, they swap, but load no era.
type noEras struct {
	*store.MemoryCells
	lost bool
}

func (c *noEras) Combines() any { return c }

func (c *noEras) SwapAndLoad(ctx context.Context, key string, old, new []byte, ttl time.Duration, others []string) ([]byte, bool, [][]byte, error) {
	found, swapped, values, err := c.MemoryCells.SwapAndLoad(ctx, key, old, new, ttl, others)
	if err == nil && c.lost {
		return nil, false, nil, errRefused
	}
	return found, swapped, values, err
}

func (c *noEras) Load(ctx context.Context, key string) ([]byte, error) {
	if c.lost && strings.Contains(key, ":era:") {
		return nil, errRefused
	}
	return c.MemoryCells.Load(ctx, key)
}

// TestAnEraThatCannotBeReadTakesNoToken: in a cluster, the series may be on another server than the era. The
// owner comes again with the token, also where it is accepted only once.
func TestAnEraThatCannotBeReadTakesNoToken(t *testing.T) {
	for name, grace := range map[string]time.Duration{"with a grace": grace, "without one": -1} {
		cells := &noEras{MemoryCells: newCells(t).(*store.MemoryCells)}
		h := begin(t, newTokens(t, func(c *rotating.Config) { c.Cells, c.Grace = cells, grace }))
		cells.lost = true
		if _, _, err := h.tokens.Use(t.Context(), h.token); !errors.Is(err, errRefused) {
			t.Errorf("%s: got %v, want the outage", name, err)
		}
		cells.lost = false
		if got := h.use(false); got != "in" {
			t.Errorf("%s, after the outage: got %q, want the owner in", name, got)
		}
	}
}
