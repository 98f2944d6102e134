package strategy_test

import (
	"context"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
)

// cure is how a mistake says what would be right.
var cure = regexp.MustCompile(`: (use|want|give|drop|choose|name|pass|say|make)\b|: make it by|at least one$|name (it|them) like`)

// TestWhatIsUnsafeDoesNotBuild: each row is one mistake, and the constructor says which
// field it is and what would be safe.
func TestWhatIsUnsafeDoesNotBuild(t *testing.T) {
	const day = 24 * time.Hour
	cells := newCells(t)
	memory, err := store.NewMemoryTokens(store.MemoryTokensConfig{})
	if err != nil {
		t.Fatal(err)
	}
	throttle := func(edit func(*strategy.ThrottleConfig)) error {
		var cfg strategy.ThrottleConfig
		edit(&cfg)
		_, err := strategy.NewThrottle(cfg, strategy.NewLocal(accept))
		return err
	}
	proxies := func(list ...string) error {
		return throttle(func(c *strategy.ThrottleConfig) {
			for _, p := range list {
				c.TrustedProxies = append(c.TrustedProxies, netip.MustParsePrefix(p))
			}
		})
	}
	totp := func(edit func(*strategy.TOTPConfig)) error {
		cfg := strategy.TOTPConfig{Cells: cells, Issuer: "Shop"}
		edit(&cfg)
		_, err := strategy.NewTOTP(cfg)
		return err
	}
	remember := func(edit func(*strategy.RememberConfig)) error {
		cfg := strategy.RememberConfig{Cells: cells}
		edit(&cfg)
		_, err := strategy.NewRememberMe(cfg)
		return err
	}
	onetime := func(edit func(*strategy.OneTimeConfig)) error {
		cfg := strategy.OneTimeConfig{Tokens: memory, Purpose: "log-in"}
		edit(&cfg)
		_, err := strategy.NewOneTime(cfg)
		return err
	}
	local := func(cfg strategy.LocalConfig) error {
		_, err := strategy.NewLocalWith(cfg, accept)
		return err
	}
	hasher := func(h strategy.Hasher) error {
		_, err := strategy.NewPasswordCheck(strategy.PasswordConfig[*account]{Accounts: &table{}, Hasher: h})
		return err
	}
	policy := func(cfg strategy.PolicyConfig) error {
		_, err := strategy.NewPolicy(cfg)
		return err
	}
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"a bcrypt cost that is guessed quickly", hasher(&strategy.Bcrypt{Cost: 9}), "Cost is 9"},
		{"a bcrypt cost that keeps users waiting", hasher(&strategy.Bcrypt{Cost: 17}), "Cost is 17"},
		{"a negative bcrypt cost", hasher(&strategy.Bcrypt{Cost: -1}), "Cost is -1"},
		{"a bcrypt cost below what there is, though for tests", hasher(&strategy.Bcrypt{Cost: 3, InsecureFast: true}), "Cost is 3"},
		{"stored bcrypt hashes that take an hour", hasher(&strategy.Bcrypt{MaxCost: 24}), "MaxCost is 24"},
		{"a negative bound of stored bcrypt hashes", hasher(&strategy.Bcrypt{MaxCost: -1}), "MaxCost is -1"},
		{"Argon2id with little memory", hasher(&strategy.Argon2id{MemoryKiB: 1024}), "MemoryKiB 1024 and Passes 2"},
		{"Argon2id with memory in MiB", hasher(&strategy.Argon2id{MemoryKiB: 19}), "MemoryKiB 19"},
		{"Argon2id with one pass over 19 MiB", hasher(&strategy.Argon2id{Passes: 1}), "MemoryKiB 19456 and Passes 1"},
		{"Argon2id with the memory of a machine", hasher(&strategy.Argon2id{MemoryKiB: 64 << 20}), "MemoryKiB is 67108864"},
		{"Argon2id with a thousand passes", hasher(&strategy.Argon2id{Passes: 1000}), "Passes is 1000"},
		{"Argon2id in more lanes than there are cores", hasher(&strategy.Argon2id{MemoryKiB: 1 << 20, Lanes: 17}), "Lanes is 17"},
		{"stored Argon2id hashes with the memory of a machine", hasher(&strategy.Argon2id{MaxMemoryKiB: 64 << 20}), "MaxMemoryKiB is 67108864"},
		{"stored Argon2id hashes with a thousand passes", hasher(&strategy.Argon2id{MaxPasses: 1000}), "MaxPasses is 1000"},
		{"a mistake behind a good hasher", hasher(strategy.Hashers{&strategy.Argon2id{}, &strategy.Bcrypt{Cost: 4}}), "Cost is 4"},
		{"no hashers", hasher(strategy.Hashers{}), "hashers: empty"},
		{"a hasher that is a nil pointer", hasher((*strategy.Bcrypt)(nil)), "Hasher is nil"},
		{"a negative number of hashes at work", hasher(&strategy.Bcrypt{Limit: &strategy.Limit{Workers: -1}}), "Workers is -1"},
		{"a queue without end", hasher(&strategy.Argon2id{Limit: &strategy.Limit{Queue: 1 << 30}}), "Queue is 1073741824"},

		{"a negative budget of an account", throttle(func(c *strategy.ThrottleConfig) { c.AccountAttempts = -1 }), "AccountAttempts is -1"},
		{"a budget of an account beyond NIST's", throttle(func(c *strategy.ThrottleConfig) { c.AccountAttempts = 101 }), "AccountAttempts is 101"},
		{"a negative budget of an address", throttle(func(c *strategy.ThrottleConfig) { c.AddressAttempts = -1 }), "AddressAttempts is -1"},
		{"a budget of an address without end", throttle(func(c *strategy.ThrottleConfig) { c.AddressAttempts = 1 << 30 }), "AddressAttempts is 1073741824"},
		{"a pause in the wrong unit", throttle(func(c *strategy.ThrottleConfig) { c.Delay = 30 }), "Delay is 30ns"},
		{"a longest pause that locks out", throttle(func(c *strategy.ThrottleConfig) { c.MaxDelay = 365 * day }), "MaxDelay is 8760h"},
		{"a longest pause that is the shortest", throttle(func(c *strategy.ThrottleConfig) { c.Delay = time.Hour }), "MaxDelay 15m0s is shorter than Delay"},
		{"a window in the wrong unit", throttle(func(c *strategy.ThrottleConfig) { c.Window = 86400 }), "Window is 86.4µs"},
		{"a window that ends the pause", throttle(func(c *strategy.ThrottleConfig) { c.Window = 10 * time.Minute }), "Window 10m0s is shorter than MaxDelay"},
		{"a window that forgets every few minutes", throttle(func(c *strategy.ThrottleConfig) { c.Window, c.MaxDelay = 5*time.Minute, time.Minute }), "wrong attempts a day"},
		{"pauses of a second", throttle(func(c *strategy.ThrottleConfig) { c.Delay, c.MaxDelay = time.Second, time.Second }), "wrong attempts a day"},
		{"an address that stays familiar for ever", throttle(func(c *strategy.ThrottleConfig) { c.Familiar = 401 * day }), "Familiar is 9624h"},
		{"a counter that is a nil pointer", throttle(func(c *strategy.ThrottleConfig) { c.Counter = (*strategy.MemoryCounter)(nil) }), "Counter is a nil pointer"},
		{"a counter with a negative bound", throttle(func(c *strategy.ThrottleConfig) { c.Counter = &strategy.MemoryCounter{Max: -1} }), "memory counter: Max is -1"},
		{"every IPv4 address is a trusted proxy", proxies("10.0.0.0/8", "0.0.0.0/0"), "TrustedProxies has 0.0.0.0/0"},
		{"every IPv6 address is a trusted proxy", proxies("::/0"), "TrustedProxies has ::/0"},
		{"trusted proxies in a form that never matches", proxies("::ffff:10.0.0.0/104"), "TrustedProxies has ::ffff:10.0.0.0/104"},
		{"a trusted proxy that was not parsed", throttle(func(c *strategy.ThrottleConfig) { c.TrustedProxies = make([]netip.Prefix, 1) }), "TrustedProxies has a prefix that is none"},

		{"authenticator codes that can be used twice", totp(func(c *strategy.TOTPConfig) { c.Cells = nil }), "Cells is nil"},
		{"authenticator codes of nobody", totp(func(c *strategy.TOTPConfig) { c.Issuer = "" }), `Issuer is ""`},
		{"authenticator codes of 4 digits", totp(func(c *strategy.TOTPConfig) { c.Digits = 4 }), "Digits is 4"},
		{"authenticator codes of 7 digits", totp(func(c *strategy.TOTPConfig) { c.Digits = 7 }), "Digits is 7"},
		{"authenticator codes of a negative length", totp(func(c *strategy.TOTPConfig) { c.Digits = -6 }), "Digits is -6"},
		{"authenticator codes that last an hour", totp(func(c *strategy.TOTPConfig) { c.Period = time.Hour }), "Period is 1h0m0s"},
		{"authenticator codes that nobody can type", totp(func(c *strategy.TOTPConfig) { c.Period = time.Second }), "Period is 1s"},
		{"authenticator codes of a negative period", totp(func(c *strategy.TOTPConfig) { c.Period = -30 * time.Second }), "Period is -30s"},
		{"authenticator codes of a fraction of a second", totp(func(c *strategy.TOTPConfig) { c.Period = 30500 * time.Millisecond }), "Period is 30.5s"},
		{"eleven authenticator codes at once", totp(func(c *strategy.TOTPConfig) { c.Drift, c.Period = 5, 15*time.Second }), "Drift is 5"},
		{"authenticator codes that are good for minutes", totp(func(c *strategy.TOTPConfig) { c.Drift, c.Period = 3, time.Minute }), "Drift is 3"},
		{"authenticator codes of an unknown hash", totp(func(c *strategy.TOTPConfig) { c.Hash = 9 }), "Hash 9"},

		{"browsers remembered nowhere", remember(func(c *strategy.RememberConfig) { c.Cells = nil }), "Cells is nil"},
		{"browsers remembered for more than 400 days", remember(func(c *strategy.RememberConfig) { c.MaxAge = 400*day + 1 }), "MaxAge is 9600h0m0.000000001s"},
		{"browsers remembered for less than no time", remember(func(c *strategy.RememberConfig) { c.MaxAge = -day }), "MaxAge is -24h"},
		{"browsers remembered in the wrong unit", remember(func(c *strategy.RememberConfig) { c.MaxAge = 30 }), "MaxAge is 30ns"},
		{"stolen cookies that are good for an hour", remember(func(c *strategy.RememberConfig) { c.Grace = time.Hour }), "Grace is 1h0m0s"},
		{"a negative time for tabs", remember(func(c *strategy.RememberConfig) { c.Grace = -1 }), "Grace is -1ns"},
		{"a __Host- cookie over plain http", remember(func(c *strategy.RememberConfig) { c.CookieName, c.InsecureHTTP = "__Host-r", true }), `CookieName "__Host-r" needs the Secure`},
		{"a __Secure- cookie over plain http", remember(func(c *strategy.RememberConfig) { c.CookieName, c.InsecureHTTP = "__SECURE-r", true }), `CookieName "__SECURE-r" needs the Secure`},
		{"a cookie whose name is no token", remember(func(c *strategy.RememberConfig) { c.CookieName = "a;b" }), `CookieName "a;b"`},

		{"one-time tokens kept nowhere", onetime(func(c *strategy.OneTimeConfig) { c.Tokens = nil }), "Tokens is nil"},
		{"one-time tokens for everything", onetime(func(c *strategy.OneTimeConfig) { c.Purpose = "" }), "Purpose is empty"},
		{"one-time tokens for a week", onetime(func(c *strategy.OneTimeConfig) { c.TTL = 7 * day }), "TTL is 168h"},
		{"one-time tokens that never expire", onetime(func(c *strategy.OneTimeConfig) { c.TTL = -1 }), "TTL is -1ns"},
		{"one-time tokens in the wrong unit", onetime(func(c *strategy.OneTimeConfig) { c.TTL = 600 }), "TTL is 600ns"},

		{"a body without end", local(strategy.LocalConfig{MaxBody: 1 << 40}), "MaxBody is 1099511627776"},
		{"a body of less than nothing", local(strategy.LocalConfig{MaxBody: -1}), "MaxBody is -1"},
		{"one field for both credentials", local(strategy.LocalConfig{EmailField: "x", PasswordField: "x"}), `EmailField "x" and PasswordField "x" overlap`},
		{"a field that cannot be named", local(strategy.LocalConfig{EmailField: "user["}), `EmailField "user["`},
		{"the session's name", local(strategy.LocalConfig{Name: "session"}), `Name "session" is reserved`},

		{"passwords of 7 characters", policy(strategy.PolicyConfig{MinLength: 7}), "MinLength is 7"},
		{"passwords of a negative length", policy(strategy.PolicyConfig{MinLength: -1}), "MinLength is -1"},
		{"long passwords refused", policy(strategy.PolicyConfig{MaxLength: 32}), "MaxLength is 32"},
		{"no password is long enough", policy(strategy.PolicyConfig{MinLength: 100}), "MaxLength is 72"},
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

// TestASharedNegativeBoundStopsNothing: a MemoryCounter that nobody checked still counts.
func TestASharedNegativeBoundStopsNothing(t *testing.T) {
	c := &strategy.MemoryCounter{Max: -1}
	if n, _, err := c.Add(t.Context(), "a", 1, time.Minute); n != 1 || err != nil {
		t.Errorf("got %d, %v, want 1", n, err)
	}
}

func TestWhatIsSafeBuilds(t *testing.T) {
	for _, h := range []strategy.Hasher{
		&strategy.Bcrypt{}, &strategy.Bcrypt{Cost: 10}, &strategy.Bcrypt{Cost: 16, MaxCost: 18}, &strategy.Bcrypt{Cost: 4, InsecureFast: true},
		&strategy.Argon2id{}, &strategy.Argon2id{MemoryKiB: 7168, Passes: 5}, &strategy.Argon2id{MemoryKiB: 47104, Passes: 1}, &strategy.Argon2id{MemoryKiB: 8, InsecureFast: true},
	} {
		if _, err := strategy.NewPasswordCheck(strategy.PasswordConfig[*account]{Accounts: &table{}, Hasher: h}); err != nil {
			t.Errorf("%+v: got %v, want no error", h, err)
		}
	}
	check := func(context.Context, string, string) (login, error) { return login{}, nil }
	for _, cfg := range []strategy.ThrottleConfig{
		{}, {AccountAttempts: 100}, {Window: 30 * 24 * time.Hour}, {Delay: time.Second}, {MaxDelay: 24 * time.Hour}, {TrustedProxies: []netip.Prefix{netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("127.0.0.1/32")}},
	} {
		if _, err := strategy.NewThrottle[login](cfg, strategy.NewLocal(check)); err != nil {
			t.Errorf("%+v: got %v, want no error", cfg, err)
		}
	}
	refuse := strategy.Func("f", func(http.ResponseWriter, *http.Request) (login, error) { return login{}, strategy.ErrUnauthenticated })
	if _, err := strategy.NewThrottle(strategy.ThrottleConfig{Counter: &strategy.MemoryCounter{Max: 1}}, refuse); err != nil {
		t.Errorf("a counter of one: got %v, want no error", err)
	}
}
