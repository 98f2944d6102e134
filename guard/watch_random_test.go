package guard_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/browser"
)

// TestNoticesThatAreLateLostOrDoubled: two programs, four visitors with a stream in each, and random
// renewals, log-outs and outages. No stream ends while its log-in is live, and otherwise each ends at the
// next look at the latest.
func TestNoticesThatAreLateLostOrDoubled(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { noticesAtRandom(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func noticesAtRandom(t *testing.T, random *rand.Rand) {
	here, there := processes(t)
	here.store.deliver = func(tell func()) {
		switch random.IntN(5) {
		case 0: // lost
		case 1:
			tell()
			tell()
		case 2:
			time.AfterFunc(time.Duration(random.Int64N(int64(40*time.Second))), tell)
		default:
			tell()
		}
	}
	type visitor struct {
		*browser.Browser
		streams []*live
		out     bool
	}
	var all []*visitor
	for range 4 {
		b := here.loggedIn("joe@test.com")
		all = append(all, &visitor{Browser: b, streams: []*live{here.watch(b, "/stream"), there.watch(there.in(b), "/stream")}})
	}
	goOn := func(when string) {
		synctest.Wait()
		for i, v := range all {
			for k, l := range v.streams {
				if !v.out && (l.err != nil || l.cause() != "") {
					t.Fatalf("%s: stream %d of visitor %d ended: %q, %v", when, k, i, l.cause(), l.err)
				}
			}
		}
	}
	for range 40 {
		v := all[random.IntN(len(all))]
		switch op := random.IntN(8); {
		case op == 0 && !v.out:
			v.Post("/logout").Want(t, 200, "")
			v.out = true
		case op < 4 && !v.out:
			v.Get("/renew").Want(t, 200, "")
		case op < 6 && !v.out:
			v.Get("/me").Want(t, 200, "joe")
		case op == 6:
			here.store.fail(errOutage)
			pass(time.Duration(random.Int64N(int64(40 * time.Second))))
			goOn("in an outage")
			here.store.fail(nil)
		default:
			pass(time.Duration(random.Int64N(int64(10 * time.Second))))
		}
		goOn("after a step")
	}
	pass(45 * time.Second) // so that the clock looks and the last late notice comes
	goOn("in the end")
	for i, v := range all {
		for k, l := range v.streams {
			if v.out && l.cause() == "" {
				t.Errorf("stream %d of visitor %d goes on after its log-out", k, i)
			}
		}
	}
}
