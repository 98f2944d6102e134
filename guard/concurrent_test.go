package guard_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
)

// TestEveryCallIsSafeBelowATimeout: http.TimeoutHandler answers, and so commits, on one goroutine while the
// handler runs on another. The race detector finds unprotected data.
func TestEveryCallIsSafeBelowATimeout(t *testing.T) {
	for _, row := range []struct {
		name string
		late func(w *world, rw http.ResponseWriter, r *http.Request)
	}{
		{"LogInUser", func(w *world, _ http.ResponseWriter, r *http.Request) {
			_ = w.LogInUser(r, &User{ID: 2, Email: "jen@test.com", Pass: password})
		}},
		{"two log-ins", func(w *world, _ http.ResponseWriter, r *http.Request) {
			_ = w.LogInUser(r, &User{ID: 2, Email: "jen@test.com", Pass: password})
			_ = w.LogInUser(r, &User{ID: 3, Email: "jim@test.com", Pass: password})
		}},
		{"ReauthenticateUser", func(w *world, _ http.ResponseWriter, r *http.Request) { _ = w.ReauthenticateUser(r, joe) }},
		{"LogOutUser", func(w *world, _ http.ResponseWriter, r *http.Request) { _ = w.LogOutUser(r) }},
		{"Check", func(w *world, _ http.ResponseWriter, r *http.Request) { _, _ = w.Check(r) }},
		{"User and Info", func(w *world, _ http.ResponseWriter, r *http.Request) { w.User(r.Context()); w.Info(r.Context()) }},
		{"UserOf", func(w *world, _ http.ResponseWriter, r *http.Request) {
			if s, err := w.sessions.Session(r.Context()); err == nil {
				_, _ = w.UserOf(r.Context(), s)
			}
		}},
		{"Sessions and EndSession", func(w *world, _ http.ResponseWriter, r *http.Request) {
			_, _ = w.Sessions(r.Context(), joe)
			_, _ = w.EndSession(r.Context(), joe, "none")
		}},
		{"LogOutEverywhere", func(w *world, _ http.ResponseWriter, r *http.Request) { _, _ = w.LogOutEverywhere(r.Context(), joe) }},
		{"Authenticate and LogIn", func(w *world, rw http.ResponseWriter, r *http.Request) {
			w.Authenticate("local")(w.LogIn(w.hello())).ServeHTTP(rw, r)
		}},
		{"a refused Authenticate with a message", func(w *world, rw http.ResponseWriter, r *http.Request) {
			w.AuthenticateWith(guard.Options{Strategies: []string{"token"}, FailureFlash: "no"})(w.hello()).ServeHTTP(rw, r)
		}},
		{"StepUp", func(w *world, rw http.ResponseWriter, r *http.Request) {
			w.Authenticate("local")(w.StepUp(w.hello())).ServeHTTP(rw, r)
		}},
		{"Restore", func(w *world, rw http.ResponseWriter, r *http.Request) { w.Restore(w.hello()).ServeHTTP(rw, r) }},
		{"RequireAuth", func(w *world, rw http.ResponseWriter, r *http.Request) { w.RequireAuth(w.hello()).ServeHTTP(rw, r) }},
		{"RequireFresh", func(w *world, rw http.ResponseWriter, r *http.Request) {
			w.RequireFresh(time.Hour)(w.hello()).ServeHTTP(rw, r)
		}},
		{"RequireFactor", func(w *world, rw http.ResponseWriter, r *http.Request) {
			w.RequireFactor("totp", 0)(w.hello()).ServeHTTP(rw, r)
		}},
		{"RequireUncached", func(w *world, rw http.ResponseWriter, r *http.Request) { w.RequireUncached(w.hello()).ServeHTTP(rw, r) }},
		{"LogOut", func(w *world, rw http.ResponseWriter, r *http.Request) { w.LogOut(w.hello()).ServeHTTP(rw, r) }},
		{"Error", func(w *world, rw http.ResponseWriter, r *http.Request) { w.Error(rw, r, errOutage) }},
		{"the session", func(w *world, _ http.ResponseWriter, r *http.Request) {
			s, err := w.sessions.Session(r.Context())
			if err != nil {
				return
			}
			_ = session.Key[string]("cart").Set(s, "apples")
			_ = s.Renew(r.Context())
			_ = s.Save(r.Context())
			_ = s.Destroy(r.Context())
		}},
	} {
		for _, remembered := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, remembered %t", row.name, remembered), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { runBelowATimeout(t, remembered, row.late) })
			})
		}
	}
}

// runBelowATimeout logs joe in, and calls late when the request's time is over. An access log outside the
// timeout reads the user after the response.
func runBelowATimeout(t *testing.T, remembered bool, late func(*world, http.ResponseWriter, *http.Request)) {
	h := newRememberWorld(t)
	w, answered, ended := h.world, make(chan struct{}), make(chan struct{})
	mux := http.NewServeMux()
	mux.Handle("POST /login/box", w.mux)
	mux.HandleFunc("POST /late", func(rw http.ResponseWriter, r *http.Request) {
		defer close(ended)
		w.Restore(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			<-r.Context().Done() // now the response is being written, and the commit made
			late(w, rw, r)
			<-answered
			late(w, rw, r)
			if _, err := rw.Write([]byte("late")); !errors.Is(err, http.ErrHandlerTimeout) {
				t.Errorf("a write after the answer: got %v, want http.ErrHandlerTimeout", err)
			}
		})).ServeHTTP(rw, r)
	})
	limited := http.TimeoutHandler(mux, time.Second, "too late")
	handler := w.sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		limited.ServeHTTP(rw, r)
		w.User(r.Context())
		w.Info(r.Context())
	}))
	send := func(path string, cookies []*http.Cookie) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "https://test.example"+path, strings.NewReader("email=joe%40test.com&remember=on&password="+password))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		return rec
	}
	in := send("/login/box", nil)
	if in.Code != 200 {
		t.Fatalf("the log-in: got %d %q", in.Code, in.Body)
	}
	cookies := in.Result().Cookies()
	if remembered { // as if the browser had been closed
		cookies = slices.DeleteFunc(cookies, func(c *http.Cookie) bool { return c.Name == sid })
	}
	got := send("/late", cookies)
	close(answered)
	<-ended
	if got.Code != 503 || got.Body.String() != "too late" {
		t.Errorf("got %d %q, want 503 and the timeout's text", got.Code, got.Body)
	}
}
