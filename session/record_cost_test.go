package session_test

import (
	"testing"

	"github.com/seed-6f34412b/passport/session"
)

// TestARequestsStateIsOneAllocation of little more than a kilobyte: the allocator hands out
// 1,280 bytes, eight of which are its own.
func TestARequestsStateIsOneAllocation(t *testing.T) {
	if session.RequestSize > 1272 {
		t.Errorf("a request's state has %d bytes, want at most 1272", session.RequestSize)
	}
}
