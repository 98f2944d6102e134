package guard_test

import "testing"

// TestALogOutThatIsTriedAgainEndsWhatTheSeriesMade: the first one has ended the series and not the
// sessions that it made, one of which the browser has no cookie of.
func TestALogOutThatIsTriedAgainEndsWhatTheSeriesMade(t *testing.T) {
	w := newRememberWorld(t)
	b := w.remembered("joe@test.com")
	b.SetCookie(sid, "")
	b.Twin().Get("/me").Want(t, 200, "hello joe") // the answer reaches b no more
	w.store.failOn("EndMany")
	b.Post("/logout").Want(t, 503, "")
	if b.Cookie(rememberCookie) == "" {
		t.Error("the log-out that failed expires the cookie")
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
