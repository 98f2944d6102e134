package rig

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/reliability/scenario"
	"github.com/seed-6f34412b/passport/session"
)

// Serve starts two copies of the program on st. It returns one of them and the address for visitors, whose
// requests reach either: the promises must hold between processes too.
func Serve(t testing.TB, st session.Store, edit ...func(*session.Config)) (*App, *scenario.Target) {
	t.Helper()
	var apps [2]*App
	for i := range apps {
		var err error
		if apps[i], err = New(st, edit...); err != nil {
			t.Fatal(err)
		}
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		apps[rand.IntN(len(apps))].ServeHTTP(w, r) //nolint:gosec // no secret
	}))
	t.Cleanup(srv.Close)
	target, err := scenario.At(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.Close)
	return apps[0], target
}

// Race is a scenario for features that other libraries do not have. It runs in the program, on a store, in
// a number of rounds.
type Race struct {
	Name string
	Run  func(ctx context.Context, t testing.TB, st session.Store, rounds int) scenario.Result
}

// Races are the scenarios for our own features.
var Races = []Race{
	{"log-out everywhere", logOutEverywhere},
	{"two guards", twoGuards},
	{"expiry", expiry},
	{"refresh storm", refreshStorm},
}

// logOutEverywhere: after LogOutEverywhere returned, no session is live whose log-in was answered before
// the call, and no successor of one.
func logOutEverywhere(ctx context.Context, t testing.TB, st session.Store, rounds int) scenario.Result {
	app, target := Serve(t, st)
	var y scenario.Tally
	scenario.Rounds(ctx, rounds, func(i int) {
		visitors := make([]*scenario.Visitor, 3)
		for k := range visitors {
			visitors[k] = target.Visitor()
			if !visitors[k].LogIn(ctx, i).OK() {
				y.Fail()
				return
			}
		}
		held := []*scenario.Visitor{visitors[0].Twin(), visitors[1].Twin(), visitors[2].Twin()}
		var err error
		scenario.Together(ctx,
			func() { visitors[0].Renew(ctx, scenario.Random(time.Millisecond)) },
			func() { visitors[1].Set(ctx, "k", "v", scenario.Random(time.Millisecond)) },
			func() { _, err = app.Users.LogOutEverywhere(ctx, i) })
		if err != nil {
			y.Fail()
			return
		}
		y.Count(scenario.Alive(ctx, append(held, visitors...)...))
	})
	return y.Result("sessions alive after log-out everywhere that raced with a new id and a write")
}

// twoGuards: users and admins log out of one session at once; each log-out is final.
func twoGuards(ctx context.Context, t testing.TB, st session.Store, rounds int) scenario.Result {
	_, target := Serve(t, st)
	var y scenario.Tally
	scenario.Rounds(ctx, rounds, func(i int) {
		v := target.Visitor()
		if !v.LogIn(ctx, i).OK() || !v.Do(ctx, http.MethodPost, fmt.Sprintf("/admin/login?user=%d", i)).OK() {
			y.Fail()
			return
		}
		held, a, b := v.Twin(), v.Twin(), v.Twin()
		var userOut, adminOut scenario.Answer
		scenario.Together(ctx,
			func() { userOut = a.LogOut(ctx) },
			func() { adminOut = b.Do(ctx, http.MethodPost, "/admin/logout") })
		for _, w := range []*scenario.Visitor{held, a, b} {
			if userOut.OK() {
				y.Count(w.Me(ctx).OK())
			} else {
				y.Fail()
			}
			if adminOut.OK() {
				y.Count(w.Do(ctx, http.MethodGet, "/admin/me").OK())
			} else {
				y.Fail()
			}
		}
	})
	return y.Result("log-ins alive after two guards logged out of one session at once")
}

// expiry: a write that comes just after the session expired does not bring it back.
func expiry(ctx context.Context, t testing.TB, st session.Store, rounds int) scenario.Result {
	const life = 60 * time.Millisecond
	_, target := Serve(t, st, func(c *session.Config) {
		c.IdleTimeout, c.AbsoluteTimeout, c.RefreshAfter = life, 2*life, life/2
	})
	var y scenario.Tally
	scenario.Rounds(ctx, rounds/4, func(i int) {
		v := target.Visitor()
		if !v.LogIn(ctx, i).OK() {
			y.Fail()
			return
		}
		start := time.Now() // after the log-in, when the session's time began
		for time.Since(start) < 2*life {
			if !v.Set(ctx, fmt.Sprint(time.Since(start)), "v", scenario.Random(life)).OK() {
				y.Fail()
			}
		}
		<-time.After(life / 4)
		y.Count(scenario.Alive(ctx, v))
	})
	return y.Result("sessions alive after their time, with writes until then")
}

// refreshStorm: many requests at once find that the session's refresh is due, while it is written and at
// last logged out.
func refreshStorm(ctx context.Context, t testing.TB, st session.Store, rounds int) scenario.Result {
	_, target := Serve(t, st, func(c *session.Config) { c.RefreshAfter = time.Millisecond })
	var y scenario.Tally
	for i := range max(1, rounds/20) {
		v := target.Visitor()
		if !v.LogIn(ctx, i+1).OK() {
			y.Fail()
			continue
		}
		held := v.Twin()
		const readers = 50
		answers := make([]scenario.Answer, readers)
		storm := make([]func(), readers, readers+2)
		for k := range storm {
			storm[k] = func() { answers[k] = v.Me(ctx) }
		}
		var added scenario.Answer
		scenario.Together(ctx, append(storm, func() { added = v.Add(ctx, 0) })...)
		for _, a := range answers {
			y.Count(a.Text != fmt.Sprint(i+1)) // a refresh must not be visible
		}
		data, err := v.Data(ctx)
		y.Count(err != nil || added.OK() != (data["n"] == "1"))
		scenario.Together(ctx, append(storm, func() { y.Count(!v.LogOut(ctx).OK()) })...)
		y.Count(scenario.Alive(ctx, held) || v.Cookie(Cookie) != "")
	}
	return y.Result("requests disturbed, or sessions alive after log-out, in a refresh storm")
}
