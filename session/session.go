package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/internal/protocol"
	"github.com/seed-6f34412b/passport/internal/record"
)

// Session is what the server remembers of one visitor: Express's req.session. It is
// found by [FromContext] and written back by the commit, just before the first byte
// of the response. Values are read and set through [Key].
//
// A Session is safe for concurrent use within its request.
type Session struct {
	mu    sync.Mutex
	m     *Manager
	req   *request // nil for a session opened by its id
	visit protocol.Visit

	cookies   string // the request's Cookie header, as the outer handler left it
	forwarded string // its X-Forwarded-For, likewise
	consult   bool   // the cookies were read: the response varies by them
	closed    bool   // the response has started
	changed   bool   // a commit wrote something
	failed    bool   // a load failed

	plain     bool // the browser came over plain http, see plainHTTP
	crossSite bool // another site caused the request, see withholds
}

// ID returns the id under which the session's record lies: express-session's
// req.sessionID. It is empty while there is no record: for a new session until it is
// saved, and after a log-out. A log-in or renewal gives a new one when it is saved. It
// is a secret: show [Session.Ref] instead.
func (s *Session) ID() string {
	s.lock()
	defer s.mu.Unlock()
	return s.visit.ID
}

// Ref returns a name for the session that is safe to show and to log: a hash of its
// id, 16 characters of base64url. It is empty while there is no id. String, Format,
// LogValue and MarshalJSON show it too.
func (s *Session) Ref() string {
	s.lock()
	defer s.mu.Unlock()
	return refOf(s.visit.ID)
}

// String returns "session:" and the Ref.
func (s *Session) String() string { return "session:" + s.Ref() }

// Format prints the same as String for every verb, so that no value of the session
// gets into a log by mistake.
func (s *Session) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue implements [slog.LogValuer] with the Ref.
func (s *Session) LogValue() slog.Value { return slog.StringValue(s.Ref()) }

// IsNew reports whether the session has no record in the store yet.
func (s *Session) IsNew() bool {
	s.lock()
	defer s.mu.Unlock()
	return s.visit.ID == ""
}

// Committed reports whether the response has started: the session's changes are committed, and
// further ones fail with ErrCommitted. It is false for a session that was opened by id.
func (s *Session) Committed() bool {
	s.lock()
	defer s.mu.Unlock()
	return s.closed
}

// Changed reports whether this request has changed the session: it has stored something, or
// its commit will. That the session is refreshed is no change.
func (s *Session) Changed() bool {
	s.lock()
	defer s.mu.Unlock()
	return s.changed || s.visit.Changes()
}

// NoRefresh says that this request does not count as use of the session, such as a poll or a
// heartbeat that the page sends by itself: it does not keep the session alive. A request
// that changes the session refreshes it all the same, and so does the first one to a session
// or log-in that Node made, which notes when it began, and its label. [Manager.NoRefresh] is
// the middleware.
func (s *Session) NoRefresh() {
	s.lock()
	defer s.mu.Unlock()
	s.visit.NoRefresh()
}

// Keys returns the names of the values in the session, in order, without the cookie
// settings, our own notes and guards' log-ins.
func (s *Session) Keys() []string {
	s.lock()
	defer s.mu.Unlock()
	names := s.visit.Members().Names()
	slots := s.visit.Slots(names)
	return slices.DeleteFunc(names, func(name string) bool {
		return name == record.CookieKey || name == record.NotesKey || slots[name]
	})
}

// MarshalJSON returns the Ref, like String, Format and LogValue: a session in a log line or
// an answer shows none of its values. [Session.ExpressJSON] shows them.
func (s *Session) MarshalJSON() ([]byte, error) { return json.Marshal(s.Ref()) }

// ExpressJSON returns the record as the commit will write it, without our own notes,
// those in guards' log-ins included: what res.json(req.session) answers in Express. Every
// value of the session is in it.
func (s *Session) ExpressJSON() ([]byte, error) {
	s.lock()
	defer s.mu.Unlock()
	return s.visit.ExpressJSON()
}

// change runs o on the session and keeps it for the commit. The caller holds mu.
func (s *Session) change(o record.Op) error {
	if err := s.writable(); err != nil {
		return err
	}
	return s.visit.Change(o)
}

// note is change for an o that changes nothing in the session as this request sees it.
func (s *Session) note(o record.Op) error {
	if err := s.writable(); err != nil {
		return err
	}
	return s.visit.Note(o)
}

// usable returns nil, or why the session cannot be used any more.
func (s *Session) usable() error {
	if s.closed {
		return ErrCommitted
	}
	return s.visit.Writable()
}

// writable is usable, and also refuses changes after the response has started.
func (s *Session) writable() error {
	err := s.usable()
	if errors.Is(err, ErrCommitted) {
		s.log(context.Background(), slog.LevelError, "session changed after the response had started; the change is lost", slog.String("session", refOf(s.visit.ID)))
	}
	return err
}

// SetMaxAge gives this session an idle lifetime of its own and makes its cookie
// outlive the browser: "remember me", express-session's req.session.cookie.maxAge.
// Zero makes it end with the browser again, under Config.IdleTimeout. The record
// follows at the commit, the browser when its cookie is next sent: at a log-in or
// [Session.Renew].
func (s *Session) SetMaxAge(d time.Duration) error {
	if d < 0 || d > record.MaxCookieAge || d > 0 && d < time.Millisecond {
		return fmt.Errorf("session: max age %v: want 0, or a millisecond to 400 days", d)
	}
	s.lock()
	defer s.mu.Unlock()
	return s.change(func(dr *record.Draft, _ time.Time) error { return dr.SetMaxAge(s.m.proto.Terms, d) })
}

// Reload forgets this request's changes, but not its log-out, and reads the session again, from the
// primary: req.session.reload. The error is ErrSessionEnded when it is gone; any other is an
// outage. A session without a record stays as it is.
//
// It also works after the response has started, so that a stream of events or a WebSocket
// sees the present state: see guard.Guard.UserOf. A renewal by another request ends the
// session under its old id, and the client has to connect again. After the request, or in
// another process, [Manager.Open] finds the session by its id.
func (s *Session) Reload(ctx context.Context) error {
	s.lock()
	defer s.mu.Unlock()
	return s.reload(ctx)
}

func (s *Session) reload(ctx context.Context) error {
	if s.closed {
		s.visit.Discard() // the changes of a failed commit
	}
	defer s.forgotten()
	return s.visit.Reload(ctx)
}

var _ json.Marshaler = (*Session)(nil)
