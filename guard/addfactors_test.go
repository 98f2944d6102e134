package guard_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy"
)

// enrolWorld is a world whose users set up an app at POST /enrol; from then on every page asks for its
// code.
type enrolWorld struct {
	*world
	needed []string // the factors of every user
	names  []string // the factors that are added at the enrolment
}

func newEnrolWorld(t testing.TB, edit ...func(*guard.Config)) *enrolWorld {
	t.Helper()
	w := &enrolWorld{names: []string{"totp"}}
	factors := func(context.Context, *User) ([]string, error) { return w.needed, nil }
	w.world = newWorld(t, append(edit, func(c *guard.Config) { c.Factors = guard.FactorsOf(factors) })...)
	enrol := func(user *User) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.needed = []string{"totp"}
			if err := w.AddFactors(r, user, w.names...); err != nil {
				w.Error(rw, r, err)
				return
			}
			w.hello().ServeHTTP(rw, r)
		})
	}
	w.record()
	w.mux.Handle("POST /enrol", w.RequireFresh(time.Hour)(enrol(joe)))
	w.mux.Handle("POST /enrol/for/jen", w.RequireFresh(time.Hour)(enrol(&User{ID: 2, Email: "jen@test.com", Pass: password})))
	programs, err := guard.New(guard.Config{Sessions: w.sessions, Factors: guard.FactorsOf(factors), Logger: w.logger()}, w.table.stamped(), // the same users, and a key for programs
		strategy.Strategy[*User](w.second), strategy.NewBearer("api", func(context.Context, string) (*User, error) { return joe, nil }))
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle("POST /enrol/with/token", programs.Authenticate("bearer")(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.needed = []string{"totp"}
		if err := programs.AddFactors(r, joe, "totp"); err != nil {
			programs.Error(rw, r, err)
		}
	})))
	w.mux.Handle("POST /enrol/behind/nothing", w.sessions.Handler(enrol(joe)))
	w.mux.Handle("/factor", w.RequireFactor("totp", 0)(w.hello()))
	w.mux.Handle("/fresh", w.RequireFresh(time.Hour)(w.hello()))
	return w
}

func TestANewFactorIsNotAskedForAtOnce(t *testing.T) {
	w := newEnrolWorld(t, func(c *guard.Config) { c.MaxSessions, c.RefuseMore = 1, true })
	b := w.loggedIn("joe@test.com")
	before, at := b.Cookie(sid), slot(t, b).Go.At
	b.Post("/enrol").Want(t, 200, "hello joe")
	if got, want := w.saw(), "[session_renewed/factor_added]"; got != want {
		t.Errorf("got the events %s, want %s", got, want)
	}
	if b.Cookie(sid) == before {
		t.Error("the session has the same id after one more factor")
	}
	for _, path := range []string{"/me", "/factor", "/fresh"} {
		b.Get(path).Want(t, 200, "hello joe")
	}
	if got := slot(t, b).Go; got.At != at || got.Factors["totp"] == 0 || got.Factors["local"] != at {
		t.Errorf("got %+v, want the log-in of %d with one factor more", got, at)
	}
}

// TestAPendingLogInAddsNoFactor: it could prove the missing factor by adding one.
func TestAPendingLogInAddsNoFactor(t *testing.T) {
	w := newEnrolWorld(t)
	w.needed = []string{"totp"}
	b := w.open()
	logIn(b, "joe@test.com").Want(t, 401, "")
	for _, path := range []string{"/enrol", "/enrol/behind/nothing"} {
		b.Post(path).Want(t, 401, "")
		b.Get("/me").Want(t, 401, "")
	}
	b.Header("Authorization", "Bearer joe")
	b.Post("/enrol/with/token").Want(t, 401, "")
	b.Header("Authorization", "")
	b.Get("/me").Want(t, 401, "")
}

func TestAFactorIsAddedToTheUsersOwnSession(t *testing.T) {
	w := newEnrolWorld(t)
	b := w.loggedIn("joe@test.com")
	b.Post("/enrol/for/jen").Want(t, 401, "")
	b.Get("/me").Want(t, 401, "") // the page asks for the factor that the user now has
	w.needed = nil
	stranger := w.open()
	stranger.Header("Authorization", "Bearer joe")
	stranger.Post("/enrol/with/token").Want(t, 401, "")
	if c := stranger.Cookie(sid); c != "" {
		t.Errorf("got the session %q for a token", c)
	}
	r := b.Request(http.MethodPost, "/enrol/behind/nothing", "")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w.needed = nil
	b.Do(r).Want(t, 403, "")
}

func TestAFactorHasANameThatAStrategyProves(t *testing.T) {
	for names, want := range map[string]string{"": "no factor is named", "topt": `the factor \"topt\"`, "totp remember": `the factor \"remember\"`} {
		w := newEnrolWorld(t)
		w.names = strings.Fields(names)
		b := w.loggedIn("joe@test.com")
		b.Post("/enrol").Want(t, 500, "")
		if log := w.logged(); !strings.Contains(log, want) {
			t.Errorf("%q: got the log %s, want %s in it", names, log, want)
		}
	}
}

// TestAStepUpLeadsWhereTheLogInWanted, by return_to in the query and in the form, also while a further factor is missing.
func TestAStepUpLeadsWhereTheLogInWanted(t *testing.T) {
	for _, row := range []struct{ name, address, form, missing, want string }{
		{"the query", "/code?return_to=/devices%3Fa=b", "", "", "/devices?a=b"},
		{"the form", "/code", "/devices", "", "/devices"},
		{"nothing", "/code", "", "", "/account"},
		{"another site", "/code?return_to=https://evil.example/", "", "", "/account"},
		{"one factor more is missing", "/code?return_to=/devices", "", "token", "/second?return_to=%2Fdevices"},
	} {
		w := newEnrolWorld(t, func(c *guard.Config) { c.StepUpURL = "/second" })
		w.mux.Handle("POST /code", w.Authenticate("totp")(w.StepUpWith(guard.StepUpOptions{ReturnTo: true, SuccessRedirect: "/account"})(nil)))
		b := w.open()
		b.Header("Accept", "text/html")
		w.needed = append(w.needed, "totp")
		if row.missing != "" {
			w.needed = append(w.needed, row.missing)
		}
		logIn(b, "joe@test.com").Want(t, 303, "")
		w.second.user, w.second.err = joe, nil
		if got := b.Post(row.address, "return_to", row.form); got.StatusCode != 303 || got.Header.Get("Location") != row.want {
			t.Errorf("%s: got %d to %q, want %s", row.name, got.StatusCode, got.Header.Get("Location"), row.want)
		}
	}
}

func TestStepUpWithPanicsForWhatCannotAnswer(t *testing.T) {
	w := newWorld(t)
	for want, build := range map[string]func(){
		"the next handler is nil":          func() { w.StepUpWith(guard.StepUpOptions{ReturnTo: true})(nil) },
		`SuccessRedirect "//evil.example"`: func() { w.StepUpWith(guard.StepUpOptions{SuccessRedirect: "//evil.example"})(nil) },
	} {
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, want) {
					t.Errorf("got the panic %q, want %s in it", got, want)
				}
			}()
			build()
		}()
	}
}
