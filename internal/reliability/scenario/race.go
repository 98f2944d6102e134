package scenario

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Result is how many times a promise was broken.
type Result struct {
	Name   string
	Broken int
	Of     int
	Failed int // requests that failed with an error, which promised nothing
}

// String returns "broken of total".
func (r Result) String() string { return fmt.Sprintf("%d of %d", r.Broken, r.Of) }

// Tally counts concurrently.
type Tally struct{ broken, of, failed atomic.Int64 }

// Count adds one to the total, and if broken to the broken ones.
func (y *Tally) Count(broken bool) {
	y.of.Add(1)
	if broken {
		y.broken.Add(1)
	}
}

// Lost adds n to the total, and lost to the broken ones.
func (y *Tally) Lost(lost, n int) {
	y.broken.Add(int64(lost))
	y.of.Add(int64(n))
}

// Fail counts a request that was refused.
func (y *Tally) Fail() { y.failed.Add(1) }

// Result returns the figures.
func (y *Tally) Result(name string) Result {
	return Result{name, int(y.broken.Load()), int(y.of.Load()), int(y.failed.Load())}
}

// Workers is the number of visitors at a time.
const Workers = 8

// Rounds calls round with the numbers 1 to n, on several goroutines at a time.
func Rounds(ctx context.Context, n int, round func(i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range Workers {
		group.Go(func() {
			for i := int(next.Add(1)); i <= n && ctx.Err() == nil; i = int(next.Add(1)) {
				round(i)
			}
		})
	}
	group.Wait()
}

// jitter is the largest random delay before a racing request.
const jitter = 2 * time.Millisecond

// Together runs the functions concurrently, each after a random delay.
func Together(ctx context.Context, functions ...func()) {
	var group sync.WaitGroup
	for _, f := range functions {
		group.Go(func() {
			Wait(ctx, jitter)
			f()
		})
	}
	group.Wait()
}

// Alive reports whether any of the visitors is logged in.
func Alive(ctx context.Context, visitors ...*Visitor) bool {
	for _, v := range visitors {
		if v.Me(ctx).OK() {
			return true
		}
	}
	return false
}

// LogOutAgainstWrite checks that an answered log-out is final, whatever request of the same session was in
// flight.
func LogOutAgainstWrite(ctx context.Context, t *Target, rounds int) Result {
	var y Tally
	Rounds(ctx, rounds, func(i int) {
		v := t.Visitor()
		if !v.LogIn(ctx, i).OK() {
			y.Fail()
			return
		}
		before := v.Twin()
		writer := v.Twin()
		var out Answer
		Together(ctx,
			func() { writer.Set(ctx, "k", "v", Random(2*jitter)) },
			func() { out = v.LogOut(ctx) })
		if !out.OK() {
			y.Fail()
			return
		}
		y.Count(Alive(ctx, before, writer, v))
	})
	return y.Result("sessions alive after a log-out that raced with a write")
}

// LogOutAgainstRenew checks that a log-out is final even if the session gets a new id at the same time.
func LogOutAgainstRenew(ctx context.Context, t *Target, rounds int) Result {
	var y Tally
	Rounds(ctx, rounds, func(i int) {
		v := t.Visitor()
		if !v.LogIn(ctx, i).OK() {
			y.Fail()
			return
		}
		before := v.Twin()
		renewer := v.Twin()
		var out Answer
		Together(ctx,
			func() { renewer.Renew(ctx, Random(jitter)) },
			func() { out = v.LogOut(ctx) })
		if !out.OK() {
			y.Fail()
			return
		}
		y.Count(Alive(ctx, before, renewer, v))
	})
	return y.Result("sessions alive after a log-out that raced with a new id")
}

// AnotherUser checks that what is written for one user never gets into the next user's session.
func AnotherUser(ctx context.Context, t *Target, rounds int) Result {
	var y Tally
	Rounds(ctx, rounds, func(i int) {
		v := t.Visitor()
		if !v.LogIn(ctx, 2*i).OK() {
			y.Fail()
			return
		}
		writer := v.Twin()
		var in Answer
		Together(ctx,
			func() { writer.Set(ctx, "secret", "of the first", Random(2*jitter)) },
			func() { in = v.LogIn(ctx, 2*i+1) })
		if !in.OK() {
			y.Fail()
			return
		}
		data, err := v.Data(ctx)
		if err != nil {
			y.Fail()
			return
		}
		y.Count(data["secret"] != "")
	})
	return y.Result("a user's values found in the session of the next user")
}

// TwoLogIns checks that two simultaneous log-ins are both valid, and that each can be ended for good.
func TwoLogIns(ctx context.Context, t *Target, rounds int) Result {
	var y Tally
	Rounds(ctx, rounds, func(i int) {
		first := t.Visitor()
		if !first.LogIn(ctx, i).OK() {
			y.Fail()
			return
		}
		second := first.Twin()
		var a, b Answer
		Together(ctx, func() { a = first.LogIn(ctx, i) }, func() { b = second.LogIn(ctx, i) })
		if !a.OK() || !b.OK() {
			y.Fail()
			return
		}
		untrue := !first.Me(ctx).OK() || !second.Me(ctx).OK()
		held := []*Visitor{first.Twin(), second.Twin()}
		if !first.LogOut(ctx).OK() || !second.LogOut(ctx).OK() {
			y.Fail()
			return
		}
		y.Count(untrue || Alive(ctx, held...))
	})
	return y.Result("two log-ins at once of which one was untrue or could not be ended")
}

// Writers checks that of the values that n requests set at the same time, each under its own name, no
// acknowledged one is lost.
func Writers(ctx context.Context, t *Target, n, rounds int) Result {
	var y Tally
	for i := range rounds {
		v := t.Visitor()
		if !v.LogIn(ctx, i+1).OK() {
			y.Fail()
			continue
		}
		told := make([]bool, n)
		writers := make([]func(), n)
		for k := range n {
			writers[k] = func() { told[k] = v.Set(ctx, fmt.Sprint("k", k), "v", Random(jitter)).OK() }
		}
		Together(ctx, writers...)
		data, err := v.Data(ctx)
		if err != nil {
			y.Fail()
			continue
		}
		for k := range n {
			if !told[k] {
				y.Fail()
				continue
			}
			y.Count(data[fmt.Sprint("k", k)] != "v")
		}
	}
	return y.Result(fmt.Sprintf("values lost of those that %d requests set at once", n))
}

// Counter checks that of the additions that n requests make at the same time, no acknowledged one is lost,
// and none is made twice.
func Counter(ctx context.Context, t *Target, n, rounds int) Result {
	var y Tally
	for i := range rounds {
		v := t.Visitor()
		if !v.LogIn(ctx, i+1).OK() {
			y.Fail()
			continue
		}
		var told atomic.Int64
		adders := make([]func(), n)
		for k := range n {
			adders[k] = func() {
				if v.Add(ctx, Random(jitter)).OK() {
					told.Add(1)
				} else {
					y.Fail()
				}
			}
		}
		Together(ctx, adders...)
		data, err := v.Data(ctx)
		if err != nil {
			y.Fail()
			continue
		}
		var got int
		_, _ = fmt.Sscan(data["n"], &got) // no value means 0
		off := int(told.Load()) - got
		y.Lost(max(off, -off), int(told.Load()))
	}
	return y.Result(fmt.Sprintf("additions lost of those that %d requests made at once", n))
}

// All runs every scenario. size is the number of rounds of those with two competing requests; those with
// many writers run fewer rounds, for about as many requests.
func All(ctx context.Context, t *Target, size int) []Result {
	results := []Result{
		LogOutAgainstWrite(ctx, t, size),
		LogOutAgainstRenew(ctx, t, size),
		AnotherUser(ctx, t, size),
		TwoLogIns(ctx, t, size/2),
	}
	for _, n := range []int{2, 10, 100} {
		rounds := max(1, size/n)
		results = append(results, Writers(ctx, t, n, rounds), Counter(ctx, t, n, rounds))
	}
	return results
}
