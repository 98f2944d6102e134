package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/internal/cookies"
	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session"
)

const secret = "a made-up secret of 32 bytes or more"

const cookieName = "__Host-sid"

// newManager returns a Manager on st, with the changes of edit to the usual configuration.
func newManager(t testing.TB, st session.Store, edit ...func(*session.Config)) *session.Manager {
	t.Helper()
	cfg := session.Config{Store: st, Codec: session.SecureCookie(secret), Logger: quietLogger(t)}
	for _, e := range edit {
		e(&cfg)
	}
	m, err := session.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// expressValue is what Express puts into the cookie of the session id.
func expressValue(t testing.TB, secret, id string) string {
	t.Helper()
	value, err := cookies.InsecureExpress(secret).Encode("connect.sid", id)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// quietLogger returns a logger at debug level. At the end of the test its output is searched for ids and
// cookies: both have 32 or more such characters in a row, and a Ref has 16.
func quietLogger(t testing.TB) *slog.Logger {
	if _, ok := t.(*testing.T); !ok {
		return slog.New(slog.DiscardHandler) // benchmarks
	}
	w := new(logText)
	t.Cleanup(func() {
		if found := idShape.FindString(w.String()); found != "" {
			t.Errorf("an id or a cookie is in the log: %s", w.String())
		}
	})
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

var idShape = regexp.MustCompile(`[A-Za-z0-9_-]{32}`)

// logText is what was logged, also by goroutines in the background.
type logText struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (w *logText) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.Write(p)
}

func (w *logText) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

const (
	count session.Key[int]    = "n"
	text  session.Key[string] = "text"
)

// app is a program that does with its session what the query says: each op=… in turn. It answers with the
// session's record as text.
func app(m *session.Manager) http.Handler {
	return m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, o := range r.URL.Query()["op"] {
			if err := do(r.Context(), m, o); err != nil {
				http.Error(w, err.Error(), statusOf(err))
				return
			}
		}
		if r.URL.Path == "/public" {
			fmt.Fprint(w, "public")
			return
		}
		s, err := m.Session(r.Context())
		if err != nil {
			http.Error(w, err.Error(), statusOf(err))
			return
		}
		b, err := s.ExpressJSON()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Write(b)
	}))
}

func statusOf(error) int { return http.StatusServiceUnavailable }

// do carries out one operation: "set k v", "del k", "inc", "login user [key]", "again user [key]",
// "logout [key]", "renew", "regenerate [k…]", "destroy", "link l", "unlink l",
// "flash text", "flashes", "save", "reload", "age 1h", "slot [key]", "revoke".
func do(ctx context.Context, m *session.Manager, line string) error {
	f := strings.Fields(line)
	arg := func(i int, def string) string {
		if i < len(f) {
			return f[i]
		}
		return def
	}
	slots := reqstate.Of(ctx, m).Slots
	s, err := m.Session(ctx)
	if err != nil {
		return err
	}
	switch f[0] {
	case "set":
		return session.Key[string](f[1]).Set(s, f[2])
	case "del":
		return session.Key[string](f[1]).Delete(s)
	case "inc":
		return count.Update(s, func(n int) (int, error) { return n + 1, nil })
	case "login":
		key := arg(2, "passport")
		return slots.LogIn(ctx, reqstate.LogIn{Key: key, Slot: reqstate.Slot{User: json.RawMessage(f[1])}, Labels: []string{key + ":" + f[1]}, Keep: []string{"keep"}})
	case "again": // LogInUser for the session's own user
		key := arg(2, "passport")
		return slots.LogIn(ctx, reqstate.LogIn{Key: key, Slot: reqstate.Slot{User: json.RawMessage(f[1])}, Labels: []string{key + ":" + f[1]}, Renews: true})
	case "logout":
		return slots.LogOut(ctx, arg(1, "passport"))
	case "renew":
		return s.Renew(ctx)
	case "regenerate":
		var keep []session.AnyKey
		for _, k := range f[1:] {
			keep = append(keep, session.Key[json.RawMessage](k))
		}
		return s.Regenerate(ctx, keep...)
	case "destroy":
		return s.Destroy(ctx)
	case "link":
		return s.Link(ctx, f[1])
	case "unlink":
		return s.Unlink(ctx, f[1])
	case "flash":
		return s.Flash("info", f[1])
	case "flashes":
		_, err := s.Flashes("info")
		return err
	case "save":
		return s.Save(ctx)
	case "reload":
		return s.Reload(ctx)
	case "age":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			return err
		}
		return s.SetMaxAge(d)
	case "slot":
		slot, err := slots.Slot(ctx, arg(1, "passport"))
		if err == nil && slot.User == nil {
			return fmt.Errorf("nobody is logged in under %s", arg(1, "passport"))
		}
		return err
	case "revoke":
		_ = slots.Revoke(ctx, arg(1, "passport")) // it is best effort
		return nil
	}
	return fmt.Errorf("unknown operation %q", line)
}

// path returns the path of a request that carries out ops.
func path(ops ...string) string {
	p := "/?"
	for i, o := range ops {
		if i > 0 {
			p += "&"
		}
		p += "op=" + strings.ReplaceAll(strings.ReplaceAll(o, `"`, "%22"), " ", "+")
	}
	return p
}

func open(t testing.TB, m *session.Manager) *browser.Browser {
	t.Helper()
	return browser.New(t, app(m))
}

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

// browserOf returns a browser with the cookies of b whose requests go to m: another process of the same
// site.
func browserOf(t testing.TB, b *browser.Browser, m *session.Manager) *browser.Browser {
	t.Helper()
	c := open(t, m)
	for _, name := range []string{cookieName, "connect.sid", "old"} {
		if v := b.Cookie(name); v != "" {
			c.SetCookie(name, v)
		}
	}
	return c
}
