package cookbook_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
)

const secret = "a secret of 32 bytes for a test!"

// User is the user of all answers.
type User struct {
	ID, Email, Password, Role, Tenant string
	Scopes                            []string // of the key that the request brought
}

// table is the users table.
type table struct {
	mu   sync.Mutex
	rows map[string]User // by id
}

func newTable() *table {
	return &table{rows: map[string]User{
		"1": {ID: "1", Email: "joe@shop.example", Password: "Passw0rd!", Role: "member", Tenant: "acme"},
		"2": {ID: "2", Email: "jen@shop.example", Password: "P4ssword!", Role: "admin", Tenant: "globex"},
	}}
}

func (t *table) byID(_ context.Context, id string) (*User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if u, ok := t.rows[id]; ok {
		return &u, nil
	}
	return nil, serializer.ErrUserGone
}

func (t *table) check(_ context.Context, email, password string) (*User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, u := range t.rows {
		if u.Email == email && u.Password == password {
			return &u, nil
		}
	}
	return nil, strategy.ErrUnauthenticated
}

// setPassword stands for a hash that is made and stored.
func (t *table) setPassword(_ context.Context, id, password string) (*User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u, ok := t.rows[id]
	if !ok {
		return nil, serializer.ErrUserGone
	}
	u.Password = password
	t.rows[id] = u
	return &u, nil
}

// stamped finds the users of sessions and links, which end with the password.
func (t *table) stamped() *serializer.Stamped[*User] {
	byID := serializer.ByID(func(u *User) string { return u.ID }, t.byID)
	return serializer.WithStamp(byID, func(u *User) string { return u.Password })
}

func newMemory(t *testing.T) *store.MemoryStores {
	t.Helper()
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return memory
}

// newAuth returns a guard by cfg, with sessions by sc, that knows users by password and by more.
func newAuth(t *testing.T, users *table, sc session.Config, cfg guard.Config, more ...strategy.Strategy[*User]) (*guard.Guard[*User], *session.Manager) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	if sc.Store == nil {
		sc.Store = newMemory(t).Sessions
	}
	sc.Codec, sc.Logger = session.SecureCookie(secret), quiet
	sessions, err := session.New(sc)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Sessions, cfg.Logger = sessions, quiet
	auth, err := guard.New(cfg, users.stamped(), append([]strategy.Strategy[*User]{strategy.NewLocal(users.check)}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	return auth, sessions
}

// newMux returns a mux with POST /login.
func newMux(auth *guard.Guard[*User]) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(say("welcome"))))
	return mux
}

// say answers with a text.
func say(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

// logIn returns the browser of the user with that address, who is logged in.
func logIn(t *testing.T, app http.Handler, email, password string) *browser.Browser {
	t.Helper()
	b := browser.At(t, app, "https://acme.shop.example")
	b.Post("/login", "email", email, "password", password).Want(t, http.StatusOK, "")
	return b
}

func joe(t *testing.T, app http.Handler) *browser.Browser {
	t.Helper()
	return logIn(t, app, "joe@shop.example", "Passw0rd!")
}

func jen(t *testing.T, app http.Handler) *browser.Browser {
	t.Helper()
	return logIn(t, app, "jen@shop.example", "P4ssword!")
}
