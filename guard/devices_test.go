package guard_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
)

// restart closes and opens b: session cookies are gone, and its tabs send requests at once.
func restart(b *browser.Browser, tabs int) (status []int) {
	b.SetCookie(sid, "")
	status = make([]int, tabs)
	var wg sync.WaitGroup
	requests := make([]*http.Request, tabs)
	for i := range requests {
		requests[i] = b.Request("GET", "/me", "")
	}
	for i, r := range requests {
		wg.Go(func() { status[i] = b.Do(r).StatusCode })
	}
	wg.Wait()
	return status
}

// TestABrowserThatComesBackIsOneDevice, however many times, with however many tabs, and however few
// sessions are allowed (G18, G19, C4).
func TestABrowserThatComesBackIsOneDevice(t *testing.T) {
	for _, tabs := range []int{1, 8, 20} {
		for _, most := range []int{0, 1, 3} {
			for _, refuse := range []bool{false, true} {
				if most == 0 && refuse {
					continue // refused by New
				}
				t.Run(fmt.Sprintf("%d tabs, %d sessions, refuse %t", tabs, most, refuse), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { testRestarts(t, tabs, most, refuse) })
				})
			}
		}
	}
}

func testRestarts(t *testing.T, tabs, most int, refuse bool) {
	w := newRememberWorld(t, func(c *guard.Config) { c.MaxSessions, c.RefuseMore = most, refuse })
	devices, other := 1, w.open()
	if most != 1 {
		devices = 2
		logIn(other, "joe@test.com").Want(t, 200, "")
		pass(time.Second)
	}
	b := w.remembered("joe@test.com")
	for n := range 5 {
		pass(time.Hour)
		for i, got := range restart(b, tabs) {
			if got != 200 {
				t.Fatalf("restart %d, tab %d: got %d, want 200", n+1, i+1, got)
			}
		}
		b.Get("/me").Want(t, 200, "hello joe")
		list := w.list(b)
		if len(list) != devices || !list[0].Current {
			t.Fatalf("restart %d: got %d entries, %+v, want %d with the browser's own first", n+1, len(list), list, devices)
		}
		alive := 0
		for _, id := range w.store.ids {
			if _, err := w.sessions.Open(t.Context(), id); err == nil {
				alive++
			}
		}
		if alive > tabs+devices-1 {
			t.Errorf("restart %d: %d sessions are live, want at most %d: those of earlier restarts should end", n+1, alive, tabs+devices-1)
		}
	}
	if most != 1 {
		other.Get("/me").Want(t, 200, "hello joe")
	}
	old := w.list(b)[0].Ref
	pass(time.Hour)
	restart(b, tabs)
	b.Post("/sessions/end", "ref", old).Want(t, 200, "")
	b.Get("/me").Want(t, 200, "hello joe")
	b.Post("/sessions/end", "ref", w.list(b)[0].Ref).Want(t, 200, "true")
	b.SetCookie(sid, "")
	b.Get("/me").Want(t, 401, "")
}

// TestAnOldEntryOfTheOwnBrowserEndsAlone: the page was loaded before the restart and its tabs (G19).
func TestAnOldEntryOfTheOwnBrowserEndsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRememberWorld(t)
		b := w.remembered("joe@test.com")
		pass(time.Hour)
		b.SetCookie(sid, "")
		first, second := b.Request("GET", "/sessions", ""), b.Request("GET", "/me", "")
		b.Do(first).Want(t, 200, "")
		shown := w.list(b)[0].Ref
		b.Do(second).Want(t, 200, "")
		if got := w.list(b); len(got) != 1 || got[0].Ref == shown {
			t.Fatalf("got %+v, want one entry with another Ref than %s", got, shown)
		}
		b.Post("/sessions/end", "ref", shown).Want(t, 200, "true")
		b.Get("/me").Want(t, 200, "hello joe")
		b.SetCookie(sid, "")
		b.Get("/me").Want(t, 200, "hello joe")
	})
}

// TestABrowserIsADeviceWhileAnyOfItsSessionsLives: tabs made two sessions at once, and a log-in without the
// remember cookie replaces one of them. The other one is live, and counts.
func TestABrowserIsADeviceWhileAnyOfItsSessionsLives(t *testing.T) {
	for refuse, want := range map[bool]int{false: 200, true: 403} {
		synctest.Test(t, func(t *testing.T) {
			w := newRememberWorld(t, func(c *guard.Config) { c.MaxSessions, c.RefuseMore = 1, refuse })
			b := w.remembered("joe@test.com")
			pass(time.Hour)
			if got := restart(b, 2); got[0] != 200 || got[1] != 200 {
				t.Fatalf("got %v from two tabs, want 200", got)
			}
			b.SetCookie(rememberCookie, "")
			logIn(b, "joe@test.com").Want(t, want, "")
			if list := w.list(b); len(list) != 1 || !list[0].Current {
				t.Errorf("refuse %t: got %d devices, want the own: %+v", refuse, len(list), list)
			}
		})
	}
}

// TestARememberedBrowserThatIsRefusedStaysRemembered: it is accepted when another one has logged out.
func TestARememberedBrowserThatIsRefusedStaysRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRememberWorld(t, refuseMore(1))
		b := w.remembered("joe@test.com")
		nextMonth(b)
		other := w.loggedIn("joe@test.com")
		for range 3 {
			pass(time.Hour)
			b.Get("/me").Want(t, 403, "")
			b.Get("/any").Want(t, 200, "hello stranger")
		}
		other.Get("/me").Want(t, 200, "hello joe")
		other.Post("/logout").Want(t, 200, "")
		b.Get("/me").Want(t, 200, "hello joe")
	})
}

// TestADeviceEndsWithItsLogIn, even while another guard's log-in is in the session; that one's device
// stays.
func TestADeviceEndsWithItsLogIn(t *testing.T) {
	w := newDeviceWorld(t)
	w.record()
	admin := w.guard("admin", func(c *guard.Config) {
		c.Device = func(*http.Request) guard.Device { return guard.Device{Name: "the admin's"} }
	})
	w.mux.Handle("POST /admin/login", admin.Authenticate("local")(admin.LogIn(w.hello())))
	w.mux.Handle("POST /admin/logout", admin.LogOut(w.hello()))
	b := w.open()
	b.Header("User-Agent", "Firefox")
	logIn(b, "joe@test.com").Want(t, 200, "")
	b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(t, 200, "")
	logIn(b, "jen@test.com").Want(t, 200, "") // another user: the values are dropped, and the other guard's device stays
	for _, row := range []struct {
		g    *guard.Guard[*User]
		want string
	}{{w.Guard, "Firefox"}, {admin, "the admin's"}} {
		list, err := row.g.Sessions(t.Context(), &User{ID: 2, Pass: password})
		if err != nil || len(list) != 1 || list[0].Device.Name != row.want {
			t.Errorf("got %+v and %v, want one session from %q", list, err, row.want)
		}
	}
	b.Post("/admin/logout").Want(t, 200, "")
	a := b.Get("/record")
	if strings.Contains(a.Text, "the admin's") || !strings.Contains(a.Text, "Firefox") {
		t.Errorf("after the admin's log-out: got %s, want only the other device", a.Text)
	}
}
