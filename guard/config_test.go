package guard_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

func TestNewNamesEveryMistakeAtOnce(t *testing.T) {
	w := newWorld(t)
	var none *fake
	_, err := guard.New(guard.Config{
		Sessions:       w.sessions,
		SessionKey:     "cookie",
		LoginURL:       "//evil.example/login",
		StepUpURL:      "javascript:alert(1)",
		TrustedOrigins: []string{"shop.example", "https://shop.example/path", "https://*.example"},
	}, nil, strategy.Strategy[*User](none), &fake{name: ""}, &fake{name: "session"}, &fake{name: "anonymous"}, &fake{name: "local"}, &fake{name: "local"})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		`Config.SessionKey "cookie"`, `Config.LoginURL "//evil.example/login"`, `Config.StepUpURL "javascript:alert(1)"`,
		`invalid origin "shop.example"`, `invalid origin "https://shop.example/path"`, `invalid origin "https://*.example"`,
		"the serializer is nil", "strategy 1 is nil", "strategy 2 (*guard_test.fake) has no name",
		`reserved name "session"`, `reserved name "anonymous"`, `two strategies are called "local"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to contain %q", err, want)
		}
	}
	if got, want := strings.Count(err.Error(), "\n")+1, 12; got != want {
		t.Errorf("got %d mistakes, want %d: %v", got, want, err)
	}
}

func TestSessionKeys(t *testing.T) {
	for key, ok := range map[string]bool{
		"": true, "passport": true, "admin-2_x": true, "A": true,
		"a:b": false, "_go": false, "__proto__": false, "2a": false, "café": false, "a b": false, "{a}": false,
		"id": false, "save": false, "constructor": false, "cookie": false, "flash": false, "messages": false, "returnTo": false,
	} {
		if _, err := guard.New[*User](guard.Config{SessionKey: key}, nil); (err == nil) != ok {
			t.Errorf("SessionKey %q: got %v, want accepted %v", key, err, ok)
		}
	}
}

func TestNewAcceptsWhatWorks(t *testing.T) {
	w := newWorld(t)
	users := w.table.stamped()
	for _, row := range []struct {
		name  string
		cfg   guard.Config
		users serializer.Serializer[*User]
	}{
		{"the zero Config is a stateless guard", guard.Config{}, nil},
		{"a stateless guard may have a serializer", guard.Config{}, users},
		{"sessions and a serializer", guard.Config{Sessions: w.sessions}, users},
		{"a log-in page of this site", guard.Config{LoginURL: "/login?from=app#form"}, nil},
		{"a log-in page elsewhere", guard.Config{LoginURL: "https://id.example/login"}, nil},
		{"a trusted site with a port", guard.Config{TrustedOrigins: []string{"https://shop.example:8443"}}, nil},
	} {
		if _, err := guard.New[*User](row.cfg, row.users); err != nil {
			t.Errorf("%s: got %v, want no error", row.name, err)
		}
	}
}

// panicText returns the value with which f panics, as text.
func panicText(f func()) (text string) {
	defer func() { text, _ = recover().(string) }()
	f()
	return ""
}

func TestMistakesInTheRouteTablePanicWhileRoutesAreBuilt(t *testing.T) {
	w := newWorld(t)
	stateless, err := guard.New[*User](guard.Config{}, nil, &fake{name: "token"})
	if err != nil {
		t.Fatal(err)
	}
	empty, err := guard.New[*User](guard.Config{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := guard.New(guard.Config{Sessions: w.sessions, SessionKey: "bare"}, w.table.stamped())
	if err != nil {
		t.Fatal(err)
	}
	h := w.hello()
	allow := func(*http.Request, *User) error { return nil }
	for _, row := range []struct {
		name  string
		build func()
		want  string
	}{
		{"an unknown strategy", func() { w.Authenticate("lokal") }, `unknown strategy "lokal": this guard knows local, totp, token, session, anonymous`},
		{"an unknown strategy among options", func() { w.AuthenticateWith(guard.Options{Strategies: []string{"x"}}) }, `AuthenticateWith: unknown strategy "x"`},
		{"no strategies at all", func() { empty.Authenticate() }, "the guard has no strategies"},
		{"a nil handler behind Authenticate", func() { w.Authenticate("local")(nil) }, "Authenticate: the next handler is nil"},
		{"a nil function behind RequireAuth", func() { w.RequireAuth(http.HandlerFunc(nil)) }, "RequireAuth: the next handler is nil"},
		{"a nil handler behind LogIn", func() { w.LogIn(nil) }, "LogIn: the next handler is nil"},
		{"a nil handler behind LogInWith", func() { w.LogInWith(guard.LogInOptions{})(nil) }, "pass one, or set SuccessRedirect"},
		{"a nil handler behind LogOut", func() { w.LogOut(nil) }, "LogOut: the next handler is nil"},
		{"a nil handler behind Restore", func() { w.Restore(nil) }, "Restore: the next handler is nil"},
		{"a nil check", func() { w.Require(nil) }, "the check is nil"},
		{"a nil check of users", func() { w.RequireIf(nil) }, "the function is nil"},
		{"a success redirect to another scheme", func() { w.LogInWith(guard.LogInOptions{SuccessRedirect: "//x"})(h) }, `SuccessRedirect "//x"`},
		{"a failure redirect that is no URL", func() { w.AuthenticateWith(guard.Options{FailureRedirect: "login"}) }, `FailureRedirect "login"`},
		{"two answers to a failure", func() {
			w.AuthenticateWith(guard.Options{FailureRedirect: "/", FailureHandler: func(http.ResponseWriter, *http.Request, error) error { return nil }})
		}, "set one of them"},
		{"freshness without an age", func() { w.RequireFresh(0) }, "maxAge is 0s"},
		{"a factor without a name", func() { w.RequireFactor("", 0) }, "name a factor"},
		{"a factor that no strategy proves", func() { w.RequireFactor("topt", 0) }, `no strategy of this guard proves the factor "topt", and nobody could pass: they prove local, totp, token`},
		{"a factor on a guard without strategies", func() { bare.RequireFactor("totp", 0) }, "nobody could pass: it has no strategies. "},
		{"a remembered browser that is not", func() { w.RequireFactor("remember", 0) }, `proves the factor "remember"`},
		{"to remember a browser without RememberMe", func() {
			w.LogInWith(guard.LogInOptions{RememberMe: func(*http.Request) bool { return true }})(h)
		}, "LogInOptions.RememberMe remembers nobody without Config.RememberMe"},
		{"a log-in of a strategy that is said to be anew", func() { w.LogInWith(guard.LogInOptions{Reauthenticated: true})(h) }, "LogInWith: Reauthenticated is for LogInContext"},
		{"a factor of a negative age", func() { w.RequireFactor("totp", -time.Second) }, "not negative"},
		{"LogIn on a stateless guard", func() { stateless.LogIn(h) }, "LogIn needs sessions, and this guard is stateless: set Config.Sessions"},
		{"LogInWith on a stateless guard", func() { stateless.LogInWith(guard.LogInOptions{}) }, "LogInWith needs sessions"},
		{"LogOut on a stateless guard", func() { stateless.LogOut(h) }, "LogOut needs sessions"},
		{"Restore on a stateless guard", func() { stateless.Restore(h) }, "Restore needs sessions"},
		{"RequireFresh on a stateless guard", func() { stateless.RequireFresh(time.Hour) }, "RequireFresh needs sessions"},
		{"RequireUncached on a stateless guard", func() { stateless.RequireUncached(h) }, "RequireUncached needs sessions"},
		{"RequireFactor on a stateless guard", func() { stateless.RequireFactor("totp", 0) }, "RequireFactor needs sessions"},
		{"StepUp on a stateless guard", func() { stateless.StepUp(h) }, "StepUp needs sessions"},
		{"session on a stateless guard", func() { stateless.Authenticate("token", "session") }, `Authenticate("session") needs sessions`},
		{"a flash on a stateless guard", func() { stateless.AuthenticateWith(guard.Options{FailureFlash: "no"}) }, "FailureFlash and FailureMessage need sessions"},
	} {
		if got := panicText(row.build); !strings.Contains(got, row.want) {
			t.Errorf("%s: got panic %q, want one that contains %q", row.name, got, row.want)
		}
	}
	if got := panicText(func() { w.Require(allow)(h); w.Authenticate()(h); stateless.RequireAuth(h) }); got != "" {
		t.Errorf("routes without a mistake: got panic %q", got)
	}
}

// TestACookieThatRemembersFitsTheSessions: New refuses a cookie that browsers would not send where they
// send the session's, or that others can set or delete (G17).
func TestACookieThatRemembersFitsTheSessions(t *testing.T) {
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	me := func(c remember.Config) *remember.Service {
		c.Cells, c.Secrets = memory.Cells, rememberSecrets
		m, err := remember.New(c)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	shared := me(remember.Config{})
	for _, row := range []struct {
		name     string
		insecure bool // the sessions' InsecureHTTP
		guards   []guard.Config
		want     string // the error of the last guard; empty for none
	}{
		{"two guards with one", false, []guard.Config{{RememberMe: shared}, {SessionKey: "admin", RememberMe: shared}}, "make one for each guard, and give remember.Config another CookieName"},
		{"two with one name", false, []guard.Config{{RememberMe: me(remember.Config{})}, {SessionKey: "admin", RememberMe: me(remember.Config{})}}, "make one for each guard"},
		{"two with two names", false, []guard.Config{{RememberMe: me(remember.Config{})}, {SessionKey: "admin", RememberMe: me(remember.Config{CookieName: "__Host-admin"})}}, ""},
		{"the same guard twice", false, []guard.Config{{RememberMe: shared}, {RememberMe: shared}}, ""},
		{"without Secure, over https", false, []guard.Config{{RememberMe: me(remember.Config{InsecureHTTP: true})}}, "set it in both remember.Config and session.Config, or in neither"},
		{"Secure, over http", true, []guard.Config{{RememberMe: me(remember.Config{})}}, "set it in both"},
		{"a name that a sub-domain can set", false, []guard.Config{{RememberMe: me(remember.Config{CookieName: "stay"})}}, `"stay", under which any other sub-domain can set one: leave out remember.Config.CookieName, or begin it with __Host-`},
		{"any name over http", true, []guard.Config{{RememberMe: me(remember.Config{CookieName: "stay", InsecureHTTP: true})}}, ""},
		{"the session's name", false, []guard.Config{{RememberMe: me(remember.Config{CookieName: sid})}}, "which is the session's"},
	} {
		w := newWorld(t)
		w.sessions, err = session.New(session.Config{Store: w.store, Codec: session.SecureCookie(secret), InsecureHTTP: row.insecure, Logger: w.logger()})
		for _, cfg := range row.guards {
			if err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			cfg.Sessions = w.sessions
			_, err = guard.New(cfg, w.table.stamped(), w.token)
		}
		if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: got %v, want %q", row.name, err, row.want)
		}
	}
}
