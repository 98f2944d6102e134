package session_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

// TestARequestsStateIsOneAllocation of little more than a kilobyte: the allocator gives 1,152 bytes and
// uses eight of them itself.
func TestARequestsStateIsOneAllocation(t *testing.T) {
	if session.RequestSize > 1144 {
		t.Errorf("a request's state has %d bytes, want at most 1144", session.RequestSize)
	}
}

// A record lists which of its members are log-ins. The list is read once, however many members there are
// (S19): reading it for each of them took a second of CPU time with a large record.
func TestS19_TheListOfLogInsIsReadOnce(t *testing.T) {
	const members, logIns = 300, 150
	record := fmt.Sprintf(`{"cookie":{},"_go":{"b":%d,"k":["k0"`, time.Now().UnixMilli())
	for i := range logIns {
		record += fmt.Sprintf(`,"k%d"`, i)
	}
	record += "]}"
	for i := range members {
		record += fmt.Sprintf(`,"m%d":1`, i)
	}
	st := newScripted()
	st.put("large", record+"}")
	s, err := newManager(t, st).Open(t.Context(), "large")
	if err != nil {
		t.Fatal(err)
	}
	if got := len(s.Keys()); got != members {
		t.Errorf("%d keys, want %d", got, members)
	}
	for name, f := range map[string]func(){
		"Keys":        func() { s.Keys() },
		"ExpressJSON": func() { _, _ = s.ExpressJSON() },
	} {
		if got := testing.AllocsPerRun(5, f); got > 5*(members+logIns) {
			t.Errorf("%s: %v allocations for %d members and %d log-ins, want at most five for each", name, got, members, logIns)
		}
	}
}
