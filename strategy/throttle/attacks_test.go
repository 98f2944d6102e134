package throttle_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

// dayBudget is how many guesses at one account a day the documentation of Config promises at most.
const dayBudget = 110

// site is an application with registrations, passwords and codes, all counted on one Counter. The attacker
// has accounts there.
type site struct {
	mu       sync.Mutex
	accounts map[string]string // passwords by canonical name
	looked   map[string]int    // how many wrong passwords and codes were checked, by account

	counter *throttle.MemoryCounter
	form    *strategy.LocalStrategy[string]
	log     *throttle.Throttle[string]
	codes   *throttle.Throttle[string]
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{accounts: map[string]string{"joe@test.com": "right"}, looked: map[string]int{}, counter: &throttle.MemoryCounter{}}
	check := func(kind string) func(_ context.Context, name, secret string) (string, error) {
		return func(_ context.Context, name, secret string) (string, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if want, ok := s.accounts[name]; ok && (secret == want || kind == "code" && secret == "123456") {
				return name, nil
			}
			s.looked[kind+" "+name]++
			return "", strategy.ErrUnauthenticated
		}
	}
	cfg := throttle.Config{Counter: s.counter, Secrets: []string{strings.Repeat("k", 32)}}
	s.form = strategy.NewLocal(check("password"))
	s.log = mustThrottle[string](t, cfg, s.form)
	s.codes = mustThrottle(t, cfg, strategy.Named[string]("totp", strategy.NewLocal(check("code"))))
	return s
}

// register makes an account with the name as spelt in the form, unless it is taken.
func (s *site) register(spelled, password string) bool {
	name, password, err := s.form.Credentials(credtest.Post(form, "email="+spelled+"&password="+password))
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.accounts[name]; err != nil || taken {
		return false
	}
	s.accounts[name] = password
	return true
}

// client is a browser at an address.
type client struct {
	from    string
	cookies map[string]*http.Cookie
}

func newClient(from string) *client { return &client{from, map[string]*http.Cookie{}} }

// send sends credentials to s, and stores the cookies of the response.
func (c *client) send(s strategy.Strategy[string], name, secret string) int {
	r := credtest.Post(js, fmt.Sprintf(`{"email":%q,"password":%q}`, name, secret))
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(c.from), 4711).String()
	for _, cookie := range c.cookies {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	_, err := s.Authenticate(w, r)
	for _, cookie := range w.Result().Cookies() {
		c.cookies[cookie.Name] = cookie
	}
	return credtest.StatusOf(err)
}

// address returns the i-th of many IPv4 and IPv6 addresses.
func address(i int) string {
	if i%2 == 0 {
		return fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255)
	}
	return fmt.Sprintf("2001:db8:%x:%x::1", i>>16&0xffff, i&0xffff)
}

// tricks are ways to have more than the budget of joe's account checked. Each is tried for a day, or while
// the owner logs in.
var tricks = []struct {
	name string
	try  func(s *site, second int)
}{
	{"guesses from one address", func(s *site, _ int) { newClient(here).send(s.log, "joe@test.com", "wrong") }},
	{"guesses from a new address each time", func(s *site, i int) { newClient(address(i)).send(s.log, "joe@test.com", "wrong") }},
	{"an account of one's own that differs by a space (G1)", func(s *site, i int) {
		c := newClient(address(i / 50))
		s.register("joe@test.com%20", "mine")
		c.send(s.log, "joe@test.com ", "mine")
		c.send(s.log, "joe@test.com", "wrong")
	}},
	{"an account of one's own, logged in to before each guess", func(s *site, i int) {
		c := newClient(address(i / 50))
		s.register("mallory@test.com", "mine")
		c.send(s.log, "mallory@test.com", "mine")
		c.send(s.log, "joe@test.com", "wrong")
	}},
	{"a spelling for each guess (G7)", func(s *site, i int) {
		name := []byte("joe@test.com")
		for bit := range name {
			if i>>bit&1 == 1 && name[bit] >= 'a' {
				name[bit] -= 'a' - 'A'
			}
		}
		newClient(address(i)).send(s.log, strings.Repeat("\u00a0", i%3)+string(name)+strings.Repeat("\u200b", i%5), "wrong")
	}},
	{"another browser's note, made to say joe", func(s *site, i int) {
		c := newClient(address(i / 50))
		s.register("mallory@test.com", "mine")
		c.send(s.log, "mallory@test.com", "mine")
		if own := c.cookies["__Host-device"]; own != nil {
			own.Value += own.Value[32:]
		}
		c.send(s.log, "joe@test.com", "wrong")
	}},
	{"codes and passwords in turns, by who has the password (G2)", func(s *site, i int) {
		c := newClient(address(i / 50))
		for range 3 {
			c.send(s.codes, "joe@test.com", "000000")
		}
		c.send(s.log, "joe@test.com", "right")
		c.send(s.codes, "joe@test.com", "000000") // with the note of the log-in
	}},
	{"a new browser for each log-in, by who has the password", func(s *site, i int) {
		c := newClient(address(i))
		c.send(s.log, "joe@test.com", "right")
		c.send(s.codes, "joe@test.com", "000000")
	}},
	{"malformed and empty attempts between", func(s *site, _ int) {
		c := newClient(here)
		c.send(s.log, "joe@test.com", "")
		c.send(s.log, "", "wrong")
		c.send(s.log, "joe@test.com", "wrong")
	}},
}

// TestASVS_6_3_1_NoTrickLooksAtMoreThanTheBudget: a day of each trick, and of all together. No more guesses
// at an account are checked than documented.
func TestASVS_6_3_1_NoTrickLooksAtMoreThanTheBudget(t *testing.T) {
	day := func(name string, try func(s *site, second int)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				for second, step := 0, 1; second < 86_399; second += step {
					if second == 90 { // from then on the schedule allows attempts at whole half minutes
						step = 30
					}
					try(s, second)
					time.Sleep(time.Duration(step) * time.Second)
				}
				for what, n := range s.looked {
					if strings.HasSuffix(what, "joe@test.com") && n > dayBudget {
						t.Errorf("%d guesses at %s were checked, want at most %d", n, what, dayBudget)
					}
				}
				if s.looked["password joe@test.com"]+s.looked["code joe@test.com"] < 10 {
					t.Errorf("only %v were checked: the trick does nothing", s.looked)
				}
			})
		})
	}
	for _, trick := range tricks {
		day(trick.name, trick.try)
	}
	day("all of them", func(s *site, second int) { tricks[second%len(tricks)].try(s, second) })
}

// TestTheOwnersBrowserGetsIn every time, while a stranger uses up the attempts of the account, or the
// address, or both, or tries any of the tricks.
func TestTheOwnersBrowserGetsIn(t *testing.T) {
	attacks := append(slices.Clip(tricks), []struct {
		name string
		try  func(s *site, second int)
	}{
		{"every turn of the address is taken, on as many accounts", func(s *site, i int) {
			for n := range 3 {
				newClient(here).send(s.log, fmt.Sprintf("user%d@test.com", 3*i+n), "wrong")
			}
		}},
		{"every turn of the account and of the address is taken", func(s *site, i int) {
			newClient(here).send(s.log, fmt.Sprintf("user%d@test.com", i), "wrong")
			newClient(address(i)).send(s.log, "joe@test.com", "wrong")
		}},
	}...)
	for _, attack := range attacks {
		t.Run(attack.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				owner := newClient(here)
				if status := owner.send(s.log, "joe@test.com", "right"); status != 200 {
					t.Fatalf("the first log-in: status %d", status)
				}
				if status := owner.send(s.codes, "joe@test.com", "123456"); status != 200 {
					t.Fatalf("the first code: status %d", status)
				}
				in := 0
				for i := range 100 {
					for try := range 10 {
						attack.try(s, 10*i+try)
						time.Sleep(20 * time.Second)
					}
					for range i % 4 { // the owner also makes typing mistakes
						owner.send(s.log, "Joe@test.com", "worng")
					}
					if owner.send(s.log, "Joe@test.com", "right") == 200 && owner.send(s.codes, "joe@test.com", "123456") == 200 {
						in++
					}
				}
				if in != 100 {
					t.Errorf("the owner's browser gets in %d times of 100", in)
				}
			})
		})
	}
}

// TestAFloodMakesFewCounters: one address makes no more counters than its budget allows, and many make no
// more than the memory has room for.
func TestAFloodMakesFewCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		for i := range 10_000 {
			newClient(here).send(s.log, fmt.Sprintf("user%d@test.com", i), "wrong")
		}
		if got := s.counter.Len(); got > 101 {
			t.Errorf("10,000 attempts from one address make %d counters, want at most 101", got)
		}
		s.counter.Max = 5_000
		for i := range 20_000 {
			newClient(address(i)).send(s.log, fmt.Sprintf("user%d@test.com", i), "wrong")
		}
		if got := s.counter.Len(); got > 5_000 {
			t.Errorf("20,000 addresses make %d counters, want at most 5,000", got)
		}
	})
}
