package session

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/seed-6f34412b/passport/internal/cookies"
	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// Manager gives requests their sessions. It is made by [New], immutable, and safe
// for concurrent use. One per program is usual; several can nest as long as their
// cookies have different names.
type Manager struct {
	cfg             Config
	accept          []accepted // the primary first
	newCookieMember json.RawMessage
	locks           idLocks
	cleanups        chan struct{} // bounds the background deletions of abandoned ids

	// What the store can do beyond the contract: nil when it cannot.
	ender  Ender
	index  Index
	walker Iterator
	master Authoritative
	batch  Batch
}

// maxCleanups is how many deletions of abandoned ids may wait for a slow store.
const maxCleanups = 16

// New checks cfg and returns a Manager for it. The error names every mistake at
// once, by field, with its cure; it wraps no sentinel.
func New(cfg Config) (*Manager, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	m := &Manager{cfg: cfg, cleanups: make(chan struct{}, maxCleanups)}
	var err error
	if m.accept, err = cfg.accept(); err != nil {
		return nil, err
	}
	m.newCookieMember = cfg.cookieMember()
	m.ender, _ = cfg.Store.(Ender)
	m.index, _ = cfg.Store.(Index)
	m.walker, _ = cfg.Store.(Iterator)
	m.master, _ = cfg.Store.(Authoritative)
	m.batch, _ = cfg.Store.(Batch)
	return m, nil
}

// Logger returns the logger of the Config, never nil.
func (m *Manager) Logger() *slog.Logger { return m.cfg.Logger }

// StoreTimeout returns how long one step may wait for the store.
func (m *Manager) StoreTimeout() time.Duration { return m.cfg.StoreTimeout }

// CookieName returns the name of the primary cookie.
func (m *Manager) CookieName() string { return m.cfg.Name }

// FromContext returns the session of the innermost [Manager.Handler] around the
// caller, and loads it on the first call in a request. A visitor without a live
// session gets an empty one, of which nothing is stored until a value is set.
//
// The error is ErrNoHandler when there is no Handler. Any other error is an outage
// of the store, wrapped, and the same for the rest of the request: answer 503 and
// leave the cookie alone.
func FromContext(ctx context.Context) (*Session, error) {
	for st := reqstate.From(ctx); st != nil; st = st.Outer() {
		if s, ok := st.Slots.(*slots); ok {
			return (*Session)(s).loaded(ctx)
		}
	}
	return nil, ErrNoHandler
}

// Session is FromContext for the session of this Manager, however Handlers nest.
func (m *Manager) Session(ctx context.Context) (*Session, error) {
	if st := reqstate.Of(ctx, m); st != nil {
		return (*Session)(st.Slots.(*slots)).loaded(ctx)
	}
	return nil, ErrNoHandler
}

// Open returns the session with the given id outside of its request: for connections that
// outlive it, jobs and tests. The id is what [Session.ID] returned, and a secret. Nothing
// is committed by itself: call [Session.Save]. The error is ErrNotFound when there is no
// live session of that id; any other is an outage.
func (m *Manager) Open(ctx context.Context, id string) (*Session, error) {
	s := &Session{m: m}
	s.rec = &s.first
	if !cookies.ValidID(id) {
		return nil, ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.StoreTimeout)
	defer cancel()
	found, err := s.fetch(ctx, time.Now(), id, m.cfg.Store.Get)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, ErrNotFound
	}
	s.state = stateLoaded
	return s, nil
}
