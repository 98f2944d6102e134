//go:build !race

// Under the race detector sync.Pool drops objects at random, so that allocations
// cannot be counted there.

package session_test

import (
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/session"
)

func TestCookieAllocations(t *testing.T) {
	express := session.Express(secretC, secretB, secretA)
	escaped := mustEncode(t, session.Express(secretA), "connect.sid", someID)
	secure := session.SecureCookie(secretB, secretA)
	value := mustEncode(t, session.SecureCookie(secretA), "__Host-sid", someID)
	header := http.Header{"Cookie": {"a=b; connect.sid=" + escaped, "connect.sid=x"}}
	for _, row := range []struct {
		name string
		want float64
		run  func() bool
	}{
		{"finding the cookies", 0, func() bool {
			n := 0
			session.CookieValues(header, "connect.sid", func(raw string) bool {
				n += len(raw)
				return true
			})
			return n == len(escaped)+1
		}},
		{"an Express value, id not escaped", 0, func() bool {
			id, ok := session.Decode(express, "connect.sid", escaped)
			return ok && id == someID
		}},
		{"a bad Express value", 0, func() bool {
			_, ok := session.Decode(express, "connect.sid", escaped[1:])
			return !ok
		}},
		{"a SecureCookie value, for the id", 1, func() bool {
			id, ok := session.Decode(secure, "__Host-sid", value)
			return ok && id == someID
		}},
		{"a bad SecureCookie value", 0, func() bool {
			_, ok := session.Decode(secure, "sid", value)
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
