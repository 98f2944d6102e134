package guard_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
)

var joe = &User{ID: 1, Email: "joe@test.com", Pass: password}

// list returns the user's sessions, as the page /sessions shows them to a browser.
func (w *world) list(b *browser.Browser) []guard.UserSession {
	w.t.Helper()
	var list []guard.UserSession
	a := b.Get("/sessions")
	a.Want(w.t, http.StatusOK, "")
	if err := json.Unmarshal([]byte(a.Text), &list); err != nil {
		w.t.Fatal(err)
	}
	return list
}

// newDeviceWorld is a world with the page that lists sessions, and the routes of its buttons.
func newDeviceWorld(t testing.TB, edit ...func(*guard.Config)) *world {
	t.Helper()
	edit = append([]func(*guard.Config){func(c *guard.Config) { c.Device = guard.ClientDevice() }}, edit...)
	w := newWorld(t, edit...)
	own := func(do func(rw http.ResponseWriter, r *http.Request, u *User) error) http.Handler {
		return w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			u, _ := w.User(r.Context())
			if err := do(rw, r, u); err != nil {
				w.Error(rw, r, err)
			}
		}))
	}
	w.mux.Handle("GET /sessions", own(func(rw http.ResponseWriter, r *http.Request, u *User) error {
		list, err := w.Sessions(r.Context(), u)
		if err != nil {
			return err
		}
		return json.NewEncoder(rw).Encode(list)
	}))
	w.mux.Handle("POST /sessions/end", own(func(rw http.ResponseWriter, r *http.Request, u *User) error {
		ended, err := w.EndSession(r.Context(), u, r.FormValue("ref"))
		if err == nil {
			_, err = fmt.Fprint(rw, ended)
		}
		return err
	}))
	w.mux.Handle("POST /password", own(func(_ http.ResponseWriter, r *http.Request, u *User) error {
		changed := *u
		changed.Pass = r.FormValue("new")
		w.table.set(changed)
		return w.LogInUser(r, &changed)
	}))
	return w
}

func TestASVS_7_5_2_AUserSeesAndEndsTheirSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newDeviceWorld(t)
		var devices []*browser.Browser
		for _, agent := range []string{"Firefox on Linux", "Safari\n on iPhone"} {
			b := w.open()
			b.Header("User-Agent", agent)
			logIn(b, "joe@test.com").Want(t, 200, "")
			devices = append(devices, b)
			pass(time.Hour)
		}
		w.loggedIn("jen@test.com")
		laptop, phone := devices[0], devices[1]
		pass(3 * time.Hour)
		phone.Get("/me").Want(t, 200, "") // a refresh
		list := w.list(laptop)
		if len(list) != 2 {
			t.Fatalf("got %d sessions of joe, want 2: %+v", len(list), list)
		}
		// The latest log-in first.
		onPhone, onLaptop := list[0], list[1]
		if onLaptop.Device != (guard.Device{Name: "Firefox on Linux", Address: "192.0.2.1"}) || onPhone.Device.Name != "Safari on iPhone" {
			t.Errorf("got devices %+v and %+v", onLaptop.Device, onPhone.Device)
		}
		if !onLaptop.Current || onPhone.Current {
			t.Errorf("got current %t and %t, want the laptop", onLaptop.Current, onPhone.Current)
		}
		start := time.Now().Add(-5 * time.Hour)
		if !onLaptop.LoggedIn.Equal(start) || !onLaptop.Created.Equal(start) || !onPhone.Seen.Equal(time.Now()) || !onLaptop.Deadline.Equal(start.Add(30*24*time.Hour)) {
			t.Errorf("got times %+v and %+v, want log-in at %v, and the phone seen now", onLaptop, onPhone, start)
		}
		if fmt.Sprint(onLaptop.Factors) != "[local]" {
			t.Errorf("got factors %v, want local", onLaptop.Factors)
		}

		w.saw()
		laptop.Post("/sessions/end", "ref", onPhone.Ref).Want(t, 200, "true")
		if got, want := w.saw(), "[session_expired/revoked]"; got != want {
			t.Errorf("got events %s, want %s", got, want)
		}
		phone.Get("/me").Want(t, 401, "")
		laptop.Post("/sessions/end", "ref", onPhone.Ref).Want(t, 200, "false")
		laptop.Get("/me").Want(t, 200, "joe")
	})
}

func TestASVS_7_5_2_NobodyEndsAnothersSession(t *testing.T) {
	w := newDeviceWorld(t)
	victim, attacker := w.loggedIn("joe@test.com"), w.loggedIn("jen@test.com")
	attacker.Post("/sessions/end", "ref", w.list(victim)[0].Ref).Want(t, 200, "false")
	attacker.Post("/sessions/end", "ref", "").Want(t, 200, "false")
	victim.Get("/me").Want(t, 200, "joe")
}

// TestASVS_7_4_3_APasswordChangeEndsTheOtherSessions and keeps the one that made the change, under a new
// id.
func TestASVS_7_4_3_APasswordChangeEndsTheOtherSessions(t *testing.T) {
	w := newDeviceWorld(t)
	here, there := w.loggedIn("joe@test.com"), w.loggedIn("joe@test.com")
	before := here.Cookie(sid)
	here.Post("/password", "new", "another").Want(t, 200, "")
	here.Get("/me").Want(t, 200, "joe")
	if here.Cookie(sid) == before {
		t.Error("the session has its old id after the change")
	}
	if got := len(w.list(here)); got != 1 {
		t.Errorf("got %d sessions, want 1: the stamp ended the other one", got)
	}
	there.Get("/me").Want(t, 401, "")
}

func TestSessionsOfNodeAreListed(t *testing.T) {
	w := newDeviceWorld(t)
	b := w.loggedIn("joe@test.com")
	// What passport leaves: no note of ours and no label.
	w.store.rewrite(t, func(string) string {
		return `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"passport":{"user":1}}`
	})
	b.Get("/me").Want(t, 200, "joe") // Go's first write
	list := w.list(b)
	if len(list) != 1 || !list[0].Current || !list[0].LoggedIn.IsZero() || list[0].Device != (guard.Device{}) {
		t.Errorf("got %+v, want one session, current, without log-in time and device", list)
	}
	// If Node put another user under the same id, the session is no longer the first user's.
	w.store.rewrite(t, func(record string) string { return strings.Replace(record, `"user":1`, `"user":2`, 1) })
	if list, err := w.Sessions(t.Context(), joe); len(list) != 0 || err != nil {
		t.Errorf("got %+v and %v, want none of joe's", list, err)
	}
}

func TestADeviceIsBoundedAndPlain(t *testing.T) {
	w := newDeviceWorld(t, func(c *guard.Config) {
		c.Device = guard.ClientDevice(netip.MustParsePrefix("192.0.2.0/24"))
	})
	b := w.open()
	b.Header("User-Agent", strings.Repeat("ä", 200)+"\x1b[31m")
	b.Header("X-Forwarded-For", "203.0.113.9")
	logIn(b, "joe@test.com").Want(t, 200, "")
	d := w.list(b)[0].Device
	if d.Name != strings.Repeat("ä", 128) || d.Address != "203.0.113.9" {
		t.Errorf("got %+v, want 256 bytes of the header and the client's address", d)
	}
}

func TestASVS_7_1_2_AUserHasNoMoreSessionsThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newDeviceWorld(t, func(c *guard.Config) { c.MaxSessions = 2 })
		var devices []*browser.Browser
		for range 4 {
			devices = append(devices, w.loggedIn("joe@test.com"))
			pass(time.Second)
		}
		other := w.loggedIn("jen@test.com")
		for i, want := range []int{401, 401, 200, 200} {
			if got := devices[i].Get("/me").StatusCode; got != want {
				t.Errorf("device %d: got %d, want %d", i+1, got, want)
			}
		}
		other.Get("/me").Want(t, 200, "jen")
		logIn(devices[2], "joe@test.com").Want(t, 200, "") // a second log-in in the same browser ends no other session
		devices[3].Get("/me").Want(t, 200, "joe")
		w.saw()
		logIn(w.open(), "joe@test.com").Want(t, 200, "")
		if got, want := w.saw(), "[authn_login_success session_created session_expired/too_many]"; got != want {
			t.Errorf("got events %s, want %s", got, want)
		}
	})
}

func TestASVS_7_1_2_ALogInBeyondTheMaximumIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newDeviceWorld(t, func(c *guard.Config) { c.MaxSessions, c.RefuseMore = 1, true })
		first := w.loggedIn("joe@test.com")
		pass(time.Second)
		late := w.open()
		logIn(late, "joe@test.com").Want(t, 403, "")
		late.Get("/me").Want(t, 401, "")
		if got := late.Cookie(sid); got != "" {
			t.Errorf("the refused browser has the cookie %q", got)
		}
		first.Get("/me").Want(t, 200, "joe")
		first.Post("/logout").Want(t, 200, "")
		logIn(late, "joe@test.com").Want(t, 200, "joe")
	})
}

// TestASVS_15_4_2_LogInsAtOnceKeepTheMaximum: afterwards there are never more sessions, and never none.
func TestASVS_15_4_2_LogInsAtOnceKeepTheMaximum(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		t.Run(fmt.Sprintf("refuse %t", refuse), func(t *testing.T) {
			for range 30 {
				w := newDeviceWorld(t, func(c *guard.Config) { c.MaxSessions, c.RefuseMore = 2, refuse })
				w.loggedIn("joe@test.com")
				devices := make([]*browser.Browser, 5)
				var wg sync.WaitGroup
				for i := range devices {
					devices[i] = w.open()
					wg.Go(func() { logIn(devices[i], "joe@test.com") })
				}
				wg.Wait()
				alive := 0
				for _, b := range devices {
					if b.Get("/me").StatusCode == 200 {
						alive++
					}
				}
				list, err := w.Sessions(t.Context(), joe)
				if err != nil || len(list) > 2 || len(list) == 0 || alive > 2 {
					t.Fatalf("got %d sessions, %d of them of the five, and %v, want 1 or 2", len(list), alive, err)
				}
			}
		})
	}
}

func TestAnOutageWhileCountingRefusesWhereRefusingIsAsked(t *testing.T) {
	w := newDeviceWorld(t, func(c *guard.Config) { c.MaxSessions, c.RefuseMore = 1, true })
	w.store.failOn("GetMany")
	b := w.open()
	logIn(b, "joe@test.com").Want(t, 503, "")
	w.store.failOn("")
	b.Get("/me").Want(t, 401, "")
	if list, err := w.Sessions(t.Context(), joe); err != nil || len(list) > 1 {
		t.Errorf("got %+v and %v, want one at most", list, err)
	}
	w = newDeviceWorld(t, func(c *guard.Config) { c.MaxSessions = 1 })
	w.store.failOn("GetMany")
	b = w.open()
	logIn(b, "joe@test.com").Want(t, 200, "")
	if got := w.saw(); !strings.Contains(got, "guard_error") {
		t.Errorf("got events %s, want the error among them", got)
	}
	w.store.failOn("")
	b.Get("/me").Want(t, 200, "joe")
}

func TestSessionsSayWhenTheStoreIsDown(t *testing.T) {
	w := newDeviceWorld(t)
	ref := w.list(w.loggedIn("joe@test.com"))[0].Ref
	w.store.failOn("EndMany")
	if _, err := w.EndSession(t.Context(), joe, ref); err == nil {
		t.Error("EndSession while EndMany fails: got no error")
	}
	w.store.fail(errOutage)
	if _, err := w.Sessions(t.Context(), joe); err == nil {
		t.Error("Sessions: got no error")
	}
	if _, err := w.EndSession(t.Context(), joe, ref); err == nil {
		t.Error("EndSession: got no error")
	}
}

// TestATimeThatIsNotKnownIsLeftOut of the JSON, instead of the year 1.
func TestATimeThatIsNotKnownIsLeftOut(t *testing.T) {
	b, err := json.Marshal(guard.UserSession{Ref: "made-up"})
	if want := `{"ref":"made-up","device":{},"current":false}`; err != nil || string(b) != want {
		t.Errorf("got %s and error %v, want %s", b, err, want)
	}
}
