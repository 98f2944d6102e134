package live

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// slow is a request that has loaded its session and waits before it writes.
type slow struct {
	w    *World
	p    peer
	name string
	gate func() // lets the request continue, in Go; nil for Node
	done chan answer
}

// beginSlow sends a slow request and returns when it has loaded its session.
func (w *World) beginSlow(v *visitor, p peer, body map[string]any) *slow {
	w.Helper()
	s := &slow{w: w, p: p, name: fmt.Sprint("gate", time.Now().UnixNano()), done: make(chan answer, 1)}
	go s.send(v.twin(), body)
	newVisitor(w.T).get(p, "/gate/wait?name="+s.name).ok(w.T, "wait for the slow request")
	return s
}

// beginSlowGo is beginSlow for the application in Go.
func (w *World) beginSlowGo(v *visitor, a *goApp, body map[string]any) *slow {
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

// finish lets the request continue and returns its answer.
func (s *slow) finish() answer {
	s.w.Helper()
	if s.gate != nil {
		s.gate()
	} else {
		newVisitor(s.w.T).post(s.p, "/gate/release?name="+s.name, nil).ok(s.w.T, "release the slow request")
	}
	return <-s.done
}

// BlindWrites counts what two writes leave, one by each side, when the first is stored while the other's
// request is in progress.
func BlindWrites(w *World, runs int) {
	express, goApp := w.pair()
	for _, row := range []struct {
		name          string
		first, second string // which side stores first, and which overwrites it
		lost          string // the side whose value is lost, every time
	}{
		{"Node stores while a Go request is under way", "node", "go", ""},
		{"Go stores while a Node request is under way", "go", "node", "go"},
		{"Node stores while a Node request is under way", "node", "node", "first"},
		{"Go stores while a Go request is under way", "go", "go", ""},
	} {
		w.Run(row.name, func(t *testing.T) {
			w := w.Fresh(t)
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
}

// ends are the ways in which Go ends a session that a Node request has loaded.
var ends = []struct {
	name string
	end  func(*World, *goApp, *visitor)
}{
	{"log-out", func(_ *World, a *goApp, v *visitor) { v.logOut(a.peer) }},
	{"log-in of another user", func(_ *World, a *goApp, v *visitor) { v.logIn(a.peer, jen) }},
	{"a new id", func(w *World, a *goApp, v *visitor) { v.post(a.peer, "/renew", nil).ok(w.T, "renew") }},
	{"log-out everywhere", func(w *World, a *goApp, _ *visitor) {
		if n, err := a.auth.LogOutEverywhere(w.Context(), users[0]); n == 0 || err != nil {
			w.Fatalf("log out everywhere: %d, %v", n, err)
		}
	}},
}

// LateSets is the result of Node writing sessions back after Go had ended them.
type LateSets struct {
	Runs                 int // the number of races of each of the three kinds
	Plain, Noting, Later int // those that Go accepted: without tombstones, with, with and 25 hours later
}

// WriteBack makes Go end sessions while Node requests that write them back are in progress. With
// tombstones, Go treats these sessions as unknown, at once and 25 hours later; without, they are logged in
// again, which shows what tombstones are for. It makes 24 times runs such races, 8 times runs of each kind.
func WriteBack(w *World, runs int) (sum LateSets) {
	for _, resave := range []bool{false, true} {
		w.Run(fmt.Sprintf("resave %v", resave), func(t *testing.T) {
			w := w.Fresh(t)
			express := w.express(options{Session: map[string]any{"resave": resave}})
			noting := w.goApp(goOptions{tombstones: true})
			plain := w.goApp(goOptions{})
			body := map[string]any{"byNode": "late"}
			if resave {
				body = map[string]any{} // the request changes nothing, but writes anyway
			}
			for _, end := range ends {
				back := w.resurrections(runs, plain, express, body, end.end, nil)
				with := w.resurrections(runs, noting, express, body, end.end, nil)
				later := w.resurrections(runs, noting, express, body, end.end, func() {
					w.place.Advance(t, 25*time.Hour)
					w.sweep(noting)
				})
				t.Logf("%s: of %d sessions that Node wrote back Go accepts %d without tombstones, %d with, %d with them 25 hours later", end.name, runs, back, with, later)
				if back != runs {
					t.Errorf("%s: without tombstones %d of %d came back: the race did not happen", end.name, back, runs)
				}
				if with != 0 || later != 0 {
					t.Errorf("%s: with tombstones Go accepted %d, and %d a day later, want none", end.name, with, later)
				}
				sum.Runs, sum.Plain, sum.Noting, sum.Later = sum.Runs+runs, sum.Plain+back, sum.Noting+with, sum.Later+later
			}
		})
	}
	return sum
}

// sweep removes expired sessions, if that is Go's task in this place.
func (w *World) sweep(a *goApp) {
	w.Helper()
	if s, ok := a.store.(sweeper); ok {
		if _, err := s.Sweep(w.Context()); err != nil {
			w.Fatal(err)
		}
	}
}

// resurrections counts the sessions that Go accepts after it ended them and a Node request wrote them back.
// later, if not nil, is called before Node does so.
func (w *World) resurrections(runs int, a *goApp, express peer, body map[string]any, end func(*World, *goApp, *visitor), later func()) (n int) {
	w.Helper()
	for i := range runs {
		v := newVisitor(w.T)
		v.logIn([]peer{a.peer, express}[i%2], joe)
		v.isUser(a.peer, "Go, before", "1") // Go has now seen the session that Node made
		late := v.twin()
		s := w.beginSlow(v, express, body)
		id := w.idOf(v)
		end(w, a, v)
		if w.found(id) {
			w.Fatal("the session is still there")
		}
		if later != nil {
			later()
		}
		s.finish().ok(w.T, "the slow request")
		w.eventually("Node's write", func() bool { return w.found(id) })
		switch got := late.get(a.peer, "/protected"); got.StatusCode {
		case http.StatusOK:
			n++
		case http.StatusUnauthorized:
		default:
			w.Fatalf("Go answers %d %s", got.StatusCode, got.text)
		}
		w.place.Empty(w.T)
	}
	return n
}

// WhatTombstonesCannotCover documents what tombstones do not change between Node programs.
func WhatTombstonesCannotCover(w *World) {
	express := w.express(options{})
	goApp := w.goApp(goOptions{tombstones: true})
	w.Run("Node itself goes on with what it wrote back, until Go sees it", func(t *testing.T) {
		w := w.Fresh(t)
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
	w.Run("a log-out by Node that a Node request undoes", func(t *testing.T) {
		w := w.Fresh(t)
		v := newVisitor(t)
		v.logIn(express, joe)
		late := v.twin()
		s := w.beginSlow(v, express, map[string]any{"byNode": "late"})
		v.post(express, "/destroy", nil).ok(t, "destroy")
		s.finish().ok(t, "the slow request")
		late.isUser(goApp.peer, "Go", "1")
	})
}

// RaceOfIdentities makes Node log in another user under an id that a Go request is using: nothing of the
// first user may get into the second's session. It needs an [OldPassport], which keeps the id.
func RaceOfIdentities(w *World, runs int) {
	express, goApp := w.pair()
	for range runs {
		v := newVisitor(w.T)
		v.logIn(goApp.peer, joe)
		s := w.beginSlowGo(v, goApp, map[string]any{"secret": "Joe's"})
		v.logIn(express, jen)
		if a := s.finish(); a.StatusCode != http.StatusConflict {
			w.Fatalf("Joe's request: got %d %s, want 409", a.StatusCode, a.text)
		}
		v.isUser(goApp.peer, "Go", "2")
		v.get(goApp.peer, "/get?key=secret").want(w.T, "Joe's value in Jen's session", "null")
	}
}
