package journey_test

import (
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/compositions/journey"
)

// TestRaces holds each request before each of its commands while each other is answered.
func TestRaces(t *testing.T) {
	start := time.Now()
	runs, failures := journey.Races(t, *full, each, *ofKind)
	t.Logf("%d races in %v", runs, time.Since(start).Round(100*time.Millisecond))
	for _, f := range failures {
		t.Error(f)
	}
}
