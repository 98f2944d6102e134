package session_test

import (
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// cure matches the part of a mistake that says what to do.
var cure = regexp.MustCompile(`: (use|want|give|drop|add|name|write|leave|put)\b|, or use InsecureExpress`)

// TestWhatIsUnsafeDoesNotBuild: each row is one mistake, and the error of New names the field and what
// would be safe.
func TestWhatIsUnsafeDoesNotBuild(t *testing.T) {
	sign := session.SecureCookie(secret)
	also := func(list ...session.Accept) func(*session.Config) {
		return func(c *session.Config) { c.AlsoAccept = list }
	}
	const day = 24 * time.Hour
	var noStore *store.MemoryStore
	for _, row := range []struct {
		name string
		edit func(*session.Config)
		want string
	}{
		{"no store", func(c *session.Config) { c.Store = nil }, "Store is nil"},
		{"a store that is a nil pointer", func(c *session.Config) { c.Store = noStore }, "Store is nil"},
		{"no codec", func(c *session.Config) { c.Codec = nil }, "Codec is nil"},
		{"no secret", func(c *session.Config) { c.Codec = session.SecureCookie() }, "SecureCookie: no secret"},
		{"an empty secret", func(c *session.Config) { c.Codec = session.SecureCookie("") }, "secret 1 of 1 is empty"},
		{"an empty secret behind a good one", func(c *session.Config) { c.Codec = session.SecureCookie(secret, "") }, "secret 2 of 2 is empty"},
		{"a secret of 31 bytes", func(c *session.Config) { c.Codec = session.SecureCookie(strings.Repeat("k", 31)) }, "has 31 bytes"},
		{"a short secret of Node's", func(c *session.Config) { c.Codec = session.Express("keyboard cat") }, "has 12 bytes"},
		{"an empty secret that is named insecure", func(c *session.Config) { c.Codec = session.InsecureExpress("") }, "is empty"},
		{"a name with a space", func(c *session.Config) { c.Name = "a b" }, `Config.Name "a b"`},
		{"a name with a line break", func(c *session.Config) { c.Name = "a\r\nb" }, `Config.Name "a\r\nb"`},
		{"a name with a semicolon", func(c *session.Config) { c.Name = "a;b" }, `Config.Name "a;b"`},
		{"a name with an equals sign", func(c *session.Config) { c.Name = "a=b" }, `Config.Name "a=b"`},
		{"a name with a letter beyond ASCII", func(c *session.Config) { c.Name = "é" }, `Config.Name "é"`},
		{"a name that leaves no room for the value", func(c *session.Config) { c.Name = strings.Repeat("n", 257) }, "Config.Name has 257 bytes"},
		{"__Host- over plain http", func(c *session.Config) { c.Name, c.InsecureHTTP = "__Host-x", true }, `Config.Name "__Host-x" needs the Secure`},
		{"__Host- in capitals over plain http", func(c *session.Config) { c.Name, c.InsecureHTTP = "__HOST-x", true }, `Config.Name "__HOST-x" needs the Secure`},
		{"__Host- with a domain", func(c *session.Config) { c.Name, c.Domain = "__Host-x", "example.com" }, `Config.Name "__Host-x" does not go with Domain`},
		{"__Host- with a path", func(c *session.Config) { c.Name, c.Path = "__Host-x", "/app" }, `Config.Name "__Host-x" needs Path`},
		{"__Secure- over plain http", func(c *session.Config) { c.Name, c.InsecureHTTP = "__Secure-x", true }, `Config.Name "__Secure-x" needs the Secure`},
		{"__Http- over plain http", func(c *session.Config) { c.Name, c.InsecureHTTP = "__Http-x", true }, `Config.Name "__Http-x" needs the Secure`},
		{"__Http- that scripts can read", func(c *session.Config) { c.Name, c.ScriptReadable = "__Http-x", true }, `Config.Name "__Http-x" needs the HttpOnly`},
		{"__Host-Http- that scripts can read", func(c *session.Config) { c.Name, c.ScriptReadable = "__Host-Http-x", true }, `Config.Name "__Host-Http-x" needs the HttpOnly`},
		{"__Host-Http- with a path", func(c *session.Config) { c.Name, c.Path = "__Host-Http-x", "/app" }, `Config.Name "__Host-Http-x" needs Path`},
		{"SameSite None over plain http", func(c *session.Config) { c.SameSite, c.InsecureHTTP = http.SameSiteNoneMode, true }, "Config.SameSite None"},
		{"an unknown SameSite", func(c *session.Config) { c.SameSite = 9 }, "Config.SameSite 9"},
		{"Partitioned over plain http", func(c *session.Config) { c.Partitioned, c.InsecureHTTP = true, true }, "Config.Partitioned"},
		{"an unknown priority", func(c *session.Config) { c.Priority = "highest" }, `Config.Priority "highest"`},
		{"a priority in small letters", func(c *session.Config) { c.Priority = "high" }, `Config.Priority "high"`},
		{"a domain with a space", func(c *session.Config) { c.Domain = "a b.example" }, `Config.Domain "a b.example"`},
		{"a domain with an attribute behind it", func(c *session.Config) { c.Domain = "a.example; HttpOnly" }, `Config.Domain "a.example; HttpOnly"`},
		{"a domain with a scheme", func(c *session.Config) { c.Domain = "https://a.example" }, `Config.Domain "https://a.example"`},
		{"a domain with a port", func(c *session.Config) { c.Domain = "a.example:443" }, `Config.Domain "a.example:443"`},
		{"a domain with a dot at the end", func(c *session.Config) { c.Domain = "a.example." }, `Config.Domain "a.example."`},
		{"a domain with two dots in front", func(c *session.Config) { c.Domain = "..example" }, `Config.Domain "..example"`},
		{"a whole top-level domain", func(c *session.Config) { c.Domain = ".com" }, `Config.Domain ".com"`},
		{"an address for a domain", func(c *session.Config) { c.Domain = "192.0.2.1" }, `Config.Domain "192.0.2.1"`},
		{"a path without a slash", func(c *session.Config) { c.Path = "app" }, `Config.Path "app"`},
		{"a path with an attribute behind it", func(c *session.Config) { c.Path = "/; Domain=evil.example" }, `Config.Path "/; Domain=evil.example"`},
		{"a path with a line break", func(c *session.Config) { c.Path = "/\n" }, `Config.Path "/\n"`},
		{"a path that is too long", func(c *session.Config) { c.Path = "/" + strings.Repeat("a", 1024) }, "Config.Path"},
		{"a negative idle timeout", func(c *session.Config) { c.IdleTimeout = -time.Hour }, "Config.IdleTimeout is -1h"},
		{"a negative absolute timeout", func(c *session.Config) { c.AbsoluteTimeout = -time.Hour }, "Config.AbsoluteTimeout is -1h"},
		{"a negative refresh", func(c *session.Config) { c.RefreshAfter = -time.Hour }, "Config.RefreshAfter is -1h"},
		{"a negative store timeout", func(c *session.Config) { c.StoreTimeout = -time.Second }, "Config.StoreTimeout is -1s"},
		{"an idle timeout in the wrong unit", func(c *session.Config) { c.IdleTimeout = 3600 }, "Config.IdleTimeout is 3.6µs"},
		{"an absolute timeout in the wrong unit", func(c *session.Config) { c.AbsoluteTimeout = 86400 }, "Config.AbsoluteTimeout is 86.4µs"},
		{"a store timeout in the wrong unit", func(c *session.Config) { c.StoreTimeout = 2 }, "Config.StoreTimeout is 2ns"},
		{"an idle timeout beyond the absolute one", func(c *session.Config) { c.IdleTimeout, c.AbsoluteTimeout = 2*day, day }, "Config.IdleTimeout 48h0m0s is longer than AbsoluteTimeout"},
		{"an idle timeout beyond the default of the absolute one", func(c *session.Config) { c.IdleTimeout = 31 * day }, "Config.IdleTimeout 744h0m0s is longer than AbsoluteTimeout"},
		{"an absolute timeout of more than 400 days", func(c *session.Config) { c.AbsoluteTimeout = 400*day + time.Second }, "Config.AbsoluteTimeout 9600h0m1s"},
		{"a refresh as long as the idle timeout", func(c *session.Config) { c.IdleTimeout, c.RefreshAfter = time.Hour, time.Hour }, "Config.RefreshAfter 1h0m0s"},
		{"streams that are never looked at", func(c *session.Config) { c.WatchInterval = math.MaxInt64 }, "Config.WatchInterval is 2562047h47m16.854775807s"},
		{"streams that are looked at when their renewal is forgotten", func(c *session.Config) { c.WatchInterval = 10 * time.Minute }, "Config.WatchInterval is 10m0s"},
		{"an outage that hangs for an hour", func(c *session.Config) { c.StoreTimeout = time.Hour }, "Config.StoreTimeout is 1h0m0s"},
		{"another cookie without a codec", also(session.Accept{Name: "old"}), "Config.AlsoAccept[0].Codec is nil"},
		{"another cookie with a short secret", also(session.Accept{Name: "old", Codec: session.Express("short")}), "has 5 bytes"},
		{"another cookie that is the primary", also(session.Accept{Codec: session.SecureCookie(secret)}), "AlsoAccept[0] is the primary cookie"},
		{"another cookie in a partition over plain http", func(c *session.Config) {
			c.InsecureHTTP, c.AlsoAccept = true, []session.Accept{{Name: "old", Partitioned: true, Codec: sign}}
		}, "Config.AlsoAccept[0].Partitioned"},
		{"another cookie twice", also(session.Accept{Name: "old", Codec: sign}, session.Accept{Name: "old", Path: "/", Codec: sign}), "AlsoAccept[0] and [1] are the same cookie"},
		{"another cookie of the primary's name that is sent back", also(session.Accept{Name: cookieName, Codec: session.Express(secret), Reissue: true}), "Config.AlsoAccept[0].Reissue"},
		{"another cookie whose name is no token", also(session.Accept{Name: "a b", Codec: sign}), `Config.AlsoAccept[0].Name "a b"`},
		{"a domain that is a public suffix", func(c *session.Config) { c.Domain = ".Co.UK" }, `Config.Domain ".Co.UK" is a public suffix`},
		{"a domain that a hosting service shares", func(c *session.Config) { c.Domain = "github.io" }, `Config.Domain "github.io" is a public suffix`},
		{"a domain beyond ASCII", func(c *session.Config) { c.Domain = "bücher.example" }, `Config.Domain "bücher.example" is not in punycode`},
		{"another cookie for a public suffix", also(session.Accept{Name: "old", Domain: "com.au", Codec: sign}), `Config.AlsoAccept[0].Domain "com.au"`},
		{"another cookie for a top-level domain", also(session.Accept{Name: "old", Domain: "com", Codec: sign}), `Config.AlsoAccept[0].Domain "com"`},
		{"another cookie without a proper path", also(session.Accept{Name: "old", Path: "old", Codec: sign}), `Config.AlsoAccept[0].Path "old"`},
		{"another cookie with __Host- and a domain", also(session.Accept{Name: "__Host-old", Domain: "a.example", Codec: sign}), `Config.AlsoAccept[0].Name "__Host-old" does not go with Domain`},
		{"another cookie with __Host- and a path", also(session.Accept{Name: "__Host-old", Path: "/a", Codec: sign}), `Config.AlsoAccept[0].Name "__Host-old" needs Path`},
	} {
		cfg := session.Config{Store: newScripted(), Codec: sign}
		row.edit(&cfg)
		m, err := session.New(cfg)
		switch {
		case err == nil || m != nil:
			t.Errorf("%s: New accepts it", row.name)
		case strings.Contains(err.Error(), "\n"):
			t.Errorf("%s: got %q, want one mistake", row.name, err)
		case !strings.Contains(err.Error(), row.want) || !cure.MatchString(err.Error()):
			t.Errorf("%s: got %q, want it to say %q and what would be safe", row.name, err, row.want)
		}
	}
}

func TestWhatIsSafeBuilds(t *testing.T) {
	for _, row := range []struct {
		name string
		edit func(*session.Config)
	}{
		{"__Host- as it should be", func(c *session.Config) { c.Name = "__Host-x" }},
		{"__Secure- with a domain and a path", func(c *session.Config) { c.Name, c.Domain, c.Path = "__Secure-x", "app.example", "/app" }},
		{"__Host-Http- as it should be", func(c *session.Config) { c.Name = "__Host-Http-x" }},
		{"SameSite None and Partitioned, over https", func(c *session.Config) { c.SameSite, c.Partitioned = http.SameSiteNoneMode, true }},
		{"a domain in punycode", func(c *session.Config) { c.Domain = "xn--bcher-kva.example" }},
		{"a domain below a public suffix", func(c *session.Config) { c.Domain = "shop.co.uk" }},
		{"400 days", func(c *session.Config) { c.AbsoluteTimeout = 400 * 24 * time.Hour }},
		{"a minute for the store", func(c *session.Config) { c.StoreTimeout = time.Minute }},
		{"a name of 256 bytes", func(c *session.Config) { c.Name = strings.Repeat("n", 256) }},
		{"the primary's name with another domain and without a partition", func(c *session.Config) {
			c.Name, c.Partitioned = "sid", true
			c.AlsoAccept = []session.Accept{{Name: "sid", Domain: "app.example", Codec: c.Codec}, {Name: "sid", Codec: c.Codec}}
		}},
		{"one old name at two paths", func(c *session.Config) {
			c.AlsoAccept = []session.Accept{{Name: "old", Path: "/a", Codec: c.Codec}, {Name: "old", Path: "/b", Codec: c.Codec}}
		}},
	} {
		cfg := session.Config{Store: newScripted(), Codec: session.SecureCookie(secret)}
		row.edit(&cfg)
		if _, err := session.New(cfg); err != nil {
			t.Errorf("%s: got %v, want no error", row.name, err)
		}
	}
}
