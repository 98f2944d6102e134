package guard_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
)

// TestACopiedRememberCookieEndsWithTheStamp: the series continues for the browser whose user changed the
// password, at once and later, but not for a copy of its cookie. A void copy ends nobody else's log-in: its
// holder may be the owner, who did not get the response.
func TestACopiedRememberCookieEndsWithTheStamp(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := newRememberWorld(t)
			w.mux.Handle("POST /renew", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				changed := User{ID: 1, Email: "joe@test.com", Pass: r.PostFormValue("new")}
				w.table.set(changed)
				if err := w.LogInUser(r, &changed); err != nil {
					w.Error(rw, r, err)
				}
			})))
			b := w.remembered("joe@test.com")
			tab := b.Twin()
			before := b.Cookie(rememberCookie)
			b.Post("/renew", "new", password).Want(t, 200, "")
			if got := b.Cookie(rememberCookie); got != before {
				t.Error("the same stamp: got another token")
			}
			tab.SetCookie(sid, "")
			// This request logs in by RememberMe and changes the password: both earlier tokens are void.
			b.SetCookie(sid, "")
			b.Post("/renew", "new", "another made-up one").Want(t, 200, "")
			pass(wait)
			tab.Get("/me").Want(t, 401, "")
			if got := tab.Cookie(rememberCookie); got != "" {
				t.Error("the copy is kept")
			}
			b.Get("/me").Want(t, 200, "hello joe")
			b.SetCookie(sid, "")
			b.Get("/me").Want(t, 200, "hello joe")
		})
	}
}

// TestALogInThatIsMadeAgainKeepsItsSeries: a handler after LogInWith stores a new hash and calls LogInUser.
// The browser is remembered by one series, with the stamp of the last log-in, and EndSession ends it.
func TestALogInThatIsMadeAgainKeepsItsSeries(t *testing.T) {
	for _, hash := range []string{password, "another made-up one"} {
		w := newRememberWorld(t)
		box := guard.LogInOptions{RememberMe: func(r *http.Request) bool { return r.PostFormValue("remember") == "on" }}
		again := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			changed := User{ID: 1, Email: "joe@test.com", Pass: hash}
			w.table.set(changed)
			if err := w.LogInUser(r, &changed); err != nil {
				w.Error(rw, r, err)
			}
		})
		w.mux.Handle("POST /both", w.Authenticate("local")(w.LogInWith(box)(again)))
		b := w.open()
		b.Post("/both", "email", "joe@test.com", "password", password, "remember", "on").Want(t, 200, "")
		tab := b.Twin()
		tab.SetCookie(sid, "")
		tab.Get("/me").Want(t, 200, "hello joe")
		list, err := w.Sessions(t.Context(), &User{ID: 1, Pass: hash})
		if err != nil || len(list) == 0 {
			t.Fatalf("got sessions %v and %v, want some", list, err)
		}
		for _, one := range list {
			if _, err := w.EndSession(t.Context(), &User{ID: 1, Pass: hash}, one.Ref); err != nil {
				t.Error(err)
			}
		}
		for _, visitor := range []string{b.Cookie(rememberCookie), tab.Cookie(rememberCookie)} {
			c := w.open()
			c.SetCookie(rememberCookie, visitor)
			c.Get("/me").Want(t, 401, "")
		}
	}
}

// TestTheLastOfTwoLogInsSaysWhetherTheBrowserIsRemembered: if its RememberMe returns false, the series that
// the first one began ends.
func TestTheLastOfTwoLogInsSaysWhetherTheBrowserIsRemembered(t *testing.T) {
	w := newRememberWorld(t)
	with := func(yes bool) func(http.Handler) http.Handler {
		return w.LogInWith(guard.LogInOptions{RememberMe: func(*http.Request) bool { return yes }})
	}
	local := w.Authenticate("local")
	w.mux.Handle("POST /yesno", local(with(true)(local(with(false)(w.hello())))))
	w.mux.Handle("POST /yesyes", local(with(true)(local(with(true)(w.hello())))))
	b := w.open()
	b.Post("/yesno", "email", "joe@test.com", "password", password).Want(t, 200, "hello joe")
	if got := b.Cookie(rememberCookie); got != "" {
		t.Error("no: the browser is remembered")
	}
	b.Post("/yesyes", "email", "joe@test.com", "password", password).Want(t, 200, "hello joe")
	copied := w.open()
	copied.SetCookie(rememberCookie, b.Cookie(rememberCookie))
	b.Post("/logout").Want(t, 200, "")
	copied.Get("/me").Want(t, 401, "")
}
