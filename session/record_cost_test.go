package session_test

import (
	"testing"

	"github.com/seed-6f34412b/passport/session"
)

// smallRecord is what a log-in stores, with one value of the application's.
const smallRecord = `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/","sameSite":"lax"},"passport":{"user":1,"go":{"for":1,"at":1795442400123,"factors":{"local":1795442400123}}},"cart":{"apples":3},"_go":{"b":1795442400123,"v":"k3J9aQx0","l":1}}`

func BenchmarkDecodeRecord(b *testing.B) {
	data := []byte(smallRecord)
	b.ReportAllocs()
	for b.Loop() {
		if err := session.DecodeRecord(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncodeRecord is all that a write does but for the store: the record is read,
// its values are copied into a draft, one changes, and the draft is written.
func BenchmarkEncodeRecord(b *testing.B) {
	m := newManager(b, newScripted())
	data := []byte(smallRecord)
	b.ReportAllocs()
	for b.Loop() {
		if err := session.EncodeRecord(m, data, "cart", []byte(`{"apples":4}`)); err != nil {
			b.Fatal(err)
		}
	}
}

// TestARequestsStateIsOneAllocation of little more than a kilobyte: the allocator hands out
// 1,152 bytes, eight of which are its own, and then 1,280.
func TestARequestsStateIsOneAllocation(t *testing.T) {
	if session.RequestSize > 1144 {
		t.Errorf("a request's state has %d bytes, want at most 1144", session.RequestSize)
	}
}
