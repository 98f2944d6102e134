package session_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestWhatWasPresentedIsTakenOnce: a handler or middleware inside may change the request's Cookie header. A
// log-out still ends every session whose cookie was received.
func TestWhatWasPresentedIsTakenOnce(t *testing.T) {
	remove := func(h http.Header) { h.Del("Cookie") }
	for _, row := range []struct {
		name   string
		before func(http.Header) // called before the log-out
		after  func(http.Header)
	}{
		{"it is not changed", func(http.Header) {}, func(http.Header) {}},
		{"it is deleted after the log-out", func(http.Header) {}, remove},
		{"it is deleted before the log-out", remove, func(http.Header) {}},
		{"it is replaced", func(http.Header) {}, func(h http.Header) { h.Set("Cookie", "upstream=1") }},
		{"its line is changed in place", func(h http.Header) { h["Cookie"][0] = "upstream=1" }, func(http.Header) {}},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newScripted()
			m := newManager(t, st)
			first, second := open(t, m), open(t, m)
			first.Get(path("login 1")).Want(t, 200, "")
			second.Get(path("login 2")).Want(t, 200, "")
			h := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				row.before(r.Header)
				if err := do(r.Context(), m, "logout"); err != nil {
					t.Error(err)
				}
				row.after(r.Header)
			}))
			r := httptest.NewRequest("POST", "/", nil)
			r.Header["Cookie"] = []string{cookieName + "=" + first.Cookie(cookieName) + "; " + cookieName + "=" + second.Cookie(cookieName)}
			w := newRecorder()
			h.ServeHTTP(w, r)
			if left := len(st.ids()); w.Code != 200 || left != 0 {
				t.Errorf("got %d and %d live sessions, want 200 and 0", w.Code, left)
			}
			if got := w.Result().Cookies(); len(got) != 1 || got[0].Value != "" {
				t.Errorf("got the cookies %v, want %s expired", got, cookieName)
			}
		})
	}
}
