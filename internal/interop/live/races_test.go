//go:build integration

package live_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/store"
)

// runs is how often each race is run.
const runs = 25

// slow is a request that has its session loaded and waits before it writes.
type slow struct {
	w    *world
	p    peer
	name string
	gate func() // lets it go on, in Go; nil for Node
	done chan answer
}

// beginSlow sends it and returns when it has loaded its session.
func (w *world) beginSlow(v *visitor, p peer, body map[string]any) *slow {
	w.Helper()
	s := &slow{w: w, p: p, name: fmt.Sprint("gate", time.Now().UnixNano()), done: make(chan answer, 1)}
	go s.send(v.twin(), body)
	newVisitor(w.T).get(p, "/gate/wait?name="+s.name).ok(w.T, "wait for the slow request")
	return s
}

// beginSlowGo is beginSlow for the application in Go.
func (w *world) beginSlowGo(v *visitor, a *goApp, body map[string]any) *slow {
	w.Helper()
	s := &slow{w: w, p: a.peer, name: fmt.Sprint("gate", time.Now().UnixNano()), done: make(chan answer, 1)}
	gate := a.gates.named(s.name)
	s.gate = func() { close(gate.released) }
	go s.send(v.twin(), body)
	<-gate.arrived
	return s
}

func (s *slow) send(v *visitor, body map[string]any) {
	a, err := v.try(http.MethodPost, s.p, "/slow?name="+url.QueryEscape(s.name), body)
	if err != nil {
		s.w.Errorf("slow request: %v", err)
		a.Response = &http.Response{}
	}
	s.done <- a
}

// finish lets the request go on and returns its answer.
func (s *slow) finish() answer {
	s.w.Helper()
	if s.gate != nil {
		s.gate()
	} else {
		newVisitor(s.w.T).post(s.p, "/gate/release?name="+s.name, nil).ok(s.w.T, "release the slow request")
	}
	return <-s.done
}

// TestRaceWithABlindWrite measures what becomes of two writes, one by each side, of
// which the first is stored while the other's request is under way.
func TestRaceWithABlindWrite(t *testing.T) {
	for _, stack := range stacks {
		t.Run(stack, func(t *testing.T) {
			w := newWorld(t, stack)
			express, goApp := w.pair()
			for _, row := range []struct {
				name          string
				first, second string // who stores first, and who stores over it
				lost          string // whose value is lost, every time
			}{
				{"Node stores while a Go request is under way", "node", "go", ""},
				{"Go stores while a Node request is under way", "go", "node", "go"},
				{"Node stores while a Node request is under way", "node", "node", "first"},
				{"Go stores while a Go request is under way", "go", "go", ""},
			} {
				t.Run(row.name, func(t *testing.T) {
					w := &world{t, w.node, w.redis, w.client}
					kept := map[string]int{}
					for range runs {
						v := newVisitor(t)
						v.logIn(goApp.peer, joe)
						var s *slow
						if row.second == "go" {
							s = w.beginSlowGo(v, goApp, map[string]any{"second": 2})
						} else {
							s = w.beginSlow(v, express, map[string]any{"second": 2})
						}
						first := express
						if row.first == "go" {
							first = goApp.peer
						}
						v.post(first, "/set", map[string]any{"first": 1}).ok(t, "the first write")
						s.finish().ok(t, "the second write")
						for _, key := range []string{"first", "second"} {
							if v.get(goApp.peer, "/get?key="+key).text != "null\n" {
								kept[key]++
							}
						}
						v.isUser(goApp.peer, "Go", "1")
						v.isUser(express, "Node", "1")
					}
					want := runs
					if row.lost != "" {
						want = 0
					}
					if kept["first"] != want || kept["second"] != runs {
						t.Errorf("of %d runs the first write is kept in %d, want %d, and the second in %d, want all", runs, kept["first"], want, kept["second"])
					}
					t.Logf("%d runs: first write kept %d, second %d", runs, kept["first"], kept["second"])
				})
			}
		})
	}
}

// ends are the ways in which Go ends the session that a Node request has loaded.
var ends = []struct {
	name string
	end  func(*world, *goApp, *visitor)
}{
	{"log-out", func(_ *world, a *goApp, v *visitor) { v.logOut(a.peer) }},
	{"log-in of another user", func(_ *world, a *goApp, v *visitor) { v.logIn(a.peer, jen) }},
	{"a new id", func(w *world, a *goApp, v *visitor) { v.post(a.peer, "/renew", nil).ok(w.T, "renew") }},
	{"log-out everywhere", func(w *world, a *goApp, _ *visitor) {
		if n, err := a.auth.LogOutEverywhere(w.Context(), users[0]); n == 0 || err != nil {
			w.Fatalf("log out everywhere: %d, %v", n, err)
		}
	}},
}

// TestS15_Live has Go end a session while Node requests are under way, which write it
// back. With tombstones Go takes it for unknown, at once and 25 hours later; without,
// it is logged in again: the measure of what they are for.
func TestS15_Live(t *testing.T) {
	for _, stack := range stacks {
		for _, resave := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, resave %v", stack, resave), func(t *testing.T) {
				w := newWorld(t, stack)
				express := w.express(options{Session: map[string]any{"resave": resave}})
				noting := w.goApp(goOptions{redis: store.RedisConfig{Tombstones: true}})
				plain := w.goApp(goOptions{})
				body := map[string]any{"byNode": "late"}
				if resave {
					body = map[string]any{} // the request changes nothing, and writes all the same
				}
				for _, end := range ends {
					back := w.resurrections(plain, express, body, end.end, nil)
					with := w.resurrections(noting, express, body, end.end, nil)
					later := w.resurrections(noting, express, body, end.end, func() { w.redis.Advance(t, 25*time.Hour) })
					t.Logf("%s: of %d sessions that Node wrote back Go accepts %d without tombstones, %d with, %d with them 25 hours later", end.name, runs, back, with, later)
					if back != runs {
						t.Errorf("%s: without tombstones %d of %d came back: the race did not happen", end.name, back, runs)
					}
					if with != 0 || later != 0 {
						t.Errorf("%s: with tombstones Go accepted %d, and %d a day later, want none", end.name, with, later)
					}
				}
			})
		}
	}
}

// resurrections counts the sessions that Go accepts after it ended them and a Node
// request wrote them back. later, if not nil, lets time pass before Node does so.
func (w *world) resurrections(a *goApp, express peer, body map[string]any, end func(*world, *goApp, *visitor), later func()) (n int) {
	w.Helper()
	for i := range runs {
		v := newVisitor(w.T)
		v.logIn([]peer{a.peer, express}[i%2], joe)
		v.isUser(a.peer, "Go, before", "1") // Go knows of sessions that Node made
		late := v.twin()
		s := w.beginSlow(v, express, body)
		key := w.keyOf(v)
		end(w, a, v)
		if left, err := w.client.Exists(w.Context(), key).Result(); left != 0 || err != nil {
			w.Fatalf("the session is still there: %v", err)
		}
		if later != nil {
			later()
		}
		s.finish().ok(w.T, "the slow request")
		w.eventually("Node's write", func() bool {
			left, err := w.client.Exists(w.Context(), key).Result()
			return err == nil && left == 1
		})
		switch got := late.get(a.peer, "/protected"); got.StatusCode {
		case http.StatusOK:
			n++
		case http.StatusUnauthorized:
		default:
			w.Fatalf("Go answers %d %s", got.StatusCode, got.text)
		}
		if err := w.client.FlushDB(w.Context()).Err(); err != nil {
			w.Fatal(err)
		}
	}
	return n
}

// keyOf is the key of the visitor's session.
func (w *world) keyOf(v *visitor) string {
	w.Helper()
	raw, err := url.PathUnescape(v.cookie("connect.sid"))
	if err != nil {
		w.Fatal(err)
	}
	id, _, ok := strings.Cut(strings.TrimPrefix(raw, "s:"), ".")
	if !ok {
		w.Fatalf("the cookie %q has no signature", raw)
	}
	return "sess:" + id
}

// TestS15_WhatTombstonesCannotCover writes down what stays as it is among Node
// programs.
func TestS15_WhatTombstonesCannotCover(t *testing.T) {
	for _, stack := range stacks {
		t.Run(stack, func(t *testing.T) {
			w := newWorld(t, stack)
			express := w.express(options{})
			goApp := w.goApp(goOptions{redis: store.RedisConfig{Tombstones: true}})
			t.Run("Node itself goes on with what it wrote back, until Go sees it", func(t *testing.T) {
				w := &world{t, w.node, w.redis, w.client}
				v := newVisitor(t)
				v.logIn(goApp.peer, joe)
				late := v.twin()
				s := w.beginSlow(v, express, map[string]any{"byNode": "late"})
				v.logOut(goApp.peer)
				s.finish().ok(t, "the slow request")
				late.isUser(express, "Node", "1")
				late.isNobody(goApp.peer, "Go")
				late.isNobody(express, "Node, after Go removed it")
			})
			t.Run("a log-out by Node that a Node request undoes", func(t *testing.T) {
				w := &world{t, w.node, w.redis, w.client}
				v := newVisitor(t)
				v.logIn(express, joe)
				late := v.twin()
				s := w.beginSlow(v, express, map[string]any{"byNode": "late"})
				v.post(express, "/destroy", nil).ok(t, "destroy")
				s.finish().ok(t, "the slow request")
				late.isUser(goApp.peer, "Go", "1")
			})
		})
	}
}

// TestRaceOfIdentities has Node log another user in under an id that a Go request is
// using: nothing of the first user's may land in the second's session.
func TestRaceOfIdentities(t *testing.T) {
	w := newWorld(t, stacks[0]) // passport 0.4 keeps the id
	express, goApp := w.pair()
	for range runs {
		v := newVisitor(t)
		v.logIn(goApp.peer, joe)
		s := w.beginSlowGo(v, goApp, map[string]any{"secret": "Joe's"})
		v.logIn(express, jen)
		if a := s.finish(); a.StatusCode != http.StatusConflict {
			t.Fatalf("Joe's request: got %d %s, want 409", a.StatusCode, a.text)
		}
		v.isUser(goApp.peer, "Go", "2")
		v.get(goApp.peer, "/get?key=secret").want(t, "Joe's value in Jen's session", "null")
	}
}
