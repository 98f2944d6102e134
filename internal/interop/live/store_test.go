//go:build integration

package live_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/store"
)

// storeScenarios: connect-redis's own methods on Go's records, and Go's on Node's.
var storeScenarios = []scenario{
	{"connect-redis lists what Go wrote", func(w *world) {
		express := w.express(options{})
		goApp := w.goApp(goOptions{redis: store.RedisConfig{Tombstones: true}})
		one, two, gone := newVisitor(w.T), newVisitor(w.T), newVisitor(w.T)
		one.logIn(goApp.peer, joe)
		two.logIn(express, jen)
		gone.logIn(goApp.peer, joe)
		gone.logOut(goApp.peer) // leaves a tombstone, which is no session
		var ids []string
		for _, key := range w.keys() {
			ids = append(ids, strings.TrimPrefix(key, "sess:"))
		}
		one.post(express, "/store/length", nil).want(w.T, "length", "2")

		var listed []string
		decode(w, one.post(express, "/store/ids", nil), &listed)
		slices.Sort(listed)
		if !slices.Equal(listed, ids) {
			w.Errorf("ids are %q, want %q", listed, ids)
		}

		var all []struct {
			ID       string
			Cookie   struct{ Path string }
			Passport struct{ User int }
		}
		decode(w, one.post(express, "/store/all", nil), &all)
		var got []string
		for _, s := range all {
			got = append(got, fmt.Sprint(slices.Contains(ids, s.ID), s.Cookie.Path, s.Passport.User))
		}
		slices.Sort(got)
		if want := []string{"true/1", "true/2"}; !slices.Equal(got, want) {
			w.Errorf("all: %q, want %q", got, want)
		}
	}},
	{"Go lists what connect-redis wrote", func(w *world) {
		express, goApp := w.pair()
		one, two := newVisitor(w.T), newVisitor(w.T)
		one.logIn(goApp.peer, joe)
		two.logIn(express, jen)
		var got []string
		for id, err := range goApp.store.IDs(w.Context()) {
			if err != nil {
				w.Fatal(err)
			}
			got = append(got, "sess:"+id)
		}
		slices.Sort(got)
		if want := w.keys(); !slices.Equal(got, want) {
			w.Errorf("IDs are %q, want %q", got, want)
		}
		if n, err := goApp.store.Count(w.Context()); n != 2 || err != nil {
			w.Errorf("Count: %d, %v, want 2", n, err)
		}
		for r, err := range goApp.store.All(w.Context()) {
			if err != nil || !json.Valid(r.Data) {
				w.Errorf("All: %s, %v", r.Data, err)
			}
		}
	}},
	{"connect-redis clears what Go wrote", func(w *world) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(goApp.peer, joe)
		v.post(express, "/store/clear", nil).ok(w.T, "clear")
		v.isNobody(goApp.peer, "Go")
	}},
	{"Go clears what connect-redis wrote", func(w *world) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(express, joe)
		if _, err := goApp.store.Clear(w.Context()); err != nil {
			w.Fatal(err)
		}
		v.isNobody(express, "Node")
	}},
	{"another prefix", func(w *world) {
		express := w.express(options{Store: map[string]any{"prefix": "shop:"}})
		goApp := w.goApp(goOptions{redis: store.RedisConfig{Prefix: "shop:"}})
		v := newVisitor(w.T)
		v.logIn(express, joe)
		v.isUser(goApp.peer, "Go", "1")
		v.logIn(goApp.peer, jen)
		v.isUser(express, "Node", "2")
		if keys := w.keys(); len(keys) != 0 {
			w.Errorf("keys with the usual prefix: %q", keys)
		}
	}},
	{"a Go program with tombstones beside one without", func(w *world) {
		express, plain := w.pair()
		noting := w.goApp(goOptions{redis: store.RedisConfig{Tombstones: true}})
		v := newVisitor(w.T)
		v.logIn(express, joe)
		for _, p := range []peer{plain.peer, noting.peer, express} {
			v.isUser(p, "all", "1")
		}
		v.post(plain.peer, "/renew", nil).ok(w.T, "renew")
		v.post(noting.peer, "/renew", nil).ok(w.T, "renew")
		for _, p := range []peer{plain.peer, noting.peer, express} {
			v.isUser(p, "all, after renewals", "1")
		}
		v.logOut(noting.peer)
		for _, p := range []peer{plain.peer, noting.peer, express} {
			v.isNobody(p, "all, after log-out")
		}
	}},
}

func decode(w *world, a answer, into any) {
	w.Helper()
	if err := json.Unmarshal([]byte(a.ok(w.T, a.Request.URL.Path).text), into); err != nil {
		w.Fatalf("%s: %v in %s", a.Request.URL.Path, err, a.text)
	}
}
