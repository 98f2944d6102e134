package throttle_test

import (
	"context"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

// cure matches the part of a mistake that says what to do.
var cure = regexp.MustCompile(`: (use|want|give|drop|choose|name|pass|say|make)\b|: make it by|at least one$|name (it|them) like`)

// TestWhatIsUnsafeDoesNotBuild: each row is one mistake, and the constructor's error names the field and
// what would be safe.
func TestWhatIsUnsafeDoesNotBuild(t *testing.T) {
	const day = 24 * time.Hour
	build := func(edit func(*throttle.Config)) error {
		var cfg throttle.Config
		edit(&cfg)
		_, err := throttle.New(cfg, strategy.NewLocal(accept))
		return err
	}
	proxies := func(list ...string) error {
		return build(func(c *throttle.Config) {
			for _, p := range list {
				c.TrustedProxies = append(c.TrustedProxies, netip.MustParsePrefix(p))
			}
		})
	}
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"a negative budget of an account", build(func(c *throttle.Config) { c.AccountAttempts = -1 }), "AccountAttempts is -1"},
		{"a budget of an account beyond NIST's", build(func(c *throttle.Config) { c.AccountAttempts = 101 }), "AccountAttempts is 101"},
		{"a negative budget of an address", build(func(c *throttle.Config) { c.AddressAttempts = -1 }), "AddressAttempts is -1"},
		{"a budget of an address without end", build(func(c *throttle.Config) { c.AddressAttempts = 1 << 30 }), "AddressAttempts is 1073741824"},
		{"a pause in the wrong unit", build(func(c *throttle.Config) { c.Delay = 30 }), "Delay is 30ns"},
		{"a longest pause that locks out", build(func(c *throttle.Config) { c.MaxDelay = 365 * day }), "MaxDelay is 8760h"},
		{"a longest pause that is the shortest", build(func(c *throttle.Config) { c.Delay = time.Hour }), "MaxDelay 15m0s is shorter than Delay"},
		{"a window in the wrong unit", build(func(c *throttle.Config) { c.Window = 86400 }), "Window is 86.4µs"},
		{"a window that ends the pause", build(func(c *throttle.Config) { c.Window = 10 * time.Minute }), "Window 10m0s is shorter than MaxDelay"},
		{"a window that forgets every few minutes", build(func(c *throttle.Config) { c.Window, c.MaxDelay = 5*time.Minute, time.Minute }), "wrong attempts a day"},
		{"pauses of a second", build(func(c *throttle.Config) { c.Delay, c.MaxDelay = time.Second, time.Second }), "wrong attempts a day"},
		{"a browser that is known for ever", build(func(c *throttle.Config) { c.KnownFor = 401 * day }), "KnownFor is 9624h"},
		{"a browser that is known in the wrong unit", build(func(c *throttle.Config) { c.KnownFor = 90 }), "KnownFor is 90ns"},
		{"a secret that is guessed", build(func(c *throttle.Config) { c.Secrets = []string{"secret"} }), "Secrets[0] has 6 bytes"},
		{"processes that do not know each other's browsers", build(func(c *throttle.Config) { c.Counter = &broken{} }), "Secrets is empty beside a Counter"},
		{"a __Host- cookie over plain http", build(func(c *throttle.Config) { c.CookieName, c.InsecureHTTP = "__Host-d", true }), `CookieName "__Host-d" needs the Secure`},
		{"a cookie whose name is no token", build(func(c *throttle.Config) { c.CookieName = "a;b" }), `CookieName "a;b"`},
		{"a counter that is a nil pointer", build(func(c *throttle.Config) { c.Counter = (*throttle.MemoryCounter)(nil) }), "Counter is a nil pointer"},
		{"a counter with a negative bound", build(func(c *throttle.Config) { c.Counter = &throttle.MemoryCounter{Max: -1} }), "memory counter: Max is -1"},
		{"a trusted proxy that was not parsed", build(func(c *throttle.Config) { c.TrustedProxies = make([]netip.Prefix, 1) }), "TrustedProxies has a prefix that is none"},
		{"every IPv4 address is a trusted proxy", proxies("10.0.0.0/8", "0.0.0.0/0"), "TrustedProxies has 0.0.0.0/0"},
		{"every IPv6 address is a trusted proxy", proxies("::/0"), "TrustedProxies has ::/0"},
		{"trusted proxies in a form that never matches", proxies("::ffff:10.0.0.0/104"), "TrustedProxies has ::ffff:10.0.0.0/104"},
	} {
		switch {
		case row.err == nil:
			t.Errorf("%s: it is built", row.name)
		case strings.Contains(row.err.Error(), "\n"):
			t.Errorf("%s: got %q, want one mistake", row.name, row.err)
		case !strings.Contains(row.err.Error(), row.want) || !cure.MatchString(row.err.Error()):
			t.Errorf("%s: got %q, want it to say %q and what would be safe", row.name, row.err, row.want)
		}
	}
}

// TestASharedNegativeBoundStopsNothing: a MemoryCounter with an unchecked mistake still counts.
func TestASharedNegativeBoundStopsNothing(t *testing.T) {
	c := &throttle.MemoryCounter{Max: -1}
	if n, _, err := c.Add(t.Context(), "a", 1, time.Minute); n != 1 || err != nil {
		t.Errorf("got %d, %v, want 1", n, err)
	}
}

func TestWhatIsSafeBuilds(t *testing.T) {
	check := func(context.Context, string, string) (login, error) { return login{}, nil }
	for _, cfg := range []throttle.Config{
		{}, {AccountAttempts: 100}, {Window: 30 * 24 * time.Hour}, {Delay: time.Second}, {MaxDelay: 24 * time.Hour}, {TrustedProxies: []netip.Prefix{netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("127.0.0.1/32")}},
	} {
		if _, err := throttle.New[login](cfg, strategy.NewLocal(check)); err != nil {
			t.Errorf("%+v: got %v, want no error", cfg, err)
		}
	}
	refuse := strategy.Func("f", func(http.ResponseWriter, *http.Request) (login, error) { return login{}, strategy.ErrUnauthenticated })
	if _, err := throttle.New(throttle.Config{Counter: &throttle.MemoryCounter{Max: 1}}, refuse); err != nil {
		t.Errorf("a counter of one: got %v, want no error", err)
	}
}
