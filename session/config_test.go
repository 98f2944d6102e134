package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

func TestNewNamesEveryMistake(t *testing.T) {
	ok := func() session.Config {
		return session.Config{Store: newScripted(), Codec: session.SecureCookie(secret)}
	}
	for _, row := range []struct {
		name string
		edit func(*session.Config)
		want []string
	}{
		{"nothing given", func(c *session.Config) { *c = session.Config{} }, []string{"Config.Store is nil", "Config.Codec is nil"}},
		{"a short secret", func(c *session.Config) { c.Codec = session.SecureCookie("short") }, []string{"32"}},
		{"an empty secret", func(c *session.Config) { c.Codec = session.InsecureExpress("") }, []string{"empty"}},
		{"no secret", func(c *session.Config) { c.Codec = session.Express() }, []string{"no secret"}},
		{"a name that is no token", func(c *session.Config) { c.Name = "a b" }, []string{`Config.Name "a b"`}},
		{"__Host- over plain http", func(c *session.Config) { c.Name, c.InsecureHTTP = "__Host-x", true }, []string{"drop InsecureHTTP or the __Host- prefix"}},
		{"__Host- with a domain", func(c *session.Config) { c.Name, c.Domain = "__Host-x", "example.com" }, []string{"drop Domain or"}},
		{"__Host- with a path", func(c *session.Config) { c.Name, c.Path = "__host-x", "/app" }, []string{"drop Path or"}},
		{"__Secure- over plain http", func(c *session.Config) { c.Name, c.InsecureHTTP = "__Secure-x", true }, []string{"drop InsecureHTTP or the __Secure- prefix"}},
		{"SameSite None over plain http", func(c *session.Config) { c.SameSite, c.InsecureHTTP = http.SameSiteNoneMode, true }, []string{"SameSite None"}},
		{"an unknown SameSite", func(c *session.Config) { c.SameSite = 99 }, []string{"SameSite 99"}},
		{"Partitioned over plain http", func(c *session.Config) { c.Partitioned, c.InsecureHTTP = true, true }, []string{"Partitioned needs"}},
		{"an unknown priority", func(c *session.Config) { c.Priority = "urgent" }, []string{`Priority "urgent"`}},
		{"a bad domain", func(c *session.Config) { c.Domain = "a b" }, []string{`Domain "a b"`}},
		{"a bad path", func(c *session.Config) { c.Path = "app" }, []string{`Path "app"`}},
		{"negative times", func(c *session.Config) { c.IdleTimeout, c.StoreTimeout = -1, -1 }, []string{"IdleTimeout is -1ns", "StoreTimeout is -1ns"}},
		{"idle longer than absolute", func(c *session.Config) { c.IdleTimeout, c.AbsoluteTimeout = 2*time.Hour, time.Hour }, []string{"is longer than AbsoluteTimeout"}},
		{"refresh longer than idle", func(c *session.Config) { c.RefreshAfter = 48 * time.Hour }, []string{"must be shorter than IdleTimeout"}},
		{"over 400 days", func(c *session.Config) { c.AbsoluteTimeout = 401 * 24 * time.Hour }, []string{"over 400 days"}},
		{"another cookie without a codec", func(c *session.Config) { c.AlsoAccept = []session.Accept{{}} }, []string{"AlsoAccept[0].Codec is nil"}},
		{"another cookie with mistakes", func(c *session.Config) {
			c.AlsoAccept = []session.Accept{{Name: "a b", Domain: "a b", Path: "x", Codec: session.Express("short")}}
		}, []string{`AlsoAccept[0].Name "a b"`, `AlsoAccept[0].Domain "a b"`, `AlsoAccept[0].Path "x"`, "32"}},
		{"another cookie that is the primary", func(c *session.Config) {
			c.AlsoAccept = []session.Accept{{Codec: session.SecureCookie(secret), Reissue: true}}
		}, []string{"add its secrets behind the first", "Reissue needs another name"}},
	} {
		cfg := ok()
		row.edit(&cfg)
		_, err := session.New(cfg)
		if err == nil {
			t.Errorf("%s: New accepts it", row.name)
			continue
		}
		for _, want := range row.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %q, want it to say %q", row.name, err, want)
			}
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error shows a secret", row.name)
		}
	}
}

func TestCookieFollowsTheConfig(t *testing.T) {
	for _, row := range []struct {
		name string
		edit func(*session.Config)
		want string // the cookie after the value
	}{
		{"the default", func(*session.Config) {}, "__Host-sid|; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"plain http", func(c *session.Config) { c.InsecureHTTP = true }, "sid|; Path=/; HttpOnly; SameSite=Lax"},
		{"Express", func(c *session.Config) { c.Codec = session.Express(secret) }, "connect.sid|; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"a domain", func(c *session.Config) { c.Domain = "app.example" }, "sid|; Domain=app.example; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"everything", func(c *session.Config) {
			c.Name, c.SameSite, c.Partitioned, c.Priority, c.ScriptReadable = "x", http.SameSiteNoneMode, true, "High", true
		}, "x|; Path=/; Secure; Partitioned; Priority=High; SameSite=None"},
		{"strict", func(c *session.Config) { c.SameSite = http.SameSiteStrictMode }, "__Host-sid|; Path=/; HttpOnly; Secure; SameSite=Strict"},
	} {
		st := newScripted()
		m := newManager(t, st, row.edit)
		b := open(t, m)
		got := b.Get(path("set a 1")).Header.Get("Set-Cookie")
		name, attrs, _ := strings.Cut(row.want, "|")
		if !strings.HasPrefix(got, name+"=") || !strings.HasSuffix(got, attrs) || m.CookieName() != name {
			t.Errorf("%s: Set-Cookie %q, want %s=…%s", row.name, got, name, attrs)
		}
		out := b.Get(path("logout")).Header.Get("Set-Cookie")
		if want := name + "=" + strings.Replace(attrs, "Path=/", "Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 1); out != want {
			t.Errorf("%s: log-out sends %q, want %q", row.name, out, want)
		}
	}
}

func TestRecordFollowsTheConfig(t *testing.T) {
	st := newScripted()
	m := newManager(t, st, func(c *session.Config) {
		c.Domain, c.Path, c.SameSite, c.Partitioned, c.Priority = "app.example", "/a", http.SameSiteNoneMode, true, "Low"
	})
	b := open(t, m)
	b.Get("/a"+path("set a 1")).Want(t, 200, "")
	const want = `{"cookie":{"originalMaxAge":null,"partitioned":true,"priority":"low","expires":null,"secure":true,"httpOnly":true,"domain":"app.example","path":"/a","sameSite":"none"},"a":"1",`
	if got := st.record(st.ids()[0]); !strings.HasPrefix(got, want) {
		t.Errorf("record %s, want %s…", got, want)
	}
}

func TestFromContextOutsideAHandlerNamesTheCure(t *testing.T) {
	_, err := session.FromContext(t.Context())
	if !errors.Is(err, session.ErrNoHandler) || !strings.Contains(err.Error(), "Manager.Handler") {
		t.Errorf("FromContext() = %v", err)
	}
	m, other := newManager(t, newScripted()), newManager(t, newScripted())
	if _, err := m.Session(t.Context()); !errors.Is(err, session.ErrNoHandler) {
		t.Errorf("Session() = %v", err)
	}
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := other.Session(r.Context()); !errors.Is(err, session.ErrNoHandler) {
			t.Errorf("another Manager's Session() = %v", err)
		}
	})).ServeHTTP(newRecorder(), httptest.NewRequest("GET", "/", nil))
	defer func() {
		if recover() == nil {
			t.Error("Handler(nil) does not panic")
		}
	}()
	m.Handler(nil)
}

func TestManagersNest(t *testing.T) {
	outerStore, innerStore := newScripted(), newScripted()
	outer := newManager(t, outerStore)
	inner := newManager(t, innerStore, func(c *session.Config) { c.Name = "inner" })
	h := outer.Handler(outer.Handler(inner.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err != nil {
			t.Error(err)
		}
		o, err := outer.Session(r.Context())
		if err != nil {
			t.Error(err)
		}
		if err := errors.Join(text.Set(s, "inner"), text.Set(o, "outer")); err != nil {
			t.Error(err)
		}
	}))))
	w := newRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if got := len(w.Result().Cookies()); got != 2 {
		t.Errorf("%d cookies, want one of each Manager: %q", got, w.Header()["Set-Cookie"])
	}
	if !strings.Contains(innerStore.record(innerStore.ids()[0]), `"inner"`) || !strings.Contains(outerStore.record(outerStore.ids()[0]), `"outer"`) {
		t.Error("a value went to the other Manager's session")
	}
}

func TestAnOutageIsNotALogOut(t *testing.T) {
	st := newScripted()
	b, _ := visitor(t, st, "login 1")
	gets := 0
	st.before = func(context.Context, call) sessiontest.Fate { gets++; return sessiontest.Fail }
	a := b.Get(path("slot", "slot"))
	a.Want(t, 503, "")
	if len(a.Header["Set-Cookie"]) != 0 || b.Cookie(cookieName) == "" {
		t.Error("the cookie was changed")
	}
	h := newManager(t, st)
	r := b.Request("GET", "/", "")
	h.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		gets = 0
		for range 3 {
			if _, err := session.FromContext(r.Context()); !errors.Is(err, errFault) {
				t.Errorf("FromContext() = %v, want the outage", err)
			}
		}
	})).ServeHTTP(newRecorder(), r)
	if gets != 1 {
		t.Errorf("the store was read %d times, want once per request", gets)
	}
	b.Get("/public").Want(t, 200, "public")
	st.before = nil
	b.Get(path("slot")).Want(t, 200, "")
}

func TestABadCookieNeverReachesTheStore(t *testing.T) {
	st := newScripted()
	b, _ := visitor(t, st, "login 1")
	good := b.Cookie(cookieName)
	for i := range len(good) {
		for _, c := range []byte{'A', 'B'} {
			if good[i] == c {
				continue
			}
			r := httptest.NewRequest("GET", "https://app.example"+path("slot"), nil)
			r.Header.Set("Cookie", cookieName+"="+good[:i]+string(c)+good[i+1:])
			st.ops()
			w := newRecorder()
			app(newManager(t, st)).ServeHTTP(w, r)
			if w.Code == 200 {
				t.Fatalf("byte %d changed to %c is accepted", i, c)
			}
			if got := st.ops(); len(got) != 0 {
				t.Fatalf("byte %d changed to %c: the store was asked %v", i, c, got)
			}
		}
	}
}

func TestNothingOfASessionPrintsItsSecrets(t *testing.T) {
	st := newScripted()
	var log bytes.Buffer
	m := newManager(t, st, func(c *session.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	b := open(t, m)
	b.Get(path("login 1", "set text hidden-value")).Want(t, 200, "")
	id := st.ids()[0]
	s, err := m.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if s.ID() != id || s.IsNew() {
		t.Errorf("ID() is not the id it was opened by, or IsNew() = %v", s.IsNew())
	}
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "session", s)
	shown := fmt.Sprintf("%v %+v %#v %s %d %q %x", s, s, s, s, s, s, s) + log.String() + s.String()
	if strings.Contains(shown, id) || strings.Contains(shown, "hidden-value") {
		t.Errorf("printed: %s", shown)
	}
	if !strings.Contains(shown, s.Ref()) || len(s.Ref()) != 16 {
		t.Errorf("the Ref %q is not what is printed", s.Ref())
	}
	for info, err := range m.Linked(t.Context(), "passport:1") {
		text, jerr := json.Marshal(info)
		if err != nil || jerr != nil || strings.Contains(string(text), id) || strings.Contains(string(text), "hidden-value") {
			t.Errorf("an Info shows %s, %v", text, err)
		}
	}
}

func TestOpen(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	id := st.ids()[0]
	for _, bad := range []string{"", "nobody", "with space", "{brace}", strings.Repeat("x", 600)} {
		if _, err := m.Open(t.Context(), bad); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Open(%.20q) = %v, want ErrNotFound", bad, err)
		}
	}
	s, err := m.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := text.Set(s, "from a job"); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Get(path()).Want(t, 200, "from a job")
	b.Get(path("set other 1")).Want(t, 200, "")
	if err := s.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.Keys(), " "); got != "text other" {
		t.Errorf("Keys() = %q", got)
	}
	if err := s.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Get(path("slot")).Want(t, 503, "nobody")
	if err := s.Reload(t.Context()); err != nil {
		t.Errorf("Reload() of a session that this program ended = %v", err)
	}
	st.before = func(context.Context, call) sessiontest.Fate { return sessiontest.Fail }
	if _, err := m.Open(t.Context(), id); !errors.Is(err, errFault) {
		t.Errorf("Open() in an outage = %v", err)
	}
}

func TestReloadOfAnEndedSession(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	s, err := m.Open(t.Context(), st.ids()[0])
	if err != nil {
		t.Fatal(err)
	}
	b.Get(path("logout")).Want(t, 200, "")
	if err := s.Reload(t.Context()); !errors.Is(err, session.ErrSessionEnded) {
		t.Errorf("Reload() = %v, want ErrSessionEnded", err)
	}
	if err := text.Set(s, "x"); !errors.Is(err, session.ErrSessionEnded) {
		t.Errorf("Set() = %v, want ErrSessionEnded", err)
	}
	if got := s.Ref(); got != "" {
		t.Errorf("Ref() = %q", got)
	}
}

func TestKeys(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("login 1", "login 9 admin", "set b 1", "set a 1")).Want(t, 200, "")
	s, err := m.Open(t.Context(), st.ids()[0])
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.Keys(), " "); got != "b a" {
		t.Errorf("Keys() = %q, want what the application set, in order", got)
	}
	for _, name := range []string{"cookie", "_go", "passport", "admin", "save", "toString", "__proto__"} {
		if err := session.Key[string](name).Set(s, "x"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Set(%q) = %v, want an error that names it", name, err)
		}
		if err := session.Key[string](name).Delete(s); err == nil {
			t.Errorf("Delete(%q) is accepted", name)
		}
		if err := session.Key[string](name).Update(s, func(string) (string, error) { return "x", nil }); err == nil {
			t.Errorf("Update(%q) is accepted", name)
		}
	}
	if err := session.Key[chan int]("c").Set(s, nil); err == nil {
		t.Error("a value without a JSON form is accepted")
	}
	if _, _, err := session.Key[int]("a").Get(s); err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("Get with another type: %v", err)
	}
	if err := session.Key[int]("a").Update(s, func(int) (int, error) { return 0, nil }); err == nil {
		t.Error("Update with another type is accepted")
	}
	boom := errors.New("boom")
	if err := count.Update(s, func(int) (int, error) { return 1, boom }); err != boom {
		t.Errorf("Update() = %v, want the function's own error", err)
	}
	if _, ok, _ := count.Get(s); ok {
		t.Error("a failed Update left a value")
	}
	if v, ok, err := session.Key[json.RawMessage]("passport").Get(s); err != nil || !ok || !strings.HasPrefix(string(v), `{"user":1`) {
		t.Errorf("a guard's log-in reads as %s, %v, %v", v, ok, err)
	}
	for label, want := range map[string]bool{"": false, strings.Repeat("x", 513): false, strings.Repeat("x", 512): true} {
		if err := s.Link(t.Context(), label); (err == nil) != want {
			t.Errorf("Link with %d bytes: %v", len(label), err)
		}
	}
	for age, want := range map[time.Duration]bool{-1: false, time.Microsecond: false, 401 * 24 * time.Hour: false, 0: true, time.Hour: true} {
		if err := s.SetMaxAge(age); (err == nil) != want {
			t.Errorf("SetMaxAge(%v) = %v", age, err)
		}
	}
}
