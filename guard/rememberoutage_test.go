package guard_test

import (
	"strings"
	"testing"
)

// TestALogOutThatIsTriedAgainEndsWhatTheSeriesMade: the first try has ended the series but not its
// sessions, and the browser has no cookie of one of them.
func TestALogOutThatIsTriedAgainEndsWhatTheSeriesMade(t *testing.T) {
	w := newRememberWorld(t)
	b := w.remembered("joe@test.com")
	b.SetCookie(sid, "")
	b.Twin().Get("/me").Want(t, 200, "hello joe") // b does not get the response
	w.store.failOn("EndMany")
	b.Post("/logout").Want(t, 503, "")
	if b.Cookie(rememberCookie) == "" {
		t.Error("the failed log-out expires the cookie")
	}
	w.store.failOn("")
	b.Post("/logout").Want(t, 200, "")
	if list, err := w.Sessions(t.Context(), joe); len(list) != 0 || err != nil {
		t.Errorf("got %+v and %v, want no session", list, err)
	}
	if b.Cookie(rememberCookie) != "" {
		t.Error("the browser still has the cookie")
	}
}

// TestATheftThatWasFoundEndsTheSessionsAtTheNextUse at the latest, even if the store failed before: the
// cookies are void already, and a browser has just used one of them.
func TestATheftThatWasFoundEndsTheSessionsAtTheNextUse(t *testing.T) {
	w := newRememberWorld(t)
	b, other := w.remembered("joe@test.com"), w.remembered("joe@test.com")
	old := b.Cookie(rememberCookie)
	for range 2 {
		b.SetCookie(sid, "")
		b.Get("/me").Want(t, 200, "hello joe")
	}
	other.SetCookie(sid, "")
	w.cells.set(nil, func(call string) {
		if strings.HasPrefix(call, "Swap remember:era") { // just before all series end
			w.cells.set(nil, nil)
			other.Get("/me").Want(t, 200, "hello joe")
			w.store.failOn("EndMany")
		}
	})
	thief := w.open()
	thief.SetCookie(rememberCookie, old)
	thief.Get("/me").Want(t, 503, "")
	w.store.failOn("")
	thief.Get("/me").Want(t, 401, "")
	if list, err := w.Sessions(t.Context(), joe); len(list) != 0 || err != nil {
		t.Errorf("got %+v and %v, want no session", list, err)
	}
	if thief.Cookie(rememberCookie) != "" {
		t.Error("the browser still has the cookie")
	}
	b.SetCookie(sid, "")
	logIn(w.open(), "joe@test.com").Want(t, 200, "hello joe")
	w.saw()
	b.Get("/me").Want(t, 401, "")
	if got := w.saw(); strings.Contains(got, "reuse") {
		t.Errorf("got events %s, want no theft any more", got)
	}
}
