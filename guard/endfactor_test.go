package guard_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
)

// ending mounts the routes by which a user removes a factor and logs out other browsers.
func ending(w *world) {
	answer := func(do func(r *http.Request, u *User) (int, error)) http.Handler {
		return w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			u, _ := w.User(r.Context())
			n, err := do(r, u)
			if err != nil {
				w.Error(rw, r, err)
				return
			}
			fmt.Fprint(rw, n)
		}))
	}
	w.mux.Handle("POST /remove", answer(func(r *http.Request, u *User) (int, error) {
		return w.EndFactor(r.Context(), u, r.FormValue("factor"))
	}))
	w.mux.Handle("POST /others", answer(func(r *http.Request, u *User) (int, error) {
		return w.LogOutOthers(r.Context(), u)
	}))
	w.mux.Handle("POST /second", w.Authenticate("totp")(w.StepUp(w.hello())))
	w.mux.Handle("POST /by-totp", w.Authenticate("totp")(w.LogIn(w.hello())))
}

// TestWhatAFactorOpenedEndsWithIt: log-ins with the factor, as a first or second step, in all browsers
// except the own one.
func TestWhatAFactorOpenedEndsWithIt(t *testing.T) {
	w := newWorld(t)
	ending(w)
	w.second.user, w.second.err = &User{ID: 1, Email: "joe@test.com", Pass: password}, nil
	own, phone, thief, second := w.open(), w.loggedIn("joe@test.com"), w.open(), w.loggedIn("joe@test.com")
	jen := w.loggedIn("jen@test.com")
	own.Post("/by-totp").Want(t, 200, "")
	thief.Post("/by-totp").Want(t, 200, "")
	second.Post("/second").Want(t, 200, "")
	w.outcomes()
	own.Post("/remove", "factor", "totp").Want(t, 200, "2")
	if got, want := w.outcomes(), "session_expired 1 success"; got != want {
		t.Errorf("got events %q, want %q", got, want)
	}
	for _, row := range []struct {
		name string
		b    *browser.Browser
		want int
	}{
		{"the own session, also opened with it", own, 200}, {"by a password alone", phone, 200}, {"another user", jen, 200},
		{"opened with it", thief, 401}, {"a second step with it", second, 401},
	} {
		if got := row.b.Get("/me").StatusCode; got != row.want {
			t.Errorf("%s: got %d, want %d", row.name, got, row.want)
		}
	}
	own.Post("/remove", "factor", "totp").Want(t, 200, "0")
	own.Post("/remove", "factor", "topt").Want(t, 500, "")
	own.Post("/others").Want(t, 200, "1")
	phone.Get("/me").Want(t, 401, "")
	own.Get("/me").Want(t, 200, "hello joe")
}

// TestARememberedBrowserEndsWithAnyFactor: the factor with which it was remembered is not stored.
func TestARememberedBrowserEndsWithAnyFactor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRememberWorld(t)
		ending(w.world)
		gone, back := w.remembered("joe@test.com"), w.remembered("joe@test.com")
		nextMonth(gone)
		back.SetCookie(sid, "")
		back.Get("/me").Want(t, 200, "hello joe")
		own := w.loggedIn("joe@test.com")
		own.Post("/remove", "factor", "totp").Want(t, 200, "1")
		for name, b := range map[string]*browser.Browser{"closed": gone, "open": back} {
			if got := b.Get("/me").StatusCode; got != 401 {
				t.Errorf("%s: got %d, want 401", name, got)
			}
		}
		own.Get("/me").Want(t, 200, "hello joe")
	})
}

// TestAnOutageOfEndFactorIsOne, whichever call of the store fails.
func TestAnOutageOfEndFactorIsOne(t *testing.T) {
	for _, call := range []string{"GetMany", "EndMany"} {
		w := newWorld(t, func(*guard.Config) {})
		ending(w)
		own := w.loggedIn("joe@test.com")
		w.second.user, w.second.err = &User{ID: 1, Email: "joe@test.com", Pass: password}, nil
		w.open().Post("/by-totp").Want(t, 200, "")
		w.store.failOn(call)
		if got := own.Post("/remove", "factor", "totp").StatusCode; got != 503 {
			t.Errorf("%s fails: got %d, want 503", call, got)
		}
	}
}
