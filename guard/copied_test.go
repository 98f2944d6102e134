package guard_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestACopiedRememberCookieEndsWithTheStamp: the series goes on for the browser whose user changed the password,
// at once and later, and not for a copy of its cookie. A copy that is void ends nobody else's log-in: its holder
// may be the owner, to whom the answer did not get.
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
			// This request comes back and changes the password: both tokens from before are void.
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
