package guard_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
)

// Member is the user of the shorter examples.
type Member struct {
	Name  string
	Admin bool
}

// newClub returns a guard, for the examples, that knows Joe and the admin Jen, whose
// password is "secret". Its log goes to log.
func newClub(log *slog.Logger, edit ...func(*guard.Config)) *guard.Guard[*Member] {
	members := map[string]*Member{"joe": {Name: "joe"}, "jen": {Name: "jen", Admin: true}}
	check := func(_ context.Context, name, password string) (*Member, error) {
		if m := members[name]; m != nil && password == "secret" {
			return m, nil
		}
		return nil, strategy.ErrUnauthenticated
	}
	users := serializer.ByID(func(m *Member) string { return m.Name }, func(_ context.Context, name string) (*Member, error) {
		if m := members[name]; m != nil {
			return m, nil
		}
		return nil, serializer.ErrUserGone
	})
	code := strategy.Func("code", func(_ http.ResponseWriter, r *http.Request) (*Member, error) {
		if r.FormValue("code") != "123456" {
			return nil, strategy.ErrUnauthenticated
		}
		return members["joe"], nil
	})
	memory, err := store.Memory(store.MemoryConfig{})
	exitIf(err)
	sessions, err := session.New(session.Config{Store: memory.Sessions, Codec: session.SecureCookie("an example's secret of 32 bytes or more"), Logger: log})
	exitIf(err)
	cfg := guard.Config{Sessions: sessions, Logger: log}
	for _, e := range edit {
		e(&cfg)
	}
	auth, err := guard.New(cfg, users, strategy.NewLocal(check), code,
		strategy.NewBearer("club", func(_ context.Context, token string) (*Member, error) {
			if token != "jens-token" {
				return nil, strategy.ErrUnauthenticated
			}
			return members["jen"], nil
		}))
	exitIf(err)
	return auth
}

func exitIf(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var silent = slog.New(slog.DiscardHandler)

// say answers with a text.
func say(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
}

// visitor sends requests to handler, keeps cookies, and prints the answers.
type visitor struct {
	handler http.Handler
	cookies map[string]*http.Cookie
	header  http.Header
}

func visit(handler http.Handler) *visitor {
	return &visitor{handler, map[string]*http.Cookie{}, http.Header{}}
}

// do sends a request with a form, and prints the status, where it leads, and a text.
func (v *visitor) do(method, path string, form ...string) {
	r := httptest.NewRequest(method, "https://club.example"+path, strings.NewReader(strings.Join(form, "&")))
	r.Header = v.header.Clone()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range v.cookies {
		r.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	v.handler.ServeHTTP(rec, r)
	for _, c := range rec.Result().Cookies() {
		v.cookies[c.Name] = c
		if c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
	line := fmt.Sprint(method, " ", path, ": ", rec.Code)
	if to := rec.Header().Get("Location"); to != "" {
		line += " to " + to
	}
	if rec.Code == http.StatusOK {
		line += " " + rec.Body.String()
	}
	fmt.Println(line)
}
