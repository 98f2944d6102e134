package store_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/password/limit"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

// TestAHundredGuessesInTwoProcessesRunTenHashes: the counter is shared, so an account has one budget in all
// processes. Once it is used up, right and wrong passwords are refused alike.
func TestAHundredGuessesInTwoProcessesRunTenHashes(t *testing.T) {
	m := miniredis.RunT(t)
	hasher := &password.Bcrypt{Cost: 4, InsecureFast: true, Limit: &limit.Limit{Queue: 1000}}
	hash, err := hasher.Hash(t.Context(), "the right password")
	if err != nil {
		t.Fatal(err)
	}
	lookup := password.LookupFunc[string](func(context.Context, string) (string, string, error) { return "joe", hash, nil })
	var processes []strategy.Strategy[string]
	for range 2 {
		client := redis.NewClient(&redis.Options{Addr: m.Addr()})
		defer client.Close()
		local, err := password.New(lookup, password.Config{Hasher: hasher})
		if err != nil {
			t.Fatal(err)
		}
		s, err := throttle.New(throttle.Config{Counter: newRedisCounter(t, client), Secrets: []string{strings.Repeat("s", 32)}}, local)
		if err != nil {
			t.Fatal(err)
		}
		processes = append(processes, s)
	}
	try := func(process, from int, password string) string {
		r := httptest.NewRequest("POST", "/login", strings.NewReader("email=joe%40test.com&password="+password))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1", from)
		_, err := processes[process].Authenticate(httptest.NewRecorder(), r)
		return fmt.Sprint(err)
	}
	before := hasher.Stats().Done
	var refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			if strings.Contains(try(i%2, i, "wrong"), "too many attempts on one account") {
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	if hashes := hasher.Stats().Done - before; hashes != 10 || refused.Load() != 90 {
		t.Errorf("got %d hashes and %d refusals, want 10 and 90", hashes, refused.Load())
	}
	if right, wrong := try(0, 200, "the+right+password"), try(1, 201, "wrong"); right != wrong || hasher.Stats().Done-before != 10 {
		t.Errorf("afterwards: the right password gets %q, a wrong one %q, after %d hashes, want the same after 10", right, wrong, hasher.Stats().Done-before)
	}
}
