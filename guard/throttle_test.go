package guard_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

// TestAThrottledLogInAnswersTheSameForEveryPassword: 429, when to come back, and nothing that shows whether
// the password is right or the account exists.
func TestAThrottledLogInAnswersTheSameForEveryPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		local, err := throttle.New(throttle.Config{
			AccountAttempts: 3, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}, // httptest's peer
		}, strategy.NewLocal(w.table.check))
		if err != nil {
			t.Fatal(err)
		}
		g, err := guard.New(guard.Config{Sessions: w.sessions, Logger: w.logger(), OnEvent: w.note}, w.table.stamped(), strategy.Strategy[*User](local))
		if err != nil {
			t.Fatal(err)
		}
		w.mux.Handle("POST /in", g.Authenticate("local")(g.LogIn(whoami(g))))
		n := 0
		try := func(email, password string) browser.Answer {
			b := w.open()
			n++
			b.Header("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", n))
			return b.Post("/in", "email", email, "password", password)
		}
		for _, email := range []string{"joe@test.com", "nobody@test.com"} {
			for range 3 {
				try(email, "wrong").Want(t, 401, "")
			}
		}
		w.saw()
		first := try("joe@test.com", password)
		for _, row := range []struct{ name, email, password string }{
			{"a wrong password", "joe@test.com", "wrong"}, {"the right password again", "joe@test.com", password},
			{"an account that is not there", "nobody@test.com", "wrong"},
		} {
			a := try(row.email, row.password)
			if a.StatusCode != 429 || a.Header.Get("Retry-After") != "30" || a.Text != first.Text || fmt.Sprint(a.Header) != fmt.Sprint(first.Header) || len(a.Header["Set-Cookie"]) > 0 {
				t.Errorf("%s: got %d, %q and %v, want 429, Retry-After 30 and no cookie, as for the right password: %q and %v", row.name, a.StatusCode, a.Text, a.Header, first.Text, first.Header)
			}
		}
		const event = "excess_rate_limit_exceeded/too many attempts on one account"
		if got, want := w.saw(), "["+strings.Repeat(event+" ", 3)+event+"]"; got != want {
			t.Errorf("got events %s, want %s", got, want)
		}
		pass(30 * time.Second)
		try("joe@test.com", password).Want(t, 200, "joe@test.com")
	})
}

// TestARefusalSaysWhichAccountThrottleClaims: Config.Claims reads it for a strategy that is no Claimant.
func TestARefusalSaysWhichAccountThrottleClaims(t *testing.T) {
	w := newWorld(t)
	claims := func(r *http.Request) (string, bool, error) {
		return r.Header.Get("X-Account"), r.Header.Get("X-Account") != "", nil
	}
	throttled, err := throttle.New(throttle.Config{Claims: claims}, strategy.Strategy[*User](w.second))
	if err != nil {
		t.Fatal(err)
	}
	g, err := guard.New(guard.Config{Logger: w.logger(), OnEvent: w.note}, nil, strategy.Strategy[*User](throttled))
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle("POST /in", g.Authenticate("totp")(whoami(g)))
	b := w.open()
	b.Post("/in").Want(t, 401, "")
	b.Header("X-Account", "joe@test.com")
	b.Post("/in").Want(t, 401, "")
	if len(w.events) != 1 || w.events[0].Name != guard.EventLogInFail || w.events[0].Account != "joe@test.com" {
		t.Errorf("got events %+v, want one log-in that failed, of joe@test.com", w.events)
	}
}

// TestTheCookieOfAStrategyReachesTheBrowser: the one by which a throttle knows it. With sessions, it does
// even if something clears the headers before the first byte; it also does without. A refused log-in sends
// none.
func TestTheCookieOfAStrategyReachesTheBrowser(t *testing.T) {
	w := newWorld(t)
	local, err := throttle.New(throttle.Config{}, strategy.Strategy[*User](strategy.NewLocal(w.table.check)))
	if err != nil {
		t.Fatal(err)
	}
	g, err := guard.New(guard.Config{Sessions: w.sessions, Logger: w.logger(), OnEvent: w.note}, w.table.stamped(), strategy.Strategy[*User](local))
	if err != nil {
		t.Fatal(err)
	}
	stateless, err := guard.New(guard.Config{Logger: w.logger(), OnEvent: w.note}, nil, strategy.Strategy[*User](local))
	if err != nil {
		t.Fatal(err)
	}
	clearing := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		clear(rw.Header())
		fmt.Fprintln(rw, "in")
	})
	w.mux.Handle("POST /in", g.Authenticate("local")(g.LogIn(clearing)))
	w.mux.Handle("POST /token", stateless.Authenticate("local")(whoami(stateless)))
	for _, path := range []string{"/in", "/token"} {
		known := func(password string) int {
			a := w.open().Post(path, "email", "joe@test.com", "password", password)
			n := 0
			for _, line := range a.Header["Set-Cookie"] {
				if strings.HasPrefix(line, "__Host-device=") {
					n++
				}
			}
			return n
		}
		if right, wrong := known(password), known("wrong"); right != 1 || wrong != 0 {
			t.Errorf("%s: %d cookies for the right password and %d for a wrong one, want 1 and 0", path, right, wrong)
		}
	}
}
