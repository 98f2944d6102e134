package live

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// storeScenarios: the methods of Node's store on records by Go, and Go's on records by Node.
var storeScenarios = []scenario{
	{"Node's store lists what Go wrote", func(w *World) {
		express := w.express(options{})
		goApp := w.goApp(goOptions{tombstones: true})
		one, two, gone := newVisitor(w.T), newVisitor(w.T), newVisitor(w.T)
		one.logIn(goApp.peer, joe)
		two.logIn(express, jen)
		gone.logIn(goApp.peer, joe)
		gone.logOut(goApp.peer) // leaves a tombstone, which must not be listed
		if w.has("length") {
			one.post(express, "/store/length", nil).want(w.T, "length", "2")
		}
		if w.has("ids") {
			var listed []string
			decode(w, one.post(express, "/store/ids", nil), &listed)
			slices.Sort(listed)
			if ids := w.ids(); !slices.Equal(listed, ids) {
				w.Errorf("ids are %q, want %q", listed, ids)
			}
		}
		if !w.has("all") {
			return
		}
		type stored struct {
			ID       string
			Cookie   struct{ Path string }
			Passport struct{ User int }
		}
		text := one.post(express, "/store/all", nil)
		var all []stored
		if strings.HasPrefix(text.text, "{") { // an object with the ids as keys
			var byID map[string]stored
			decode(w, text, &byID)
			for id, s := range byID {
				s.ID = id
				all = append(all, s)
			}
		} else {
			decode(w, text, &all)
		}
		var got []string
		for _, s := range all {
			if s.ID != "" && !slices.Contains(w.ids(), s.ID) {
				w.Errorf("all has the id %q, want one of %q", s.ID, w.ids())
			}
			got = append(got, fmt.Sprint(s.Cookie.Path, s.Passport.User))
		}
		slices.Sort(got)
		if want := []string{"/1", "/2"}; !slices.Equal(got, want) {
			w.Errorf("all: %q, want %q", got, want)
		}
	}},
	{"Go lists what Node wrote", func(w *World) {
		express, goApp := w.pair()
		one, two := newVisitor(w.T), newVisitor(w.T)
		one.logIn(goApp.peer, joe)
		two.logIn(express, jen)
		var got []string
		for r, err := range goApp.store.All(w.Context()) {
			if err != nil || !json.Valid(r.Data) {
				w.Errorf("All: %s, %v", r.Data, err)
			}
			got = append(got, r.ID)
		}
		slices.Sort(got)
		if want := w.ids(); len(want) != 2 || !slices.Equal(got, want) {
			w.Errorf("All has the ids %q, want %q", got, want)
		}
		if counts, ok := goApp.store.(interface {
			IDs(ctx context.Context) iter.Seq2[string, error]
			Count(ctx context.Context) (int, error)
		}); ok {
			got = nil
			for id, err := range counts.IDs(w.Context()) {
				if err != nil {
					w.Fatal(err)
				}
				got = append(got, id)
			}
			slices.Sort(got)
			if want := w.ids(); !slices.Equal(got, want) {
				w.Errorf("IDs are %q, want %q", got, want)
			}
			if n, err := counts.Count(w.Context()); n != 2 || err != nil {
				w.Errorf("Count: %d, %v, want 2", n, err)
			}
		}
	}},
	{"Node's store clears what Go wrote", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(goApp.peer, joe)
		if w.has("clear") {
			v.post(express, "/store/clear", nil).ok(w.T, "clear")
		} else {
			v.post(express, "/destroy", nil).ok(w.T, "destroy")
		}
		v.isNobody(goApp.peer, "Go")
	}},
	{"Go clears what Node wrote", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(express, joe)
		if store, ok := goApp.store.(interface {
			Clear(ctx context.Context) (int, error)
		}); ok {
			if _, err := store.Clear(w.Context()); err != nil {
				w.Fatal(err)
			}
		} else {
			for _, id := range w.ids() {
				if err := goApp.store.Delete(w.Context(), id, nil); err != nil {
					w.Fatal(err)
				}
			}
		}
		v.isNobody(express, "Node")
	}},
	{"another prefix or table", func(w *World) {
		express := w.express(options{Store: w.place.Elsewhere()})
		goApp := w.goApp(goOptions{elsewhere: true})
		v := newVisitor(w.T)
		v.logIn(express, joe)
		v.isUser(goApp.peer, "Go", "1")
		v.logIn(goApp.peer, jen)
		v.isUser(express, "Node", "2")
		if ids := w.ids(); len(ids) != 0 {
			w.Errorf("sessions in the default place: %q", ids)
		}
	}},
	{"a Go program with tombstones beside one without", func(w *World) {
		express, plain := w.pair()
		noting := w.goApp(goOptions{tombstones: true})
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

// has reports whether Node's store has a method.
func (w *World) has(method string) bool { return slices.Contains(w.place.Lists(), method) }

func decode(w *World, a answer, into any) {
	w.Helper()
	if err := json.Unmarshal([]byte(a.ok(w.T, a.Request.URL.Path).text), into); err != nil {
		w.Fatalf("%s: %v in %s", a.Request.URL.Path, err, a.text)
	}
}
