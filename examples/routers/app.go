package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

// User is a row of the users table.
type User struct{ ID, Email, Hash string }

// Notes is what the application keeps in a session.
const Notes session.Key[[]string] = "notes"

// App is the application without its router.
type App struct {
	Auth     *guard.Guard[*User]
	Sessions *session.Manager
	Log      *slog.Logger
	Origin   string // of the single-page application
	// Inside, if set, is one more middleware between RequireAuth and the handlers.
	Inside func(http.Handler) http.Handler
	news   news
}

// Settings are what main and the tests choose.
type Settings struct {
	Store        session.Store
	Secret       string
	Hasher       password.Hasher // nil means bcrypt
	Log          *slog.Logger
	Origin       string
	InsecureHTTP bool
	Proxies      []netip.Prefix // that are in front of the program
	Inside       func(http.Handler) http.Handler
}

// NewApp returns the application with one user, whose password is password1.
func NewApp(o Settings) (*App, error) {
	if o.Hasher == nil {
		o.Hasher = new(password.Bcrypt)
	}
	hash, err := o.Hasher.Hash(context.Background(), "password1")
	if err != nil {
		return nil, err
	}
	joe := &User{"1", "joe@example.com", hash}
	byEmail := func(_ context.Context, email string) (*User, string, error) {
		if email != joe.Email {
			return nil, "", strategy.ErrUnauthenticated
		}
		return joe, joe.Hash, nil
	}
	byID := func(_ context.Context, id string) (*User, error) {
		if id != joe.ID {
			return nil, serializer.ErrUserGone
		}
		return joe, nil
	}
	sessions, err := session.New(session.Config{Store: o.Store, Codec: session.SecureCookie(o.Secret), InsecureHTTP: o.InsecureHTTP, Logger: o.Log})
	if err != nil {
		return nil, err
	}
	passwords, err := password.New(password.LookupFunc[*User](byEmail), password.Config{Hasher: o.Hasher})
	if err != nil {
		return nil, err
	}
	local, err := throttle.New(throttle.Config{InsecureHTTP: o.InsecureHTTP, TrustedProxies: o.Proxies, Logger: o.Log}, passwords)
	if err != nil {
		return nil, err
	}
	auth, err := guard.New(guard.Config{Sessions: sessions, TrustedOrigins: []string{o.Origin}, TrustedProxies: o.Proxies, Logger: o.Log},
		serializer.ByID(func(u *User) string { return u.ID }, byID), local)
	if err != nil {
		return nil, err
	}
	return &App{Auth: auth, Sessions: sessions, Log: o.Log, Origin: o.Origin, Inside: o.Inside}, nil
}

// FormLogIn is the handler of a log-in form. It sends the user to the page that they wanted, so LogInWith
// needs no handler.
func (a *App) FormLogIn() http.Handler {
	return a.Auth.AuthenticateWith(guard.Options{Strategies: []string{"local"}})(a.Auth.LogInWith(guard.LogInOptions{
		ReturnTo: true, SuccessRedirect: "/app/me", SuccessFlash: "welcome"})(nil))
}

// Protect is RequireAuth, and Inside if there is one.
func (a *App) Protect(next http.Handler) http.Handler {
	if a.Inside != nil {
		next = a.Inside(next)
	}
	return a.Auth.RequireAuth(next)
}

// Me says who is logged in, and the flash messages.
func (a *App) Me(ctx context.Context) (string, error) {
	user, _ := a.Auth.User(ctx)
	s, err := a.Sessions.Session(ctx)
	if err != nil {
		return "", err
	}
	flashes, err := s.Flashes("success")
	return strings.Join(append([]string{user.Email}, flashes...), " "), err
}

// Note keeps a note in the session and says how many there are.
func (a *App) Note(ctx context.Context, text string) (string, error) {
	s, err := a.Sessions.Session(ctx)
	if err != nil {
		return "", err
	}
	count := 0
	err = Notes.Update(s, func(notes []string) ([]string, error) {
		notes = append(notes, text)
		count = len(notes)
		return notes, nil
	})
	return fmt.Sprintf("notes: %d", count), err
}

// Page is a long page.
func (a *App) Page() string { return strings.Repeat("a page that is worth compressing\n", 1000) }

// Follow calls send for each message, until the user is logged out, the browser is gone, or send fails. Before
// each message it asks the store whether the user is still logged in. Guard.Watch would end a stream without
// messages too; examples/internal/article/live.go has that.
func (a *App) Follow(ctx context.Context, send func(string) error) error {
	s, err := a.Sessions.Session(ctx)
	if err != nil {
		return err
	}
	next, cancel := a.news.subscribe()
	defer cancel()
	if err := send("hello"); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case text := <-next:
			if _, err := a.Auth.UserOf(ctx, s); err != nil {
				return err
			}
			if err := send(text); err != nil {
				return err
			}
		}
	}
}

// Publish sends text to everybody who follows.
func (a *App) Publish(text string) { a.news.publish(text) }

// AccessLog is Sessions.Handler with a line for each request and its user. The status is that of the writer
// outside, which sees a commit that failed; the user is what the guards further in have found. A panic passes
// through, as status 500.
func (a *App) AccessLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen, who := &statusWriter{ResponseWriter: w}, "-"
		inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if user, ok := a.Auth.User(r.Context()); ok {
					who = user.ID
				}
			}()
			next.ServeHTTP(w, r)
		})
		status := http.StatusInternalServerError
		defer func() {
			a.Log.InfoContext(r.Context(), "access", "method", r.Method, "path", r.URL.Path, "status", status, "user", who)
		}()
		a.Sessions.Handler(inner).ServeHTTP(seen, r)
		status = cmp.Or(seen.status, http.StatusOK)
	})
}

// statusWriter notes the status. Unwrap lets http.ResponseController reach the writer below; chi's Compress
// does not look there, and asks for Flush and Hijack itself.
type statusWriter struct {
	http.ResponseWriter
	status int // 0 until the response starts
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	w.status = cmp.Or(w.status, http.StatusOK)
	return w.ResponseWriter.Write(p)
}

func (w *statusWriter) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

func (w *statusWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// news sends messages to everybody who follows.
type news struct {
	mu   sync.Mutex
	subs map[chan string]bool
}

func (n *news) subscribe() (<-chan string, func()) {
	c := make(chan string, 16)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.subs == nil {
		n.subs = map[chan string]bool{}
	}
	n.subs[c] = true
	return c, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.subs, c)
	}
}

func (n *news) publish(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.subs {
		select {
		case c <- text:
		default: // too slow: a message is lost
		}
	}
}
