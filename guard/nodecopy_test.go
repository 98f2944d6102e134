package guard_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
)

// noted returns an application with routes that show Go's notes on a log-in.
func noted(t *testing.T) *world {
	w := newWorld(t)
	const cart session.Key[string] = "cart"
	w.mux.Handle("POST /cart", w.sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, err := w.sessions.Session(r.Context())
		if err == nil {
			err = cart.Set(s, "full")
		}
		if err != nil {
			w.Error(rw, r, err)
		}
	})))
	w.mux.Handle("POST /totp", w.Authenticate("totp")(w.StepUp(w.hello())))
	w.mux.Handle("/proved", w.RequireFactor("totp", 0)(w.hello()))
	w.mux.Handle("/fresh", w.RequireFresh(time.Hour)(w.hello()))
	return w
}

// proved returns a visitor who logged in as Joe and proved a second factor.
func proved(w *world) *browser.Browser {
	b := w.loggedIn("joe@test.com")
	w.second.user, w.second.err = &User{ID: 1, Email: "joe@test.com", Pass: password}, nil
	b.Post("/totp").Want(w.t, 200, "hello joe")
	b.Get("/proved").Want(w.t, 200, "hello joe")
	return b
}

// stored returns the only record except those of the given ids, and its id.
func (s *switchable) stored(t testing.TB, except ...string) (id, data string) {
	t.Helper()
	for r, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(fmt.Sprint(except), r.ID) {
			id, data = r.ID, string(r.Data)
		}
	}
	return id, data
}

// copied returns a visitor with a new session that Node filled with the text of the only record, as changed
// by change.
func copied(w *world, change func(string) string) *browser.Browser {
	w.t.Helper()
	from, text := w.store.stored(w.t)
	c := w.open()
	c.Post("/cart").Want(w.t, 200, "")
	id, data := w.store.stored(w.t, from)
	if err := w.store.MemoryStore.Update(w.t.Context(), id, []byte(data), []byte(change(text)), time.Hour); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func same(record string) string { return record }

// userLast returns the record that passport 0.4 leaves after a log-out and a log-in under one id.
func userLast(record string) string {
	return regexp.MustCompile(`"passport":\{"user":1,("go":\{[^{}]*(?:\{[^{}]*\})?[^{}]*\})\}`).ReplaceAllString(record, `"passport":{$1,"user":1}`)
}

// TestNotesThatNodeCopiedDoNotCount: Go's notes on a log-in count only under the id, and for the log-in,
// for which Go wrote them.
func TestNotesThatNodeCopiedDoNotCount(t *testing.T) {
	for _, row := range []struct {
		name   string
		byNode func(w *world) *browser.Browser // makes a session by Node from a log-in by Go
	}{
		{"all members under another id", func(w *world) *browser.Browser { proved(w); return copied(w, same) }},
		{"the log-in alone under another id", func(w *world) *browser.Browser {
			proved(w)
			return copied(w, func(r string) string { return regexp.MustCompile(`,"_go":\{.*?\}`).ReplaceAllString(r, "") })
		}},
		{"logged out and in under the same id", func(w *world) *browser.Browser {
			b := proved(w)
			w.store.rewrite(w.t, userLast)
			return b
		}},
		{"another user, and Go has seen her, and the first again, under the same id", func(w *world) *browser.Browser {
			b := proved(w)
			w.store.rewrite(w.t, func(r string) string { return strings.Replace(r, `{"user":1,`, `{"user":2,`, 1) })
			b.Get("/me").Want(w.t, 200, "hello jen")
			w.store.rewrite(w.t, func(r string) string { return strings.Replace(r, `{"user":2`, `{"user":1`, 1) })
			return b
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := noted(t)
			b := row.byNode(w)
			for range 2 { // the second time, Go has written the record
				b.Get("/me").Want(t, 200, "hello joe")
				b.Get("/proved").Want(t, 401, "")
				b.Get("/fresh").Want(t, 401, "")
			}
			joe := User{ID: 1, Email: "joe@test.com", Pass: "another"}
			w.table.set(joe)
			b.Get("/me").Want(t, 200, "hello joe") // the stamp of an earlier log-in does not end Node's
			if _, err := w.LogOutEverywhere(t.Context(), &joe); err != nil {
				t.Error(err)
			}
			b.Get("/me").Want(t, 401, "")
		})
	}
}

// TestNodesLogInInASessionThatGoMadeHasItsLabel, also if Go had written the session before, under the id
// that Node keeps or in a copy.
func TestNodesLogInInASessionThatGoMadeHasItsLabel(t *testing.T) {
	logIn := func(r string) string { return strings.Replace(r, `,"_go"`, `,"passport":{"user":2},"_go"`, 1) }
	for _, row := range []struct {
		name   string
		byNode func(w *world) *browser.Browser
	}{
		{"an anonymous one, under its id", func(w *world) *browser.Browser {
			b := w.open()
			b.Post("/cart").Want(w.t, 200, "")
			w.store.rewrite(w.t, logIn)
			return b
		}},
		{"an anonymous one, copied", func(w *world) *browser.Browser {
			w.open().Post("/cart").Want(w.t, 200, "")
			return copied(w, logIn)
		}},
		{"another user's, under its id", func(w *world) *browser.Browser {
			b := proved(w)
			w.store.rewrite(w.t, func(r string) string { return strings.Replace(r, `{"user":1,`, `{"user":2,`, 1) })
			return b
		}},
		{"another user's, copied", func(w *world) *browser.Browser {
			proved(w)
			return copied(w, func(r string) string { return strings.Replace(r, `{"user":1,`, `{"user":2,`, 1) })
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := noted(t)
			b := row.byNode(w)
			jen := &User{ID: 2, Email: "jen@test.com", Pass: password}
			b.Get("/me").Want(t, 200, "hello jen")
			list, err := w.Sessions(t.Context(), jen)
			if err != nil || len(list) != 1 {
				t.Errorf("Sessions() = %d sessions, %v; want 1", len(list), err)
			}
			if n, err := w.LogOutEverywhere(t.Context(), jen); n != 1 || err != nil {
				t.Errorf("LogOutEverywhere() = %d, %v; want 1", n, err)
			}
			b.Get("/me").Want(t, 401, "")
		})
	}
}

// TestALogOutEverywhereMissesNoSessionInWhichNodeLogsInAgain: one that found the session while Node had logged
// the user out must not take it out of the index, since Go's notes say that it is there.
func TestALogOutEverywhereMissesNoSessionInWhichNodeLogsInAgain(t *testing.T) {
	user := regexp.MustCompile(`"passport":\{.*?\},"_go"`)
	for _, row := range []struct{ name, in, out, again string }{
		{"nobody in between", `"passport":{"user":1},"_go"`, `"passport":{},"_go"`, `"passport":{"user":1},"_go"`},
		{"another user in between", `"passport":{"user":1},"_go"`, `"passport":{"user":2},"_go"`, `"passport":{"user":1},"_go"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := noted(t)
			b := w.open()
			b.Post("/cart").Want(t, 200, "")
			w.store.rewrite(t, func(r string) string { return strings.Replace(r, `"_go"`, row.in, 1) })
			b.Get("/me").Want(t, 200, "hello joe") // Go writes the record, and adds it to the index
			joe := &User{ID: 1, Email: "joe@test.com", Pass: password}
			byNode := func(text string) {
				w.store.rewrite(t, func(r string) string { return user.ReplaceAllLiteralString(r, text) })
			}
			byNode(row.out)
			if n, err := w.LogOutEverywhere(t.Context(), joe); n != 0 || err != nil {
				t.Errorf("LogOutEverywhere() = %d, %v without a log-in of the user; want 0", n, err)
			}
			byNode(row.again)
			b.Get("/me").Want(t, 200, "hello joe")
			if list, err := w.Sessions(t.Context(), joe); err != nil || len(list) != 1 {
				t.Errorf("Sessions() = %d sessions, %v; want 1", len(list), err)
			}
			if n, err := w.LogOutEverywhere(t.Context(), joe); n != 1 || err != nil {
				t.Errorf("LogOutEverywhere() = %d, %v; want 1", n, err)
			}
			b.Get("/me").Want(t, 401, "")
		})
	}
}

// TestRefreshesOfNodesLogInKeepTheirPace: a log-in by Node is labelled at once, but that must not make
// every request write.
func TestRefreshesOfNodesLogInKeepTheirPace(t *testing.T) {
	w := noted(t)
	b := proved(w)
	w.store.rewrite(t, userLast)
	b.Get("/me").Want(t, 200, "hello joe")
	w.store.asked()
	b.Get("/me").Want(t, 200, "hello joe")
	if got := w.store.asked(); got != "[Get]" {
		t.Errorf("the second read asked %s, want [Get]", got)
	}
}

// TestNotesOfAnEarlierVersionCount: they are not tied to their id; the next write ties them.
func TestNotesOfAnEarlierVersionCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := noted(t)
		b := proved(w)
		tie := regexp.MustCompile(`,"i":"[^"]*"`)
		w.store.rewrite(t, func(r string) string { return tie.ReplaceAllString(r, "") })
		b.Get("/proved").Want(t, 200, "hello joe")
		pass(10 * time.Minute)
		b.Post("/cart").Want(t, 200, "")
		if _, text := w.store.stored(t); !tie.MatchString(text) {
			t.Errorf("the record has no tie after a write: %s", text)
		}
		b.Get("/proved").Want(t, 200, "hello joe")
		b.Get("/fresh").Want(t, 200, "hello joe")
	})
}

// TestNodesLogInUnderAGuardsOwnKeyIsThatGuards, next to a log-in by Go whose notes do not have the key,
// whichever guard is used first.
func TestNodesLogInUnderAGuardsOwnKeyIsThatGuards(t *testing.T) {
	for _, row := range []struct{ out, stays string }{{"/admin/logout", "/me"}, {"/logout", "/admin/me"}} {
		w := newWorld(t)
		admin := w.guard("admin")
		w.mux.Handle("POST /admin/logout", admin.LogOut(w.hello()))
		w.mux.Handle("GET /admin/me", admin.RequireAuth(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		b := w.loggedIn("joe@test.com")
		w.store.rewrite(t, func(r string) string { return strings.Replace(r, `,"_go"`, `,"admin":{"user":2},"_go"`, 1) })
		b.Post(row.out).Want(t, 200, "")
		for _, page := range []string{"/me", "/admin/me"} {
			want := 401
			if page == row.stays {
				want = 200
			}
			if got := b.Get(page).StatusCode; got != want {
				t.Errorf("after %s, %s answers %d, want %d", row.out, page, got, want)
			}
		}
		jen := &User{ID: 2, Email: "jen@test.com", Pass: password}
		if n, err := admin.LogOutEverywhere(t.Context(), jen); (n == 1) != (row.stays == "/admin/me") || err != nil {
			t.Errorf("after %s, LogOutEverywhere ended %d sessions of admin, %v", row.out, n, err)
		}
	}
}

// TestNobodySeesTheDeviceOfALogInThatNodeReplaced; nor does the first user see it again, with the log-in
// that Node made for them.
func TestNobodySeesTheDeviceOfALogInThatNodeReplaced(t *testing.T) {
	for _, row := range []struct {
		user int
		seen bool // whether Go has written the record since Node's log-in
	}{{1, false}, {1, true}, {2, true}} {
		w := newDeviceWorld(t)
		b := w.open()
		b.Header("User-Agent", "Firefox")
		logIn(b, "joe@test.com").Want(t, 200, "")
		w.store.rewrite(t, func(r string) string {
			return strings.Replace(userLast(r), `"user":1}`, fmt.Sprintf(`"user":%d}`, row.user), 1)
		})
		if row.seen {
			b.Get("/me").Want(t, 200, "hello ")
		}
		list, err := w.Sessions(t.Context(), &User{ID: row.user, Pass: password})
		if err != nil || len(list) != 1 || list[0].Device != (guard.Device{}) {
			t.Errorf("%+v: got %+v and %v, want one session without a device", row, list, err)
		}
		if _, text := w.store.stored(t); row.user == 2 && strings.Contains(text, "Firefox") {
			t.Errorf("%+v: got %s, want no device in it", row, text)
		}
	}
}

// rewrite changes every record without the application, as Node may.
func (s *switchable) rewrite(t testing.TB, change func(record string) string) {
	t.Helper()
	for r, err := range s.All(t.Context()) {
		if err == nil {
			err = s.MemoryStore.Update(t.Context(), r.ID, r.Data, []byte(change(string(r.Data))), time.Hour)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
