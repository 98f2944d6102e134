//go:build !race

// With the race detector sync.Pool drops objects at random, so allocations cannot be counted then.

package cookies_test

import (
	"testing"

	"github.com/seed-6f34412b/passport/internal/cookies"
)

func TestCookieAllocations(t *testing.T) {
	express := cookies.Express(secretC, secretB, secretA)
	escaped := mustEncode(t, cookies.Express(secretA), "connect.sid", someID)
	secure := cookies.SecureCookie(secretB, secretA)
	value := mustEncode(t, cookies.SecureCookie(secretA), "__Host-sid", someID)
	header := "a=b; connect.sid=" + escaped + ";connect.sid=x"
	for _, row := range []struct {
		name string
		want float64
		run  func() bool
	}{
		{"finding the cookies", 0, func() bool {
			n := 0
			for raw := range cookies.Values(header, "connect.sid") {
				n += len(raw)
			}
			return n == len(escaped)+1
		}},
		{"an Express value, id not escaped", 0, func() bool {
			id, ok := express.Decode("connect.sid", escaped)
			return ok && id == someID
		}},
		{"a bad Express value", 0, func() bool {
			_, ok := express.Decode("connect.sid", escaped[1:])
			return !ok
		}},
		{"a SecureCookie value, for the id", 1, func() bool {
			id, ok := secure.Decode("__Host-sid", value)
			return ok && id == someID
		}},
		{"a bad SecureCookie value", 0, func() bool {
			_, ok := secure.Decode("sid", value)
			return !ok
		}},
	} {
		if !row.run() {
			t.Errorf("%s: wrong result", row.name)
		}
		if got := testing.AllocsPerRun(200, func() { row.run() }); got > row.want {
			t.Errorf("%s: %v allocations, want %v", row.name, got, row.want)
		}
	}
}
