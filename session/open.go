package session

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/cookies"
	"github.com/seed-6f34412b/passport/internal/record"
)

// Open returns the session with the given id outside of its request: for connections that
// outlive it, jobs and tests. The id is what [Session.ID] returned, and a secret. Nothing
// is committed by itself: call [Session.Save]. The error is ErrNotFound when there is no
// live session of that id; any other is an outage.
func (m *Manager) Open(ctx context.Context, id string) (*Session, error) {
	s := m.newSession()
	if cookies.ValidID(id) {
		s.visit.Present(id, 0)
	}
	return s.opened(ctx)
}

// OpenCookies is [Manager.Open] for cookies that come without net/http: the lines are those
// of the Cookie header in gRPC's metadata, or in what a gateway for WebSockets passes on. It
// accepts the same cookies as a request, checks the signatures first, and opens the first
// live session. The error is ErrUnproved for one that is bound to a device where the lines
// have no proof of it ([Config.DeviceBound]).
func (m *Manager) OpenCookies(ctx context.Context, lines ...string) (*Session, error) {
	s := m.newSession()
	s.cookies = strings.Join(lines, ";")
	return s.opened(ctx)
}

// OpenValue is [Manager.OpenCookies] for the value of the cookie by itself, such as a mobile
// application sends in a header of its own. [Session.CookieValue] returns it. A session that is
// bound to a device is not opened by it alone: ErrUnproved.
func (m *Manager) OpenValue(ctx context.Context, value string) (*Session, error) {
	s := m.newSession()
	for via := range m.accept {
		a := &m.accept[via]
		if id, ok := a.codec.Decode(a.name, value); ok {
			s.visit.Present(id, via)
			if m.bound != nil {
				m.bound.judge(s, id)
			}
		}
	}
	return s.opened(ctx)
}

// newSession returns a session that belongs to no request.
func (m *Manager) newSession() *Session {
	s := &Session{m: m}
	s.visit.Init(m.proto)
	return s
}

// opened returns s if it presents a live session.
func (s *Session) opened(ctx context.Context) (*Session, error) {
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	switch {
	case s.visit.ID != "":
		return s, nil
	case s.visit.Suspect:
		return nil, ErrUnproved
	}
	return nil, ErrNotFound
}

var errNoCookie = errors.New("session: cookie value: the session has no record yet: call Save first")

// CookieValue returns what the session's cookie carries: the signed id, for
// [Manager.OpenValue]. It is a secret: everybody who has it is logged in as the visitor.
// The error says that there is no record yet. A log-in or renewal gives another value when
// it is saved.
func (s *Session) CookieValue() (string, error) {
	s.lock()
	defer s.mu.Unlock()
	if s.visit.ID == "" {
		return "", errNoCookie
	}
	primary := &s.m.accept[0]
	value, err := primary.codec.Encode(primary.name, s.visit.ID)
	if err != nil {
		return "", fmt.Errorf("session: cookie value: %w", err)
	}
	return value, nil
}

var errNoWalk = errors.New("session: all: the store cannot walk its records: use store.RedisStore or store.MemoryStore")

// All yields every live session, in no order, for jobs and statistics: it walks through the
// whole store. Those that begin or end meanwhile may be missing; one may come twice. An
// error is an outage, or says that the store is no [Iterator], and ends the walk. Values are
// read by [Key.Of]; [Manager.DestroyRefs] ends one by one of its labels.
func (m *Manager) All(ctx context.Context) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		walker, ok := m.cfg.Store.(Iterator)
		if !ok {
			yield(Info{}, errNoWalk)
			return
		}
		for found, err := range walker.All(ctx) {
			if err != nil {
				yield(Info{}, fmt.Errorf("session: all: %w", err))
				return
			}
			rec := new(record.Record)
			if rec.Parse(found.ID, found.Data) != nil || rec.Over(m.cfg.AbsoluteTimeout, time.Now()) {
				continue // malformed or expired: nobody can use it
			}
			if !yield(m.describe(found.ID, rec), nil) {
				return
			}
		}
	}
}
