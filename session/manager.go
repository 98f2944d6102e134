package session

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/internal/protocol"
	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// Manager gives requests their sessions. [New] makes one; it is immutable and safe for
// concurrent use. A program usually has one; several can be nested if their cookies
// have different names.
type Manager struct {
	cfg    Config
	accept []accepted // the primary first
	proto  *protocol.Protocol
	bound  *bound // Config.DeviceBound; nil for none

	claims                    claims
	inside                    sync.Map // reentrant -> where, while the application's code runs
	refreshLine, withheldLine seldom
	plainHTTPLine, listenLine seldom
	panicLine                 seldom
}

// New checks cfg and returns a Manager for it. The error names every mistake at
// once, by field, with its cure; it wraps no sentinel.
func New(cfg Config) (*Manager, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	m := &Manager{cfg: cfg}
	var err error
	if m.accept, err = cfg.accept(); err != nil {
		return nil, err
	}
	m.bound = cfg.newBound()
	m.proto = protocol.New(protocol.Settings{
		Store: cfg.Store, Terms: cfg.terms(), Timeout: cfg.StoreTimeout, WatchInterval: cfg.WatchInterval, Report: m.report, Grace: m.bound.grace(),
		NotFound: ErrNotFound, Found: conflicting, Ended: ErrSessionEnded, Changed: ErrSessionChanged, Again: reqstate.ErrAgain, TooOld: reqstate.ErrTooOld,
	})
	return m, nil
}

// Logger returns the logger of the Config, never nil.
func (m *Manager) Logger() *slog.Logger { return m.cfg.Logger }

// StoreTimeout returns how long one step may wait for the store.
func (m *Manager) StoreTimeout() time.Duration { return m.cfg.StoreTimeout }

// CookieName returns the name of the primary cookie.
func (m *Manager) CookieName() string { return m.cfg.Name }

// Secure reports whether cookies have the Secure attribute: Config.InsecureHTTP is not set.
func (m *Manager) Secure() bool { return !m.cfg.InsecureHTTP }

// CookieNames returns the names of all cookies that are looked at, the primary one first, and then
// that of Config.DeviceBound, and those of the guards that use the Manager: of their
// Config.RememberMe and their strategies, where one that ends in "*" stands for all that begin
// with what is before it.
func (m *Manager) CookieNames() []string {
	names := make([]string, 0, len(m.accept)+1)
	for i := range m.accept {
		names = append(names, m.accept[i].name)
	}
	if m.bound != nil {
		names = append(names, m.bound.CookieName+"*")
	}
	return slices.Concat(names, m.claims.cookies())
}

// Binding returns Config.DeviceBound, with its defaults.
func (m *Manager) Binding() DeviceBound { return m.cfg.DeviceBound }

// SameSite returns Config.SameSite, or what its zero value stands for.
func (m *Manager) SameSite() http.SameSite { return m.cfg.SameSite }

// FromContext returns the session of the innermost [Manager.Handler] around the
// caller, and loads it on the first call in a request. A visitor without a live
// session gets an empty one, of which nothing is stored until a value is set.
//
// The error is ErrNoHandler when there is no Handler. Any other error is an outage
// of the store, wrapped, and the same for the rest of the request: answer 503 and
// leave the cookie alone. Inside the Handler of Config.Logger, where the session may be
// waiting for the line to be written, there is an error too: log without it.
func FromContext(ctx context.Context) (*Session, error) {
	for st := reqstate.Of(ctx, reqstate.Anyone); st != nil; st = st.Outer {
		if s, ok := st.Slots.(*slots); ok {
			return (*Session)(s).loaded(ctx)
		}
	}
	return nil, ErrNoHandler
}

// Session is [FromContext] for the session of this Manager, also inside the Handler of
// another one.
func (m *Manager) Session(ctx context.Context) (*Session, error) {
	if st := reqstate.Of(ctx, m); st != nil {
		return (*Session)(st.Slots.(*slots)).loaded(ctx)
	}
	return nil, ErrNoHandler
}
