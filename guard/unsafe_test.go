package guard_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

// cure matches the part of a mistake that says what to do.
var cure = regexp.MustCompile(`: (use|want|give|choose|write|set|pass|check|its Name method must)\b`)

// TestWhatIsUnsafeDoesNotBuild: each row is one mistake, and the error of New names the field and what
// would be safe.
func TestWhatIsUnsafeDoesNotBuild(t *testing.T) {
	w := newWorld(t)
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	remembering := func(cookie string) *remember.Service {
		m, err := remember.New(remember.Config{Cells: memory.Cells, Secrets: rememberSecrets, CookieName: cookie})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	type config struct {
		guard.Config
		users      serializer.Serializer[*User]
		strategies []strategy.Strategy[*User]
	}
	named := func(names ...string) func(*config) {
		return func(c *config) {
			c.strategies = nil
			for _, n := range names {
				c.strategies = append(c.strategies, &fake{name: n})
			}
		}
	}
	var noStrategy *fake
	var noUsers *serializer.IDSerializer[*User, int]
	for _, row := range []struct {
		name string
		edit func(*config)
		want string
	}{
		{"a session without a serializer", func(c *config) { c.users = nil }, "the serializer is nil"},
		{"a serializer that is a nil pointer", func(c *config) { c.users = noUsers }, "the serializer is nil"},
		{"a nil strategy", func(c *config) { c.strategies = []strategy.Strategy[*User]{nil} }, "strategy 1 is nil"},
		{"a strategy that is a nil pointer", func(c *config) { c.strategies = []strategy.Strategy[*User]{noStrategy} }, "strategy 1 is nil"},
		{"a strategy without a name", named(""), "strategy 1 (*guard_test.fake) has no name"},
		{"a strategy with the session's name", named("session"), `reserved name "session"`},
		{"a strategy with the name of nobody", named("anonymous"), `reserved name "anonymous"`},
		{"a strategy with the name of remembered log-ins", named("remember"), `reserved name "remember"`},
		{"two strategies of one name", named("a", "b", "a"), `two strategies are called "a"`},
		{"a session key that Express uses", func(c *config) { c.SessionKey = "cookie" }, `Config.SessionKey "cookie"`},
		{"a session key that flash messages use", func(c *config) { c.SessionKey = "flash" }, `Config.SessionKey "flash"`},
		{"a session key that Node drops", func(c *config) { c.SessionKey = "constructor" }, `Config.SessionKey "constructor"`},
		{"a session key with a colon, as labels have it", func(c *config) { c.SessionKey = "a:b" }, `Config.SessionKey "a:b"`},
		{"a session key that is too long", func(c *config) { c.SessionKey = strings.Repeat("k", 65) }, "Config.SessionKey"},
		{"a log-in page on another host, without a scheme", func(c *config) { c.LoginURL = "//evil.example/login" }, `Config.LoginURL "//evil.example/login"`},
		{"a log-in page behind a backslash", func(c *config) { c.LoginURL = `/\evil.example` }, "Config.LoginURL"},
		{"a log-in page that is a script", func(c *config) { c.LoginURL = "javascript:alert(1)" }, `Config.LoginURL "javascript:alert(1)"`},
		{"a log-in page that is data", func(c *config) { c.LoginURL = "data:text/html,x" }, "Config.LoginURL"},
		{"a log-in page of another scheme", func(c *config) { c.LoginURL = "ftp://app.example/login" }, "Config.LoginURL"},
		{"a log-in page below the page itself", func(c *config) { c.LoginURL = "login" }, `Config.LoginURL "login"`},
		{"a log-in page with a line break", func(c *config) { c.LoginURL = "/login\r\nSet-Cookie: a=b" }, "Config.LoginURL"},
		{"a log-in page on a host without a name", func(c *config) { c.LoginURL = "https://:443/login" }, `Config.LoginURL "https://:443/login"`},
		{"a log-in page with a password in it", func(c *config) { c.LoginURL = "https://joe:x@app.example/login" }, "Config.LoginURL"},
		{"a log-in page with a space", func(c *config) { c.LoginURL = "https://app.example/log in" }, "Config.LoginURL"},
		{"a log-in page beyond ASCII", func(c *config) { c.LoginURL = "https://äpp.example/login" }, "Config.LoginURL"},
		{"a step-up page on another host", func(c *config) { c.StepUpURL = "///evil.example" }, `Config.StepUpURL "///evil.example"`},
		{"a trusted site without a scheme", func(c *config) { c.TrustedOrigins = []string{"shop.example"} }, `invalid origin "shop.example"`},
		{"a trusted site with a path", func(c *config) { c.TrustedOrigins = []string{"https://shop.example/"} }, `invalid origin "https://shop.example/"`},
		{"a trusted site with a query", func(c *config) { c.TrustedOrigins = []string{"https://shop.example?a"} }, `invalid origin "https://shop.example?a"`},
		{"every site", func(c *config) { c.TrustedOrigins = []string{"*"} }, `invalid origin "*"`},
		{"every sandboxed page", func(c *config) { c.TrustedOrigins = []string{"null"} }, `invalid origin "null"`},
		{"an empty trusted site", func(c *config) { c.TrustedOrigins = []string{""} }, `invalid origin ""`},
		{"all sub-domains of a trusted site", func(c *config) { c.TrustedOrigins = []string{"https://*.shop.example"} }, "Config.TrustedOrigins"},
		{"a negative maximum of sessions", func(c *config) { c.MaxSessions = -1 }, "Config.MaxSessions is -1"},
		{"a refusal without a maximum", func(c *config) { c.RefuseMore = true }, "Config.RefuseMore"},
		{"remembered browsers without sessions", func(c *config) { c.Sessions, c.RememberMe = nil, remembering("") }, "RememberMe need sessions"},
		{"a maximum without sessions", func(c *config) { c.Sessions, c.MaxSessions = nil, 1 }, "Config.MaxSessions"},
		{"devices without sessions", func(c *config) { c.Sessions, c.Device = nil, guard.ClientDevice() }, "Device"},
		{"two cookies of one name", func(c *config) { c.RememberMe = remembering(sid) }, `Config.RememberMe has the cookie name "__Host-sid"`},
	} {
		c := config{guard.Config{Sessions: w.sessions}, w.table.stamped(), []strategy.Strategy[*User]{&fake{name: "a"}}}
		row.edit(&c)
		g, err := guard.New(c.Config, c.users, c.strategies...)
		switch {
		case err == nil || g != nil:
			t.Errorf("%s: New builds it", row.name)
		case strings.Contains(err.Error(), "\n"):
			t.Errorf("%s: got %q, want one mistake", row.name, err)
		case !strings.Contains(err.Error(), row.want) || !cure.MatchString(err.Error()):
			t.Errorf("%s: got %q, want it to say %q and what would be safe", row.name, err, row.want)
		}
	}
}
