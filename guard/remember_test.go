package guard_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

const rememberCookie = "__Host-remember"

var rememberSecrets = []string{"a made-up secret of 32 bytes or more"}

// holdingCells are Cells that can fail, and that call a function before each call.
type holdingCells struct {
	strategy.Cells
	mu     sync.Mutex
	down   error
	before func(call string)
}

func (h *holdingCells) ask(call string) error {
	h.mu.Lock()
	down, before := h.down, h.before
	h.mu.Unlock()
	if before != nil {
		before(call)
	}
	return down
}

func (h *holdingCells) set(down error, before func(string)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down, h.before = down, before
}

func (h *holdingCells) Load(ctx context.Context, key string) ([]byte, error) {
	if err := h.ask("Load " + key); err != nil {
		return nil, err
	}
	return h.Cells.Load(ctx, key)
}

func (h *holdingCells) Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
	if err := h.ask("Swap " + key); err != nil {
		return nil, false, err
	}
	return h.Cells.Swap(ctx, key, old, new, ttl)
}

// rememberWorld is a world with a "remember me" box at /login/box.
type rememberWorld struct {
	*world
	cells *holdingCells
	me    *remember.Service
}

func newRememberWorld(t testing.TB, edit ...func(*guard.Config)) *rememberWorld {
	t.Helper()
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	cells := &holdingCells{Cells: memory.Cells}
	m, err := remember.New(remember.Config{Cells: cells, Secrets: rememberSecrets, MaxAge: 90 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	w := &rememberWorld{newDeviceWorld(t, append(edit, func(c *guard.Config) { c.RememberMe = m })...), cells, m}
	box := guard.LogInOptions{RememberMe: func(r *http.Request) bool { return r.PostFormValue("remember") == "on" }}
	w.mux.Handle("POST /login/box", w.Authenticate("local")(w.LogInWith(box)(w.hello())))
	w.mux.Handle("/fresh", w.RequireFresh(24*time.Hour)(w.hello()))
	w.mux.Handle("/strategy", w.Authenticate("session", "token")(w.hello()))
	return w
}

// remembered returns a browser whose user ticked the box.
func (w *rememberWorld) remembered(email string) *browser.Browser {
	w.t.Helper()
	b := w.open()
	b.Post("/login/box", "email", email, "password", password, "remember", "on").Want(w.t, 200, "hello")
	w.hidden = append(w.hidden, strings.Split(b.Cookie(rememberCookie), ".")...)
	w.saw()
	return b
}

// nextMonth lets enough time pass to end every session, and no series.
func nextMonth(b *browser.Browser) {
	pass(31 * 24 * time.Hour)
	b.SetCookie(sid, "")
}

func TestARememberedBrowserIsLoggedInAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRememberWorld(t)
		for _, path := range []string{"/me", "/any", "/strategy"} {
			b := w.remembered("joe@test.com")
			w.saw()
			nextMonth(b)
			token := b.Cookie(rememberCookie)
			b.Get(path).Want(t, 200, "hello joe")
			if got, want := w.saw(), "[authn_login_success session_created]"; got != want && got != "[session_created authn_login_success]" {
				t.Errorf("%s: got events %s, want %s", path, got, want)
			}
			if b.Cookie(rememberCookie) == token || b.Cookie(sid) == "" {
				t.Errorf("%s: got the same token, or no session", path)
			}
			token = b.Cookie(rememberCookie)
			b.Get("/me").Want(t, 200, "hello joe")
			if got := b.Cookie(rememberCookie); got != token {
				t.Errorf("%s: the token changed although there is a session", path)
			}
			b.Get("/public").Want(t, 200, "public")
		}
		b := w.remembered("joe@test.com")
		nextMonth(b)
		nextMonth(b)
		nextMonth(b)
		b.Get("/me").Want(t, 401, "")
		if got := b.Cookie(rememberCookie); got != "" {
			t.Errorf("the browser still has the expired cookie %q", got)
		}
		plain := w.open()
		plain.Post("/login/box", "email", "joe@test.com", "password", password).Want(t, 200, "hello")
		if got := plain.Cookie(rememberCookie); got != "" {
			t.Errorf("without the box: got the cookie %q", got)
		}
	})
}

// TestASVS_7_5_1_ARememberedLogInIsNeverFresh, not even a second after the password was entered.
func TestASVS_7_5_1_ARememberedLogInIsNeverFresh(t *testing.T) {
	w := newRememberWorld(t)
	b := w.remembered("joe@test.com")
	b.Get("/fresh").Want(t, 200, "hello joe")
	b.SetCookie(sid, "")
	b.Get("/fresh").Want(t, 401, "")
	b.Get("/me").Want(t, 200, "hello joe")
	b.Get("/fresh").Want(t, 401, "")
	// A further factor does not change that; a log-in does.
	w.mux.Handle("POST /code", w.RequireAuth(w.Authenticate("totp")(w.StepUp(w.hello()))))
	w.second.user, w.second.err = joe, nil
	b.Post("/code").Want(t, 200, "hello joe")
	b.Get("/fresh").Want(t, 401, "")
	logIn(b, "joe@test.com").Want(t, 200, "hello joe")
	b.Get("/fresh").Want(t, 200, "hello joe")
}

// TestTheAbsoluteLimitOfARememberedLogInIsItsOwn: it starts when the browser comes back.
func TestTheAbsoluteLimitOfARememberedLogInIsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRememberWorld(t)
		b := w.remembered("joe@test.com")
		nextMonth(b)
		b.Get("/me").Want(t, 200, "hello joe")
		list := w.list(b)
		if len(list) != 1 || !list[0].Deadline.Equal(time.Now().Add(30*24*time.Hour)) || !list[0].LoggedIn.IsZero() {
			t.Errorf("got %+v, want one session with 30 days left", list)
		}
	})
}

func TestRestoredTabsAreNoTheft(t *testing.T) {
	w := newRememberWorld(t)
	b := w.remembered("joe@test.com")
	b.SetCookie(sid, "")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { b.Get("/me").Want(t, 200, "hello joe") })
	}
	wg.Wait()
	if got := w.saw(); strings.Contains(got, "reuse") {
		t.Errorf("got events %s, want no theft", got)
	}
	b.Get("/me").Want(t, 200, "hello joe")
	b.SetCookie(sid, "")
	b.Get("/me").Want(t, 200, "hello joe")
}

// TestAStolenRememberCookieEndsEverything: all sessions and series of the user, on every device.
func TestAStolenRememberCookieEndsEverything(t *testing.T) {
	for _, row := range []struct {
		name string
		play func(owner, thief *browser.Browser)
	}{
		{"the thief is first, and the owner's browser ends the thief's session", func(owner, thief *browser.Browser) {
			thief.Get("/me").Want(t, 200, "hello joe")
			pass(time.Minute)
			owner.SetCookie(sid, "")
			owner.Get("/me").Want(t, 200, "hello joe")
			thief.Get("/me").Want(t, 401, "") // the theft is detected
		}},
		{"the thief is first, twice", func(owner, thief *browser.Browser) {
			thief.Get("/me").Want(t, 200, "hello joe")
			thief.SetCookie(sid, "")
			thief.Get("/me").Want(t, 200, "hello joe")
			pass(time.Minute)
			owner.SetCookie(sid, "")
			owner.Get("/me").Want(t, 401, "")
		}},
		{"the owner is first, and the thief ends the owner's session", func(owner, thief *browser.Browser) {
			owner.SetCookie(sid, "")
			owner.Get("/me").Want(t, 200, "hello joe")
			pass(time.Minute)
			thief.Get("/me").Want(t, 200, "hello joe")
			owner.Get("/me").Want(t, 401, "")
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newRememberWorld(t)
			owner, tablet, other := w.remembered("joe@test.com"), w.remembered("joe@test.com"), w.remembered("jen@test.com")
			thief := w.open()
			thief.SetCookie(rememberCookie, owner.Cookie(rememberCookie))
			row.play(owner, thief)
			if got, want := w.saw(), "authn_token_reuse/theft]"; !strings.HasSuffix(got, want) || strings.Count(got, "reuse") != 1 {
				t.Errorf("%s: got events %s, want %s once, at the end", row.name, got, want)
			}
			for _, b := range []*browser.Browser{owner, thief, tablet} {
				b.Get("/me").Want(t, 401, "")
				b.SetCookie(sid, "")
				b.Get("/me").Want(t, 401, "")
			}
			other.Get("/me").Want(t, 200, "hello jen")
			logIn(owner, "joe@test.com").Want(t, 200, "hello joe")
			if got := w.logged(); !strings.Contains(got, "level=ERROR msg=authn_token_reuse") {
				t.Errorf("%s: got log %s, want the theft as an error", row.name, got)
			}
		})
	}
}

// TestALostAnswerCostsNoDevice: the browser retries with the cookie that it has.
func TestALostAnswerCostsNoDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRememberWorld(t)
		b, tablet := w.remembered("joe@test.com"), w.remembered("joe@test.com")
		b.SetCookie(sid, "")
		for range 3 {
			lost := b.Twin()
			lost.Get("/me").Want(t, 200, "hello joe")
			pass(time.Hour)
			if n := len(w.list(b)); n > 2 {
				t.Errorf("%d sessions, want the tablet's and one", n)
			}
		}
		b.Get("/me").Want(t, 200, "hello joe")
		tablet.Get("/me").Want(t, 200, "hello joe")
		if got := w.saw(); strings.Contains(got, "reuse") {
			t.Errorf("got events %s, want no theft", got)
		}
	})
}

func TestWhatEndsALogInForgetsTheBrowserToo(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(w *rememberWorld, b *browser.Browser)
	}{
		{"a log-out", func(w *rememberWorld, b *browser.Browser) { b.Post("/logout").Want(w.t, 200, "") }},
		{"a log-out with the session over", func(w *rememberWorld, b *browser.Browser) {
			b.SetCookie(sid, "")
			b.Post("/logout").Want(w.t, 200, "")
		}},
		{"a log-out everywhere", func(w *rememberWorld, _ *browser.Browser) {
			if _, err := w.LogOutEverywhere(w.t.Context(), joe); err != nil {
				w.t.Fatal(err)
			}
		}},
		{"the end of that session", func(w *rememberWorld, b *browser.Browser) {
			if ended, err := w.EndSession(w.t.Context(), joe, w.list(b)[0].Ref); !ended || err != nil {
				w.t.Fatal(ended, err)
			}
		}},
		{"a password change elsewhere", func(w *rememberWorld, _ *browser.Browser) {
			w.loggedIn("joe@test.com").Post("/password", "new", "another").Want(w.t, 200, "")
		}},
		{"the end of the user", func(w *rememberWorld, _ *browser.Browser) { w.table.remove(1) }},
		{"another user's log-in", func(w *rememberWorld, b *browser.Browser) {
			logIn(b, "jen@test.com").Want(w.t, 200, "")
			b.Post("/logout").Want(w.t, 200, "")
		}},
	} {
		w := newRememberWorld(t)
		b := w.remembered("joe@test.com")
		copied := b.Twin()
		row.end(w, b)
		for _, visitor := range []*browser.Browser{b, copied} {
			visitor.SetCookie(sid, "")
			if got := visitor.Get("/me").StatusCode; got != 401 {
				t.Errorf("%s: got %d, want 401", row.name, got)
			}
		}
		if got := b.Cookie(rememberCookie); got != "" {
			t.Errorf("%s: the browser has the cookie %q", row.name, got)
		}
	}
}

func TestTheDeviceThatChangesThePasswordStaysRemembered(t *testing.T) {
	w := newRememberWorld(t)
	b := w.remembered("joe@test.com")
	b.Post("/password", "new", "another").Want(t, 200, "")
	b.SetCookie(sid, "")
	b.Get("/me").Want(t, 200, "hello joe")
}

// TestALogOutIsFinalAgainstABrowserThatComesBack, in either order.
func TestALogOutIsFinalAgainstABrowserThatComesBack(t *testing.T) {
	for _, at := range []string{"Load remember:series", "Load remember:era", "Swap remember:series"} {
		for nth := 1; nth <= 2; nth++ {
			w := newRememberWorld(t)
			b := w.remembered("joe@test.com")
			tab := b.Twin()
			tab.SetCookie(sid, "")
			seen := 0
			w.cells.set(nil, func(call string) {
				if !strings.HasPrefix(call, at) {
					return
				}
				if seen++; seen == nth {
					w.cells.set(nil, nil)
					b.Post("/logout").Want(t, 200, "")
				}
			})
			tab.Get("/any")
			w.cells.set(nil, nil)
			if seen == nth {
				if a := tab.Get("/me"); a.StatusCode != 401 {
					t.Errorf("log-out before %s number %d: afterwards got %d, want 401", at, nth, a.StatusCode)
				}
			}
		}
	}
}

// TestALogOutBetweenTheTokenAndTheSession is detected when the session is stored.
func TestALogOutBetweenTheTokenAndTheSession(t *testing.T) {
	var meanwhile func()
	w := newRememberWorld(t, func(c *guard.Config) {
		c.Device = func(*http.Request) guard.Device { // called after the token was changed and before the session is stored
			if f := meanwhile; f != nil {
				meanwhile = nil
				f()
			}
			return guard.Device{}
		}
	})
	b := w.remembered("joe@test.com")
	tab := b.Twin()
	tab.SetCookie(sid, "")
	meanwhile = func() { b.Post("/logout").Want(t, 200, "") }
	tab.Get("/me").Want(t, 401, "")
	if tab.Cookie(sid) != "" || tab.Cookie(rememberCookie) != "" {
		t.Error("the tab has a cookie left")
	}
	if list, err := w.Sessions(t.Context(), joe); len(list) != 0 || err != nil {
		t.Errorf("got %+v and %v, want no session", list, err)
	}
}

func TestAnOutageForgetsNobody(t *testing.T) {
	w := newRememberWorld(t)
	b := w.remembered("joe@test.com")
	b.SetCookie(sid, "")
	token := b.Cookie(rememberCookie)
	w.cells.set(errOutage, nil)
	for _, path := range []string{"/me", "/any", "/strategy"} {
		b.Get(path).Want(t, 503, "")
	}
	b.Post("/logout").Want(t, 503, "")
	b.Post("/login/box", "email", "joe@test.com", "password", password, "remember", "on").Want(t, 503, "")
	if got := b.Cookie(rememberCookie); got != token {
		t.Errorf("the cookie changed in an outage: got %q, want %q", got, token)
	}
	if _, err := w.LogOutEverywhere(t.Context(), joe); err == nil {
		t.Error("LogOutEverywhere: got no error")
	}
	w.cells.set(nil, nil)
	// The sessions' store is down: the token has been replaced, and the browser must get the new one.
	w.store.failOn("Create")
	b.Get("/me").Want(t, 503, "")
	if got := b.Cookie(rememberCookie); got == token || got == "" {
		t.Errorf("got the cookie %q, want the next one", got)
	}
	w.store.failOn("")
	b.Get("/me").Want(t, 200, "hello joe")
}

func TestAnUnsafeRequestOfAnotherSiteRecallsNobody(t *testing.T) {
	w := newRememberWorld(t)
	b := w.remembered("joe@test.com")
	b.SetCookie(sid, "")
	token := b.Cookie(rememberCookie)
	from(b, "https://evil.example", "POST", "/me", "")
	from(b, "https://evil.example", "POST", "/any", "")
	if got := b.Cookie(rememberCookie); got != token {
		t.Errorf("got %q, want the cookie untouched", got)
	}
}

func TestRememberMeNeedsSessions(t *testing.T) {
	w := newRememberWorld(t)
	m, err := remember.New(remember.Config{Cells: w.cells, Secrets: rememberSecrets})
	if err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]guard.Config{
		"RememberMe":      {RememberMe: m},
		"MaxSessions":     {MaxSessions: 1},
		"Device":          {Device: guard.ClientDevice()},
		"is -1":           {MaxSessions: -1, Sessions: w.sessions},
		"refuses nothing": {RefuseMore: true, Sessions: w.sessions},
	} {
		if _, err := guard.New(cfg, w.table.stamped(), w.token); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q in it", err, name)
		}
	}
	named := &fake{name: strategy.NameRemember}
	if _, err := guard.New(guard.Config{}, w.table.stamped(), strategy.Strategy[*User](named)); err == nil || !strings.Contains(err.Error(), "reserved") {
		t.Errorf("a strategy of the name: got %v, want that it is reserved", err)
	}
}

// TestAnothersSeriesIsNobodys: a guard does not accept another guard's series.
func TestAnothersSeriesIsNobodys(t *testing.T) {
	w := newRememberWorld(t)
	b := w.remembered("joe@test.com")
	b.SetCookie(sid, "")
	m, err := remember.New(remember.Config{Cells: w.cells, Secrets: rememberSecrets})
	if err != nil {
		t.Fatal(err)
	}
	w.sessions = w.process() // in another process, because New refuses it in the same one
	admins := w.guard("admin", func(c *guard.Config) { c.RememberMe = m })
	w.mux.Handle("/admin", admins.RequireAuth(whoami(admins)))
	b.Get("/admin").Want(t, 401, "")
}
