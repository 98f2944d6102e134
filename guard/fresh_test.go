package guard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy"
)

func TestASVS_7_5_1_SensitiveChangesNeedAFreshLogIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *guard.Config) { c.LoginURL = "/login" })
		w.mux.Handle("/delete", w.RequireFresh(10*time.Minute)(w.hello()))
		w.open().Get("/delete").Want(t, 401, "")
		b := w.loggedIn("joe@test.com")
		b.Get("/delete").Want(t, 200, "hello joe")
		pass(10 * time.Minute)
		b.Get("/delete").Want(t, 200, "hello joe")
		pass(time.Second)
		a := b.Get("/delete")
		a.Want(t, 401, "")
		// RFC 9470 section 3
		if got, want := a.Header.Get("WWW-Authenticate"), `Bearer error="insufficient_user_authentication", error_description="Prove again who you are", max_age="600"`; got != want {
			t.Errorf("got challenge %q, want %q", got, want)
		}
		b.Get("/me").Want(t, 200, "hello joe")
		b.Header("Accept", "text/html")
		if got, want := b.Get("/delete").Header.Get("Location"), "/login?max_age=600&return_to=%2Fdelete"; got != want {
			t.Errorf("a browser: got %q, want %q", got, want)
		}
		w.saw()
		logIn(b, "joe@test.com").Want(t, 200, "hello joe")
		b.Get("/delete").Want(t, 200, "hello joe")
		if got, want := w.saw(), "[authn_login_success session_created]"; got != want {
			t.Errorf("got events %s, want %s", got, want)
		}
	})
}

func TestALogInByNodeIsNeverFresh(t *testing.T) {
	w := newWorld(t)
	w.mux.Handle("/delete", w.RequireFresh(time.Hour)(w.hello()))
	b := w.loggedIn("joe@test.com")
	// The record that passport leaves when it logs in another user under the same id: only user is
	// replaced.
	w.store.rewrite(t, func(record string) string { return strings.Replace(record, `"user":1`, `"user":2`, 1) })
	b.Get("/me").Want(t, 200, "hello jen")
	b.Get("/delete").Want(t, 401, "")
	// A further factor does not make the log-in fresh.
	w.mux.Handle("POST /code", w.Authenticate("totp")(w.StepUp(w.hello())))
	w.mux.Handle("/pay", w.RequireFactor("totp", time.Minute)(w.hello()))
	w.second.user, w.second.err = &User{ID: 2, Email: "jen@test.com", Pass: password}, nil
	b.Post("/code").Want(t, 200, "hello jen")
	b.Get("/pay").Want(t, 200, "hello jen")
	b.Get("/delete").Want(t, 401, "")
}

func TestAUserFoundByATokenIsFreshOnlyIfTheStrategySaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.mux.Handle("/delete", w.Authenticate("token")(w.RequireFresh(time.Hour)(w.hello())))
		w.token.user, w.token.err = &User{ID: 1, Email: "joe@test.com"}, nil
		b := w.loggedIn("joe@test.com") // its session is fresh, but does not count
		for _, row := range []struct {
			name   string
			info   *strategy.Info
			status int
		}{
			{"no time", nil, 401},
			{"an old time", &strategy.Info{At: time.Now().Add(-2 * time.Hour)}, 401},
			{"a recent time", &strategy.Info{At: time.Now().Add(-time.Minute)}, 200},
		} {
			w.token.info = row.info
			if got := b.Get("/delete").StatusCode; got != row.status {
				t.Errorf("%s: got %d, want %d", row.name, got, row.status)
			}
		}
	})
}

func TestALogInInTheSameRequestIsFresh(t *testing.T) {
	w := newWorld(t)
	w.mux.Handle("POST /sudo", w.Authenticate("local")(w.LogIn(w.RequireFresh(time.Minute)(w.RequireFactor("local", time.Minute)(w.hello())))))
	w.open().Post("/sudo", "email", "joe@test.com", "password", password).Want(t, 200, "hello joe")
}

func TestASVS_7_2_4_AFurtherFactorRotatesTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *guard.Config) { c.LoginURL, c.StepUpURL = "/login", "/code" })
		w.record()
		w.mux.Handle("POST /code", w.Authenticate("totp")(w.StepUp(w.hello())))
		w.mux.Handle("/pay", w.RequireFactor("totp", 5*time.Minute)(w.hello()))
		w.mux.Handle("/ever", w.RequireFactor("totp", 0)(w.hello()))
		joe := &User{ID: 1, Email: "joe@test.com", Pass: password}

		b := w.loggedIn("joe@test.com")
		b.Get("/put?k=cart&v=x").Want(t, 200, "")
		a := b.Get("/pay")
		a.Want(t, 401, "")
		if got := a.Header.Get("WWW-Authenticate"); !strings.Contains(got, `insufficient_user_authentication`) || !strings.Contains(got, `max_age="300"`) {
			t.Errorf("got challenge %q, want RFC 9470's with max_age", got)
		}
		if got := b.Get("/ever").Header.Get("WWW-Authenticate"); strings.Contains(got, "max_age") {
			t.Errorf("any age: got challenge %q, want no max_age", got)
		}
		if got, want := w.saw(), "[authz_fail/factor authz_fail/factor]"; got != want {
			t.Errorf("got events %s, want %s", got, want)
		}

		b.Post("/code").Want(t, 401, "")
		before, at := b.Cookie(sid), slot(t, b).Go.At
		old := b.Twin()
		pass(time.Minute)
		w.second.user, w.second.err = joe, nil
		w.saw()
		b.Post("/code").Want(t, 200, "hello joe")
		if got, want := w.saw(), "[authn_login_success session_renewed/step_up]"; got != want {
			t.Errorf("got events %s, want %s", got, want)
		}
		if b.Cookie(sid) == before {
			t.Error("the session has the same id after the second factor")
		}
		old.Get("/me").Want(t, 401, "")
		s := slot(t, b)
		if s.Go.At != at || s.Go.Factors["local"] != at || s.Go.Factors["totp"] != time.Now().UnixMilli() || len(s.Go.Stamp) != 22 {
			t.Errorf("got %+v, want the log-in of %d with totp now", s, at)
		}
		b.Get("/record").Want(t, 200, `"cart":"x"`)
		b.Get("/pay").Want(t, 200, "hello joe")
		pass(6 * time.Minute)
		b.Get("/pay").Want(t, 401, "")
		b.Get("/ever").Want(t, 200, "hello joe")
		b.Header("Accept", "text/html")
		if got, want := b.Get("/pay").Header.Get("Location"), "/code?return_to=%2Fpay"; got != want {
			t.Errorf("a browser: got %q, want %q", got, want)
		}
	})
}

// TestARecordOfTheFormerFormIsTheSameLogIn: its age, factors, second factor and log-out.
func TestARecordOfTheFormerFormIsTheSameLogIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.record()
		w.mux.Handle("POST /code", w.Authenticate("totp")(w.StepUp(w.hello())))
		w.mux.Handle("GET /fresh", w.RequireFresh(5*time.Minute)(w.hello()))
		w.mux.Handle("GET /local", w.RequireFactor("local", 5*time.Minute)(w.hello()))
		w.mux.Handle("GET /totp", w.RequireFactor("totp", 5*time.Minute)(w.hello()))
		b := w.loggedIn("joe@test.com")
		now, before := fmt.Sprint(time.Now().UnixMilli()), fmt.Sprintf("%+v", slot(t, b).Go)
		w.store.rewrite(t, func(r string) string {
			former := strings.NewReplacer(`,"by":"local"`, `,"at":`+now+`,"factors":{"local":`+now+`}`, `"_go":{"b":`+now, `"_go":{"b":`+now+`,"v":"k3J9aQx0"`).Replace(r)
			if !strings.Contains(former, `"factors"`) || !strings.Contains(former, `"v"`) {
				t.Errorf("got %s, want the former form", former)
			}
			return former
		})
		if after := fmt.Sprintf("%+v", slot(t, b).Go); after != strings.Replace(before, "By:local", "By:", 1) {
			t.Errorf("got %s, want %s", after, before)
		}
		pass(4 * time.Minute)
		b.Get("/fresh").Want(t, 200, "hello joe")
		b.Get("/local").Want(t, 200, "hello joe")
		b.Get("/totp").Want(t, 401, "")
		w.second.user, w.second.err = joe, nil
		b.Post("/code").Want(t, 200, "hello joe")
		b.Get("/totp").Want(t, 200, "hello joe")
		pass(2 * time.Minute)
		b.Get("/fresh").Want(t, 401, "")
		b.Get("/local").Want(t, 401, "")
		b.Get("/totp").Want(t, 200, "hello joe")
		old := b.Twin()
		b.Post("/logout").Want(t, 200, "")
		old.Get("/me").Want(t, 401, "")
	})
}

func TestStepUpIsForTheSameUser(t *testing.T) {
	w := newWorld(t)
	w.mux.Handle("POST /code", w.Authenticate("totp")(w.StepUp(w.hello())))
	w.mux.Handle("POST /bare", w.StepUp(w.hello()))
	w.mux.Handle("POST /session", w.Authenticate("session")(w.StepUp(w.hello())))
	w.mux.Handle("/pay", w.RequireFactor("totp", 0)(w.hello()))
	b := w.loggedIn("joe@test.com")
	b.Post("/bare").Want(t, 500, "")
	b.Post("/session").Want(t, 500, "")
	if got := w.logged(); strings.Count(got, "put Authenticate with the second strategy before StepUp") != 2 {
		t.Errorf("got log %q, want it to say twice what to do", got)
	}
	w.second.user, w.second.err = &User{ID: 2}, nil
	b.Post("/code").Want(t, 401, "")
	w.open().Post("/code").Want(t, 401, "")
	b.Get("/pay").Want(t, 401, "")
	w.second.user = &User{ID: 1}
	w.store.fail(errOutage)
	b.Post("/code").Want(t, 503, "")
	w.store.fail(nil)
	b.Get("/pay").Want(t, 401, "")
	w.table.remove(1)
	b.Post("/code").Want(t, 401, "")
}

func TestInfoOfASessionNamesItsFactors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var info strategy.Info
		var ok bool
		show := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { info, ok = w.Info(r.Context()) })
		w.mux.Handle("POST /code", w.Authenticate("totp")(w.StepUp(w.hello())))
		w.mux.Handle("/info", w.RequireAuth(show))
		w.mux.Handle("/nobody", w.Restore(show))
		b := w.loggedIn("joe@test.com")
		at := time.Now()
		pass(time.Minute)
		w.second.user, w.second.err = &User{ID: 1}, nil
		b.Post("/code").Want(t, 200, "")
		b.Get("/info").Want(t, 200, "")
		if got, want := fmt.Sprint(ok, info.Factors, info.At.UnixMilli()), fmt.Sprint(true, []string{"local", "totp"}, at.UnixMilli()); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		w.open().Get("/nobody").Want(t, 200, "")
		if ok {
			t.Errorf("nobody: got %v, want not ok", info)
		}
	})
}

// TestInfoIsTheNextRequestsToo: the request that changes a log-in sees the same facts as the next request.
func TestInfoIsTheNextRequestsToo(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(w *world, r *http.Request) error // nil for a step-up
		at     time.Duration                         // the time after the log-in
	}{
		{"LogInUser", func(w *world, r *http.Request) error { return w.LogInUser(r, joe) }, 0},
		{"LogInUser, then again", func(w *world, r *http.Request) error {
			return errors.Join(w.LogInUser(r, joe), w.LogInUser(r, joe))
		}, 0},
		{"ReauthenticateUser", func(w *world, r *http.Request) error { return w.ReauthenticateUser(r, joe) }, time.Minute},
		{"LogInUser for somebody else", func(w *world, r *http.Request) error {
			return w.LogInUser(r, &User{ID: 2, Email: "jen@test.com", Pass: password})
		}, time.Minute},
		{"StepUp", nil, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			var info strategy.Info
			show := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { info, _ = w.Info(r.Context()) })
			w.mux.Handle("/info", w.RequireAuth(show))
			w.mux.Handle("POST /change", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if err := row.change(w, r); err != nil {
					w.Error(rw, r, err)
				}
				show.ServeHTTP(rw, r)
			})))
			if row.change == nil {
				w.second.user, w.second.err = joe, nil
				w.mux.Handle("POST /code", w.Authenticate("totp")(w.StepUp(show)))
			}
			b := w.loggedIn("joe@test.com")
			begun := time.Now()
			pass(time.Minute)
			if row.change == nil {
				b.Post("/code").Want(t, 200, "")
			} else {
				b.Post("/change").Want(t, 200, "")
			}
			now := info
			b.Get("/info").Want(t, 200, "")
			if !now.At.Equal(info.At) || !slices.Equal(now.Factors, info.Factors) {
				t.Errorf("%s: got %v and %q, then %v and %q, want the same", row.name, now.At, now.Factors, info.At, info.Factors)
			}
			if got := info.At.Sub(begun); got.Round(time.Second) != row.at {
				t.Errorf("%s: got a time %v after the log-in, want %v", row.name, got, row.at)
			}
		})
	}
}

// wantFactor checks that a log-in by the strategy st, called name, passes RequireFactor(proved), and that
// RequireFactor(other) panics and names proved.
func (w *world) wantFactor(st strategy.Strategy[*User], name, proved, other string) {
	w.t.Helper()
	g, err := guard.New(guard.Config{Sessions: w.sessions, SessionKey: "factor", Logger: w.logger()}, w.table.stamped(), st)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mux.Handle("POST /"+name, g.Authenticate(name)(g.LogIn(w.hello())))
	w.mux.Handle("/vault", g.RequireFactor(proved, 0)(w.hello()))
	b := w.open()
	b.Post("/"+name).Want(w.t, 200, "")
	b.Get("/vault").Want(w.t, 200, "")
	if text := panicText(func() { g.RequireFactor(other, 0) }); !strings.Contains(text, "they prove "+proved+". ") {
		w.t.Errorf("RequireFactor(%q): got panic %q, want one that names %s", other, text, proved)
	}
}

// TestRequireFactorKnowsTheNameOfADecorated: a strategy that lists no factors proves one with the name by
// which the guard knows the strategy, mapped or not.
func TestRequireFactorKnowsTheNameOfADecorated(t *testing.T) {
	w := newWorld(t)
	same := func(_ context.Context, u *User) (*User, error) { return u, nil }
	w.second.user, w.second.err = joe, nil
	mapped := strategy.Named("key", strategy.Map(strategy.Strategy[*User](w.second), same))
	w.wantFactor(mapped, "key", "key", "totp") // totp is the name of the inner strategy
}

// TestRequireFactorKnowsWhatAFuncReports, in the same way as for a FactorNamer.
func TestRequireFactorKnowsWhatAFuncReports(t *testing.T) {
	w := newWorld(t)
	w.wantFactor(strategy.Func("flow", func(_ http.ResponseWriter, r *http.Request) (*User, error) {
		strategy.Report(r.Context(), strategy.Info{Factors: []string{"sms"}})
		return &User{ID: 1, Email: "joe@test.com", Pass: password}, nil
	}, "sms"), "flow", "sms", "flow")
}
