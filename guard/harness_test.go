package guard_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
)

const (
	secret   = "a made-up secret of 32 bytes or more"
	password = "Passw0rd!" // every user's password
	sid      = "__Host-sid"
)

var errOutage = errors.New("connection refused")

// User is the application's user type.
type User struct {
	ID    int
	Email string
	Pass  string
	Admin bool
}

// table is the application's users table.
type table struct {
	mu    sync.Mutex
	rows  map[int]User
	err   error // the error of all look-ups, an outage
	empty bool  // look-ups return a nil user and no error
	hangs bool  // look-ups return when their context ends
	found int   // the number of look-ups by id
	users serializer.Serializer[*User]
}

func newTable() *table {
	return &table{rows: map[int]User{
		1: {ID: 1, Email: "joe@test.com", Pass: password},
		2: {ID: 2, Email: "jen@test.com", Pass: password, Admin: true},
	}}
}

func (t *table) check(_ context.Context, email, pass string) (*User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return nil, t.err
	}
	for _, u := range t.rows {
		if u.Email == email && u.Pass == pass {
			return &u, nil
		}
	}
	return nil, strategy.ErrUnauthenticated
}

func (t *table) byID(ctx context.Context, id int) (*User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.found++
	if t.hangs {
		t.mu.Unlock()
		<-ctx.Done()
		t.mu.Lock()
		return nil, ctx.Err()
	}
	if t.err != nil {
		return nil, t.err
	}
	if t.empty {
		return nil, nil
	}
	u, ok := t.rows[id]
	if !ok {
		return nil, serializer.ErrUserGone
	}
	return &u, nil
}

// set stores u as a row of the table.
func (t *table) set(u User) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows[u.ID] = u
}

func (t *table) remove(id int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.rows, id)
}

func (t *table) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
}

// stamped returns a serializer whose sessions end when the password changes.
func (t *table) stamped() serializer.Serializer[*User] {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.users == nil {
		t.users = serializer.WithStamp(serializer.ByID(func(u *User) int { return u.ID }, t.byID), func(u *User) string { return u.Pass })
	}
	return t.users
}

// fake is a strategy with a configured answer.
type fake struct {
	name  string
	user  *User
	err   error
	info  *strategy.Info
	cross bool
	asked int
}

func (f *fake) Name() string { return f.name }

func (f *fake) AllowCrossSite(*http.Request) bool { return f.cross }

func (f *fake) Authenticate(_ http.ResponseWriter, r *http.Request) (*User, error) {
	f.asked++
	if f.info != nil {
		strategy.Report(r.Context(), *f.info)
	}
	return f.user, f.err
}

// switchable is a store that can fail, and that records its calls.
type switchable struct {
	*store.MemoryStore
	mu      sync.Mutex
	down    error
	bad     string // the only method that fails, if set
	calls   []string
	ids     []string          // the ids of all sessions made so far
	hold    func(call string) // runs before each call
	told    []func(string)    // the listeners
	mute    bool              // send no notices
	deliver func(tell func()) // decides when a notice is sent; set before anybody listens
	stuck   string            // an id whose end always fails
	lost    int               // so many answers to Update are lost
}

func newStore(t testing.TB) *switchable {
	t.Helper()
	m, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return &switchable{MemoryStore: m.Sessions}
}

func (s *switchable) ask(call string) error {
	s.mu.Lock()
	hold := s.hold
	s.mu.Unlock()
	if hold != nil {
		hold(call)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
	if call == s.bad {
		return errOutage
	}
	return s.down
}

// asked returns the calls since the last time.
func (s *switchable) asked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := fmt.Sprint(s.calls)
	s.calls = nil
	return list
}

func (s *switchable) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err
}

func (s *switchable) failOn(method string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bad = method
}

func (s *switchable) Get(ctx context.Context, id string) ([]byte, error) {
	if err := s.ask("Get"); err != nil {
		return nil, err
	}
	return s.MemoryStore.Get(ctx, id)
}

func (s *switchable) Create(ctx context.Context, id string, data []byte, ttl time.Duration) error {
	if err := s.ask("Create"); err != nil {
		return err
	}
	s.mu.Lock()
	s.ids = append(s.ids, id)
	s.mu.Unlock()
	return s.MemoryStore.Create(ctx, id, data, ttl)
}

func (s *switchable) Update(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
	if err := s.ask("Update"); err != nil {
		return err
	}
	err := s.MemoryStore.Update(ctx, id, old, new, ttl)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost > 0 {
		s.lost--
		return errOutage
	}
	return err
}

func (s *switchable) Delete(ctx context.Context, id string, old []byte) error {
	if err := s.ask("Delete"); err != nil {
		return err
	}
	return s.MemoryStore.Delete(ctx, id, old)
}

func (s *switchable) GetPrimary(ctx context.Context, id string) ([]byte, error) {
	if err := s.ask("GetPrimary"); err != nil {
		return nil, err
	}
	return s.MemoryStore.GetPrimary(ctx, id)
}

func (s *switchable) GetMany(ctx context.Context, ids []string) ([][]byte, error) {
	if err := s.ask("GetMany"); err != nil {
		return nil, err
	}
	return s.MemoryStore.GetMany(ctx, ids)
}

func (s *switchable) EndMany(ctx context.Context, ids []string, life time.Duration) ([]string, error) {
	if err := s.ask("EndMany"); err != nil {
		return nil, err
	}
	return s.MemoryStore.EndMany(ctx, ids, life)
}

func (s *switchable) End(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
	s.mu.Lock()
	stuck := id == s.stuck
	s.mu.Unlock()
	if err := s.ask("End"); err != nil || stuck {
		return "", cmp.Or(err, errOutage)
	}
	return s.MemoryStore.End(ctx, id, old, next, life)
}

func (s *switchable) Listen(ctx context.Context, tell func(string)) error {
	s.mu.Lock()
	s.told = append(s.told, tell)
	mute, hold := s.mute, s.hold
	s.mu.Unlock()
	if hold != nil {
		hold("Listen")
	}
	if mute {
		return errOutage
	}
	return s.MemoryStore.Listen(ctx, func(notice string) {
		if s.deliver == nil || notice == "" {
			tell(notice)
		} else {
			s.deliver(func() { tell(notice) })
		}
	})
}

// tell sends notice to all past and present listeners.
func (s *switchable) tell(notice string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, tell := range s.told {
		tell(notice)
	}
}

// world is an application that uses everything.
type world struct {
	*guard.Guard[*User]
	t        testing.TB
	table    *table
	store    *switchable
	sessions *session.Manager
	mux      *http.ServeMux
	second   *fake // the strategy "totp"
	token    *fake // the strategy "token", which allows requests from other sites

	mu     sync.Mutex
	log    bytes.Buffer
	events []guard.Event // the events since the last call of saw
	heard  []guard.Event // all events
	hidden []string      // further secrets of the test
}

// newWorld returns an application with routes that every test needs. edit changes
// the guard's configuration.
func newWorld(t testing.TB, edit ...func(*guard.Config)) *world {
	t.Helper()
	return newProcess(t, newTable(), newStore(t), session.Config{}, edit...)
}

// newProcess is newWorld with existing users and an existing store, and the times in cfg.
func newProcess(t testing.TB, users *table, records *switchable, cfg session.Config, edit ...func(*guard.Config)) *world {
	t.Helper()
	w := &world{t: t, table: users, store: records, mux: http.NewServeMux()}
	w.second = &fake{name: "totp", err: strategy.ErrUnauthenticated}
	w.token = &fake{name: "token", err: &strategy.Failure{Challenge: `Bearer realm="api"`}, cross: true}
	var err error
	cfg.Store, cfg.Codec, cfg.Logger = w.store, session.SecureCookie(secret), w.logger()
	w.sessions, err = session.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.Guard = w.guard("", edit...)
	t.Cleanup(w.wantNoSecretLogged)
	w.mux.Handle("POST /login", w.Authenticate("local")(w.LogIn(w.hello())))
	w.mux.Handle("POST /logout", w.LogOut(w.hello()))
	w.mux.Handle("GET /logout", w.LogOut(w.hello()))
	w.mux.Handle("/me", w.RequireAuth(w.hello()))
	w.mux.Handle("/any", w.Restore(w.hello()))
	w.mux.HandleFunc("/public", func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, "public") })
	return w
}

// guard returns another guard of the same application, under key.
func (w *world) guard(key string, edit ...func(*guard.Config)) *guard.Guard[*User] {
	w.t.Helper()
	cfg := guard.Config{Sessions: w.sessions, SessionKey: key, Logger: w.logger(), OnEvent: w.note}
	for _, e := range edit {
		e(&cfg)
	}
	g, err := guard.New(cfg, w.table.stamped(), strategy.NewLocal(w.table.check), strategy.Strategy[*User](w.second), w.token)
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

func (w *world) note(_ context.Context, e guard.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
	w.heard = append(w.heard, e)
}

// saw returns the names of the events since the last time, with their reasons.
func (w *world) saw() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, e := range w.events {
		s := string(e.Name)
		if e.Reason != "" {
			s += "/" + e.Reason
		}
		list = append(list, s)
	}
	w.events = nil
	return fmt.Sprint(list)
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

func (w *world) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// hello returns a handler that greets the guard's user.
func (w *world) hello() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		u, ok := w.User(r.Context())
		if !ok {
			fmt.Fprint(rw, "hello stranger")
			return
		}
		fmt.Fprintf(rw, "hello %s", u.Email)
	})
}

// open returns a new visitor.
func (w *world) open() *browser.Browser { return browser.New(w.t, w.watched()) }

// loggedIn returns a visitor who is logged in as the user with email.
func (w *world) loggedIn(email string) *browser.Browser {
	w.t.Helper()
	b := w.open()
	logIn(b, email).Want(w.t, http.StatusOK, "hello "+email)
	w.saw()
	w.store.asked()
	return b
}

func logIn(b *browser.Browser, email string) browser.Answer {
	return b.Post("/login", "email", email, "password", password)
}

// pass lets time pass in a synctest bubble.
func pass(d time.Duration) { <-time.After(d) }
