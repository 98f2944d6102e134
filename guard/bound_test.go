package guard_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/internal/devicetest"
	"github.com/seed-6f34412b/passport/session"
)

const boundLife = 10 * time.Minute

// bindsDevices makes w's sessions bound to devices, and mounts the handler.
func bindsDevices(w *world, edit func(*session.DeviceBound), guards ...func(*guard.Config)) {
	w.t.Helper()
	bindsDevicesIn(w, w.store, edit, guards...)
}

// bindsDevicesIn is bindsDevices with sessions in store.
func bindsDevicesIn(w *world, store session.Store, edit func(*session.DeviceBound), guards ...func(*guard.Config)) {
	w.t.Helper()
	d := session.DeviceBound{Lifetime: boundLife}
	if edit != nil {
		edit(&d)
	}
	var err error
	w.sessions, err = session.New(session.Config{Store: store, Codec: session.SecureCookie(secret), Logger: w.logger(), DeviceBound: d})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Guard = w.guard("", guards...)
	w.mux = http.NewServeMux()
	w.mux.Handle(w.sessions.DeviceBound())
	w.mux.Handle("POST /login", w.Authenticate("local")(w.LogIn(w.hello())))
	w.mux.Handle("POST /logout", w.LogOut(w.hello()))
	w.mux.Handle("/me", w.RequireAuth(w.hello()))
	w.mux.Handle("/any", w.Restore(w.hello()))
	w.mux.Handle("/bound", w.RequireBound(w.hello()))
	w.mux.Handle("/value", w.sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err != nil {
			w.Error(rw, r, err)
			return
		}
		key := session.Key[string]("v")
		old, _, _ := key.Get(s)
		if err := key.Set(s, r.FormValue("v")); err != nil {
			w.Error(rw, r, err)
			return
		}
		_, _ = rw.Write([]byte("was " + old))
	})))
}

// owner is a browser with a key.
type owner struct {
	*browser.Browser
	t    testing.TB
	key  *devicetest.Browser
	name string // the server's name of the session
}

// bound returns a visitor who is logged in, in a bound session.
func bound(t testing.TB, w *world) *owner {
	t.Helper()
	o := &owner{Browser: w.open(), t: t, key: devicetest.New(t)}
	o.register(logIn(o.Browser, "joe@test.com")).Want(t, http.StatusOK, "session_identifier")
	w.saw()
	w.store.asked()
	return o
}

// register does what a browser does with the offer in a response.
func (o *owner) register(offer browser.Answer) browser.Answer {
	o.t.Helper()
	return o.send("", o.key.Registration(between(offer.Header.Get("Secure-Session-Registration"), `challenge="`, `"`)))
}

// send sends the handler a request: a refresh of the session called name, or a registration.
func (o *owner) send(name, token string) browser.Answer {
	o.t.Helper()
	r := o.Request(http.MethodPost, "/device-bound", "")
	if name != "" {
		r.Header.Set("Sec-Secure-Session-Id", name)
	}
	if token != "" {
		r.Header.Set("Secure-Session-Response", token)
	}
	a := o.Do(r)
	if id := between(a.Text, `"session_identifier":"`, `"`); id != "" && a.StatusCode == http.StatusOK {
		o.name = id
	}
	return a
}

// refresh makes the browser prove its key.
func (o *owner) refresh() browser.Answer {
	o.t.Helper()
	asks := o.send(o.name, "")
	asks.Want(o.t, http.StatusForbidden, "")
	return o.send(o.name, o.key.Refresh(between(asks.Header.Get("Secure-Session-Challenge"), `"`, `"`)))
}

// between returns the part of text between the first before and the next after.
func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, ok := strings.Cut(rest, after)
	if !ok {
		return ""
	}
	return found
}

func TestABoundSessionNeedsItsProofEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		bindsDevices(w, nil)
		o := bound(t, w)
		o.Get("/bound").Want(t, 200, "hello joe")
		if asked := w.store.asked(); asked != "[Get]" {
			t.Errorf("a read with a proof calls the store %s, want one Get", asked)
		}
		thief := o.Twin()
		pass(boundLife)
		before := thief.Cookie(sid)
		for _, path := range []string{"/me", "/bound"} {
			thief.Get(path).Want(t, 401, guard.ProblemUnproved)
		}
		thief.Get("/any").Want(t, 200, "hello stranger")
		if saw := w.saw(); saw != "[session_binding_failed/no_proof session_binding_failed/no_proof session_binding_failed/no_proof]" {
			t.Errorf("events %s", saw)
		}
		if e := w.heard[len(w.heard)-1]; string(e.User) != "1" || e.Session == "" || e.Address == "" {
			t.Errorf("the event says %+v", e)
		}
		thief.Get("/value?v=x").Want(t, 200, "was ")
		if thief.Cookie(sid) != before {
			t.Error("the cookie changed")
		}
		o.refresh().Want(t, 200, o.name)
		o.Get("/me").Want(t, 200, "hello joe")
		o.Get("/value?v=y").Want(t, 200, "was ")
		thief.Get("/me").Want(t, 401, guard.ProblemUnproved)
	})
}

func TestARefreshAsksTheStoreNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		bindsDevices(w, nil)
		o := bound(t, w)
		w.store.fail(errOutage)
		o.Get("/me").Want(t, 503, "")
		pass(boundLife)
		o.refresh().Want(t, 200, o.name)
		w.store.fail(nil)
		o.Get("/me").Want(t, 200, "hello joe")
	})
}

func TestAnOldChallengeIsAnsweredWithANewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		bindsDevices(w, nil)
		o := bound(t, w)
		old := between(o.send(o.name, "").Header.Get("Secure-Session-Challenge"), `"`, `"`)
		second := between(o.send(o.name, "").Header.Get("Secure-Session-Challenge"), `"`, `"`)
		o.send(o.name, o.key.Refresh(second)).Want(t, 200, o.name)
		o.send(o.name, o.key.Refresh(old)).Want(t, 200, o.name) // two tabs
		pass(boundLife + 5*time.Minute)
		stale := o.send(o.name, o.key.Refresh(old))
		stale.Want(t, 403, "")
		fresh := between(stale.Header.Get("Secure-Session-Challenge"), `"`, `"`)
		o.send(o.name, `"`+o.key.Refresh(fresh)+`"`).Want(t, 200, o.name) // as a string in a structured field
		o.Get("/me").Want(t, 200, "hello joe")
		for name, token := range map[string]string{"nonsense": "x", "another key": devicetest.New(t).Refresh(fresh), "an offer": o.key.Registration(fresh)} {
			if a := o.send(o.name, token); a.StatusCode != 403 {
				t.Errorf("%s got %d", name, a.StatusCode)
			}
		}
		if !strings.Contains(w.logged(), "proof of a device was refused") {
			t.Error("nothing is logged")
		}
	})
}

func TestARegistrationIsForTheSessionThatWasOfferedIt(t *testing.T) {
	w := newWorld(t)
	bindsDevices(w, nil)
	o := &owner{Browser: w.open(), t: t, key: devicetest.New(t)}
	o.send("", o.key.Registration("x")).Want(t, 400, "") // without a session
	offer := logIn(o.Browser, "joe@test.com")
	other := &owner{Browser: w.open(), t: t, key: devicetest.New(t)}
	logIn(other.Browser, "jen@test.com")
	stolen := other.register(offer) // with a challenge for another session
	stolen.Want(t, 403, "")
	if stolen.Header.Get("Secure-Session-Challenge") == "" {
		t.Error("and no new one")
	}
	o.send("", "nonsense").Want(t, 400, "")
	o.send("", "").Want(t, 400, "")
	if a := o.Do(o.Request(http.MethodGet, "/device-bound", "")); a.StatusCode != 405 {
		t.Errorf("GET got %d", a.StatusCode)
	}
	before := o.Twin()
	o.register(offer).Want(t, 200, `"refresh_url":"/device-bound","scope":{"origin":"https://app.example","include_site":false`)
	o.register(offer).Want(t, 400, "") // the session is bound already
	if logIn(w.open(), "joe@test.com").Header.Get("Secure-Session-Registration") == "" || o.Get("/me").Header.Get("Secure-Session-Registration") != "" {
		t.Error("want an offer of a registration after a log-in, and none in a bound session")
	}
	before.Get("/me").Want(t, 200, "hello joe") // a request that was on its way at the registration
	before.Get("/bound").Want(t, 401, guard.ProblemBound)
}

func TestTheIDBeforeFindsTheSessionForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		bindsDevices(w, nil)
		o := &owner{Browser: w.open(), t: t, key: devicetest.New(t)}
		offer := logIn(o.Browser, "joe@test.com")
		page := o.Twin()
		o.register(offer)
		page.Get("/value?v=cart").Want(t, 200, "was ")
		o.Get("/value").Want(t, 200, "was cart")
		pass(10 * time.Second)
		page.Get("/me").Want(t, 401, guard.ProblemLogIn)
		page.Post("/logout") // ends the session, as always
		o.Get("/me").Want(t, 401, guard.ProblemLogIn)
	})
}

// TestS17_AReplicaThatLagsMayFindTheIDBefore, and no route does that asks the primary.
func TestS17_AReplicaThatLagsMayFindTheIDBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		replica := &stale{w.store, map[string][]byte{}}
		bindsDevicesIn(w, replica, nil)
		w.mux.Handle("/uncached", w.RequireUncached(w.hello()))
		o := &owner{Browser: w.open(), t: t, key: devicetest.New(t)}
		offer := logIn(o.Browser, "joe@test.com")
		thief := o.Twin()
		thief.Get("/me").Want(t, 200, "hello joe") // the replica has it
		o.register(offer).Want(t, 200, "session_identifier")
		pass(11 * time.Second)
		thief.Get("/me").Want(t, 200, "hello joe")
		for _, path := range []string{"/uncached", "/bound"} {
			thief.Get(path).Want(t, 401, "")
		}
		other := &owner{Browser: thief, t: t, key: devicetest.New(t)}
		other.register(thief.Get("/bound")).Want(t, 409, "") // a key of the thief's
		o.Get("/me").Want(t, 200, "hello joe")
		clear(replica.replica) // it has caught up
		thief.Get("/me").Want(t, 401, "")
		o.Get("/me").Want(t, 200, "hello joe")
	})
}

func TestALogOutEndsTheKeyToo(t *testing.T) {
	w := newWorld(t)
	bindsDevices(w, nil)
	o := bound(t, w)
	name := o.name
	o.Post("/logout").Want(t, 200, "")
	o.Get("/me").Want(t, 401, guard.ProblemLogIn)
	o.send(name, "").Want(t, 200, `{"session_identifier":"`+name+`","continue":false}`)
	o.key = devicetest.New(t) // browsers make a key for each session
	o.register(logIn(o.Browser, "joe@test.com")).Want(t, 200, "")
	o.Get("/bound").Want(t, 200, "hello joe")
	o.send(name, "").Want(t, 200, `"continue":false`) // for the previous session
	o.Get("/bound").Want(t, 200, "hello joe")
}

// TestWhoLostTheKeyLogsInAgain, in a session that is not bound to that key.
func TestWhoLostTheKeyLogsInAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		bindsDevices(w, nil)
		o := bound(t, w)
		pass(boundLife)
		o.Get("/me").Want(t, 401, guard.ProblemUnproved)
		old := o.Twin()
		again := logIn(o.Browser, "joe@test.com")
		again.Want(t, 200, "hello joe")
		o.Get("/me").Want(t, 200, "hello joe")
		old.Get("/me").Want(t, 401, guard.ProblemLogIn) // the log-in ended the sessions that it presented
		o.key = devicetest.New(t)
		o.register(again).Want(t, 200, "")
		o.Get("/bound").Want(t, 200, "hello joe")
	})
}

// TestAThiefWithAnAccountOfTheirOwnGetsNobodysLogIn: another guard's log-in in the copied session is not
// carried over into one that the thief can use.
func TestAThiefWithAnAccountOfTheirOwnGetsNobodysLogIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		bindsDevices(w, nil)
		admins := w.guard("admin")
		w.mux.Handle("POST /admin/login", admins.Authenticate("local")(admins.LogIn(w.hello())))
		w.mux.Handle("/admin", admins.RequireAuth(w.hello()))
		o := bound(t, w)
		early, late := o.Twin(), o.Twin()
		early.Post("/admin/login", "email", "jen@test.com", "password", password).Want(t, 200, "")
		early.Get("/me").Want(t, 200, "hello joe") // while the proof is valid
		pass(boundLife)
		early.Get("/me").Want(t, 401, guard.ProblemUnproved) // the log-in that was carried over is still bound
		late.Post("/admin/login", "email", "jen@test.com", "password", password).Want(t, 200, "")
		late.Get("/me").Want(t, 401, guard.ProblemLogIn)
		late.Get("/admin").Want(t, 200, "")
	})
}

func TestReportOnlyLetsPassAndTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		bindsDevices(w, func(d *session.DeviceBound) { d.ReportOnly = true })
		o := bound(t, w)
		pass(boundLife)
		r := o.Request(http.MethodGet, "/me", "")
		r.Header.Set("Secure-Session-Skipped", `quota_exceeded;session_identifier="x"`)
		o.Do(r).Want(t, 200, "hello joe")
		if saw := w.saw(); saw != "[session_binding_failed/quota_exceeded]" {
			t.Errorf("events %s", saw)
		}
		o.Get("/bound").Want(t, 401, guard.ProblemUnproved)
	})
}

func TestEndUnprovedEndsAllSessionsOfTheUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		bindsDevices(w, nil, func(c *guard.Config) { c.EndUnproved = true })
		o, elsewhere, other := bound(t, w), w.loggedIn("joe@test.com"), w.loggedIn("jen@test.com")
		pass(boundLife)
		r := o.Request(http.MethodGet, "/me", "")
		r.Header.Set("Secure-Session-Skipped", "unreachable")
		o.Do(r).Want(t, 401, guard.ProblemUnproved)
		elsewhere.Get("/me").Want(t, 200, "hello joe") // the browser says why it has no proof
		o.Get("/me").Want(t, 401, guard.ProblemUnproved)
		elsewhere.Get("/me").Want(t, 401, guard.ProblemLogIn)
		other.Get("/me").Want(t, 200, "hello jen")
	})
}

func TestThePagesOfADeviceThatIsNotBound(t *testing.T) {
	w := newWorld(t)
	bindsDevices(w, nil, func(c *guard.Config) { c.BindURL, c.LoginURL = "/bind", "/login" })
	b := w.loggedIn("joe@test.com")
	b.Header("Accept", "text/html")
	b.Header("Sec-Fetch-Mode", "navigate")
	a := b.Get("/bound")
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/bind?return_to=%2Fbound" || a.Header.Get("Secure-Session-Registration") == "" {
		t.Errorf("got %d %v", a.StatusCode, a.Header)
	}
	b.Header("Accept", "application/json")
	b.Header("Sec-Fetch-Mode", "cors")
	a = b.Get("/bound")
	a.Want(t, 401, guard.ProblemBound)
	if !strings.Contains(a.Header.Get("WWW-Authenticate"), `acr_values="device-bound"`) {
		t.Errorf("the challenge is %q", a.Header.Get("WWW-Authenticate"))
	}
}

func TestAUsersSessionsSayWhetherTheyAreBound(t *testing.T) {
	w := newWorld(t)
	bindsDevices(w, nil)
	bound(t, w)
	w.loggedIn("joe@test.com")
	list, err := w.Sessions(t.Context(), &User{ID: 1, Pass: password})
	if err != nil || len(list) != 2 || list[0].Bound == list[1].Bound {
		t.Errorf("got %+v %v, want one that is bound and one that is not", list, err)
	}
}

// TestATokenBesideABoundSessionIsNotBound: somebody with another user's token and a bound session of their
// own must not pass as that user.
func TestATokenBesideABoundSessionIsNotBound(t *testing.T) {
	w := newWorld(t)
	bindsDevices(w, nil)
	w.mux.Handle("/api/bound", w.Authenticate("local")(w.RequireBound(w.hello())))
	o := bound(t, w)
	o.Post("/api/bound", "email", "jen@test.com", "password", password).Want(t, 401, guard.ProblemBound)
	o.Get("/bound").Want(t, 200, "hello joe")
}

// TestACallbackIsAskedForAgainWithAProof: on the way back from a provider browsers get no new proof. The
// provider's response is valid once, and the session continues.
func TestACallbackIsAskedForAgainWithAProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		bindsDevices(w, nil)
		back := w.second
		back.user, back.err, back.cross = &User{ID: 1, Email: "joe@test.com", Pass: password}, nil, true
		w.mux.Handle("GET /callback", w.Authenticate("totp")(w.StepUp(w.hello())))
		o := bound(t, w)
		pass(boundLife)
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"} {
			o.Header(name, value)
		}
		o.Get("/callback?code=1").Want(t, 200, `href="/callback?code=1"`)
		if back.asked != 0 {
			t.Error("the strategy was asked before the proof")
		}
		o.Header("Sec-Fetch-Site", "same-origin")
		o.Header("Accept", "")
		o.Get("/callback?code=1").Want(t, 401, guard.ProblemUnproved) // and no endless repetition
		o.refresh().Want(t, 200, "")
		o.Get("/callback?code=1").Want(t, 200, "")
		if saw := w.saw(); !strings.Contains(saw, "session_binding_failed/no_proof") || !strings.Contains(saw, "session_renewed/step_up") {
			t.Errorf("events %s", saw)
		}
	})
}

// TestARegistrationIsNoFurtherSession: a bound session counts once, and ends like any other if there are
// too many.
func TestARegistrationIsNoFurtherSession(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			bindsDevices(w, nil, func(c *guard.Config) { c.MaxSessions, c.RefuseMore = 1, refuse })
			o := bound(t, w)
			if list, err := w.Sessions(t.Context(), joe); err != nil || len(list) != 1 || !list[0].Bound {
				t.Fatalf("refuse %t: got %+v and %v, want the one that is bound", refuse, list, err)
			}
			pass(time.Second)
			if refuse {
				logIn(w.open(), "joe@test.com").Want(t, 403, "")
				o.Get("/bound").Want(t, 200, "hello joe")
				return
			}
			logIn(w.open(), "joe@test.com").Want(t, 200, "hello joe")
			o.refresh().Want(t, 200, o.name) // does not use the store, and logs nobody in
			o.Get("/bound").Want(t, 401, guard.ProblemLogIn)
		})
	}
}
