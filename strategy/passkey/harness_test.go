package passkey_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/passkey"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

const (
	origin       = "https://app.example"
	cookieSecret = "0123456789abcdef0123456789abcdef"
	otherSecret  = "fedcba9876543210fedcba9876543210"
)

var errDown = errors.New("connection refused")

// User is the application's user type.
type User struct {
	ID       int
	Email    string
	Password string
	Handle   []byte
}

// table has passkeys in memory, and their users.
type table struct {
	mu    sync.Mutex
	rows  []row
	users []*User
	err   error // the error of every method
}

type row struct {
	passkey.Credential
	user int
}

func (t *table) at(id []byte) int {
	return slices.IndexFunc(t.rows, func(r row) bool { return bytes.Equal(r.ID, id) })
}

func (t *table) Find(ctx context.Context, id []byte) (passkey.Credential, *User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := cmp.Or(ctx.Err(), t.err); err != nil {
		return passkey.Credential{}, nil, err
	}
	i := t.at(id)
	if i < 0 {
		return passkey.Credential{}, nil, passkey.ErrUnknown
	}
	return t.rows[i].Credential, t.users[t.rows[i].user-1], nil
}

func (t *table) List(ctx context.Context, u *User) (list []passkey.Credential, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.rows {
		if r.user == u.ID {
			list = append(list, r.Credential)
		}
	}
	slices.SortStableFunc(list, func(a, b passkey.Credential) int { return a.Created.Compare(b.Created) })
	return list, cmp.Or(ctx.Err(), t.err)
}

func (t *table) Add(ctx context.Context, u *User, c passkey.Credential) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := cmp.Or(ctx.Err(), t.err); err != nil {
		return err
	}
	if t.at(c.ID) >= 0 {
		return passkey.ErrExists
	}
	c.ID, c.PublicKey = bytes.Clone(c.ID), bytes.Clone(c.PublicKey)
	t.rows = append(t.rows, row{c, u.ID})
	return nil
}

func (t *table) Update(ctx context.Context, c passkey.Credential, signCount uint32) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.at(c.ID)
	if err := cmp.Or(ctx.Err(), t.err); err != nil || i < 0 || t.rows[i].SignCount != signCount {
		return false, err
	}
	r := &t.rows[i]
	r.SignCount, r.BackedUp, r.LastUsed = c.SignCount, c.BackedUp, c.LastUsed
	return true, nil
}

func (t *table) Remove(ctx context.Context, u *User, id []byte, keepLast bool) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.at(id)
	if err := cmp.Or(ctx.Err(), t.err); err != nil || i < 0 || t.rows[i].user != u.ID {
		return false, err
	}
	others := slices.ContainsFunc(t.rows, func(r row) bool { return r.user == u.ID && !bytes.Equal(r.ID, id) })
	if keepLast && !others {
		return false, passkey.ErrLast
	}
	t.rows = slices.Delete(t.rows, i, i+1)
	return true, nil
}

func (t *table) Rename(ctx context.Context, u *User, id []byte, name string) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.at(id)
	if err := cmp.Or(ctx.Err(), t.err); err != nil || i < 0 || t.rows[i].user != u.ID {
		return false, err
	}
	t.rows[i].Name = name
	return true, nil
}

func (t *table) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
}

// world is an application with passwords and passkeys.
type world struct {
	t        testing.TB
	table    *table
	joe, jen *User
	passkeys *passkey.Strategy[*User]
	auth     *guard.Guard[*User]
	mux      *http.ServeMux

	mu     sync.Mutex
	log    bytes.Buffer
	events []guard.Event
	info   strategy.Info // the Info of the last log-in
	needed []string      // what guard.Config.Factors returns for everybody
}

func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

func (w *world) account(_ context.Context, u *User) (passkey.Account, error) {
	return passkey.Account{Handle: u.Handle, Name: u.Email}, nil
}

func config(w *world) passkey.Config[*User] {
	return passkey.Config[*User]{
		RPID: "app.example", RPName: "Shop", Origins: []string{origin}, Secrets: []string{cookieSecret},
		Credentials: w.table, Account: w.account,
		WithoutPasskey: func(_ context.Context, u *User) (bool, error) { return u.Password != "", nil },
	}
}

func newWorld(t testing.TB, edit ...func(*passkey.Config[*User])) *world {
	t.Helper()
	w := &world{t: t, mux: http.NewServeMux(), table: &table{}}
	w.joe = &User{1, "joefoo@test.com", "Passw0rd!", passkey.NewHandle()}
	w.jen = &User{2, "jenbar@test.com", "", passkey.NewHandle()}
	w.table.users = []*User{w.joe, w.jen}
	logger := slog.New(slog.NewTextHandler(w, nil))
	cfg := config(w)
	cfg.Logger = logger
	for _, f := range edit {
		f(&cfg)
	}
	var err error
	if w.passkeys, err = passkey.New(cfg); err != nil {
		t.Fatal(err)
	}
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(session.Config{Store: memory.Sessions, Codec: session.SecureCookie(cookieSecret), Logger: logger, InsecureHTTP: cfg.RPID == "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	users := serializer.ByID(func(u *User) int { return u.ID }, func(_ context.Context, id int) (*User, error) { return w.table.users[id-1], nil })
	local := strategy.NewLocal(func(_ context.Context, email, password string) (*User, error) {
		for _, u := range w.table.users {
			if u.Email == email && cmp.Or(u.Password, "-") == password {
				return u, nil
			}
		}
		return nil, strategy.ErrUnauthenticated
	})
	w.auth, err = guard.New(guard.Config{
		Sessions: sessions, Logger: logger, TrustedOrigins: cfg.Origins[1:],
		Factors: guard.FactorsOf(func(context.Context, *User) ([]string, error) { return w.needed, nil }),
		OnEvent: func(_ context.Context, e guard.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, e)
		},
	}, users, strategy.Strategy[*User](local), w.passkeys)
	if err != nil {
		t.Fatal(err)
	}
	w.route()
	return w
}

func (w *world) route() {
	name := w.passkeys.Name()
	hello := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		u, _ := w.auth.User(r.Context())
		w.mu.Lock()
		w.info, _ = w.auth.Info(r.Context())
		w.mu.Unlock()
		_, _ = io.WriteString(rw, "hello "+u.Email)
	})
	// The strategy's report is available before the log-in is made.
	proved := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			info, _ := w.auth.Info(r.Context())
			w.mu.Lock()
			w.info = info
			w.mu.Unlock()
			next.ServeHTTP(rw, r)
		})
	}
	done := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, `{"done":true}`) })
	login := w.auth.AuthenticateWith(guard.Options{Strategies: []string{name}, FailureHandler: w.passkeys.FailureHandler})
	w.mux.Handle("POST /login", w.auth.Authenticate("local")(w.auth.LogIn(done)))
	w.mux.Handle("POST /passkey/options", w.passkeys.BeginLogIn(w.auth))
	w.mux.Handle("POST /passkey", login(proved(w.auth.LogIn(done))))
	w.mux.Handle("POST /stepup/options", w.passkeys.BeginStepUp(w.auth))
	w.mux.Handle("POST /stepup", login(proved(w.auth.StepUp(done))))
	w.mux.Handle("POST /passkeys/options", w.passkeys.BeginRegistration(w.auth))
	w.mux.Handle("POST /passkeys", w.passkeys.FinishRegistration(w.auth))
	w.mux.Handle("GET /passkeys", w.passkeys.List(w.auth))
	w.mux.Handle("PATCH /passkeys/{id}", w.passkeys.Rename(w.auth))
	w.mux.Handle("DELETE /passkeys/{id}", w.passkeys.Remove(w.auth))
	w.mux.Handle("GET /.well-known/webauthn", w.passkeys.RelatedOrigins())
	w.mux.Handle("POST /logout", w.auth.LogOut(done))
	w.mux.Handle("GET /me", w.auth.RequireAuth(hello))
	w.mux.Handle("GET /strong", w.auth.RequireFactor(name, 0)(hello))
	w.mux.Handle("GET /aal3", w.auth.RequireFactor(name+":verified", 0)(w.auth.RequireFactor(name+":device", 0)(hello)))
}

// visitor is a browser with an authenticator.
type visitor struct {
	*browser.Browser
	*authenticator
	w *world
}

func (w *world) visit(a *authenticator) *visitor {
	w.t.Helper()
	return &visitor{browser.New(w.t, w.mux), a, w}
}

// send sends JSON like a script of the site.
func (v *visitor) send(method, path, body string) browser.Answer {
	v.t.Helper()
	r := v.Request(method, path, body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.Do(r)
}

// options requests the options of a ceremony.
func (v *visitor) options(path string) string {
	v.t.Helper()
	a := v.send(http.MethodPost, path, "")
	a.Want(v.t, http.StatusOK, `"challenge"`)
	return a.Text
}

// byPassword logs a user in with the password.
func (v *visitor) byPassword(u *User) {
	v.t.Helper()
	v.Post("/login", "email", u.Email, "password", cmp.Or(u.Password, "-")).Want(v.t, http.StatusOK, "done")
}

// register makes a passkey for the logged-in user.
func (v *visitor) register() browser.Answer {
	v.t.Helper()
	return v.send(http.MethodPost, "/passkeys", v.create(v.options("/passkeys/options")))
}

// logIn logs in with a passkey.
func (v *visitor) logIn() browser.Answer {
	v.t.Helper()
	return v.send(http.MethodPost, "/passkey", v.get(v.options("/passkey/options")))
}

// registered returns a visitor who has made a passkey for Joe and logged out.
func (w *world) registered(a *authenticator) *visitor {
	w.t.Helper()
	v := w.visit(a)
	v.byPassword(w.joe)
	v.register().Want(w.t, http.StatusCreated, `"passkey"`)
	v.Post("/logout").Want(w.t, http.StatusOK, "")
	return v
}

// wantRefused checks for a refusal with the reason in the log, and that nobody is logged in.
func (v *visitor) wantRefused(a browser.Answer, status int, reason string) {
	v.t.Helper()
	if a.StatusCode != status || !strings.Contains(v.w.logged(), reason) {
		v.t.Fatalf("got %d %s and the log %s\nwant %d and %q", a.StatusCode, a.Text, v.w.logged(), status, reason)
	}
	if strings.Contains(v.w.logged(), "level=ERROR") {
		v.t.Fatalf("got the log %s\nwant no outage", v.w.logged())
	}
}

func decode[T any](t testing.TB, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// countingCounter counts its calls.
type countingCounter struct {
	throttle.MemoryCounter
	calls int
	err   error
}

func (c *countingCounter) Add(ctx context.Context, key string, n int64, window time.Duration) (int64, time.Duration, error) {
	if c.calls++; c.err != nil {
		return 0, 0, c.err
	}
	return c.MemoryCounter.Add(ctx, key, n, window)
}

// lockedError refuses a user who may not log in.
type lockedError struct{}

func (*lockedError) Error() string { return "locked" }
func (*lockedError) Unwrap() error {
	return &strategy.Failure{Status: http.StatusForbidden, Reason: "locked"}
}
