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

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// Session is what the server remembers of one visitor: Express's req.session. It is
// found by [FromContext] and written back by the commit, just before the first byte
// of the response. Values are read and set through [Key].
//
// A Session is safe for concurrent use within its request.
type Session struct {
	mu  sync.Mutex
	m   *Manager
	req *request // nil for a session that was opened by id

	loadErr error     // stateFailed: the outage, remembered for the request
	id      string    // of the record; "" when there is none
	via     int       // index in m.accept of the cookie it came under
	rec     *record   // as last read or written; its data is nil when there is none
	at      time.Time // when rec was asked for or written; zero when it was neither
	first   record    // where the record that was loaded is parsed, so that a load allocates little
	wait    bounded   // the load's wait for the store

	ops     []op   // the changes since rec, in order
	draft   *draft // rec with ops applied; nil when there are none
	plan    plan
	gone    error // why nothing can be written any more: ErrSessionEnded
	lost    *lost // what was presented and is over; nil for nothing
	state   loadState
	closed  bool // the response has started
	consult bool // the cookie was looked at: Vary
	dropped bool // somebody was told that nothing is kept
}

type loadState uint8

const (
	stateNew loadState = iota
	stateLoaded
	stateFailed
)

// plan is what the commit is to do beside writing the values.
type plan struct {
	move  bool     // store the session under a new id
	end   bool     // end every id that the request presented
	watch []string // slot keys that guards asked about
	who   *who     // nil in nearly every request, which changes no log-in
}

// who says which log-ins a plan is about.
type who struct {
	checked bool                                        // credentials were checked in this request
	proved  []string                                    // slot keys whose users just proved who they are: the old record may be gone
	follow  string                                      // log-out of this slot among others: goes after the session where it moved
	endKey  string                                      // the slot whose log-out the end is; "" for the whole session
	hidden  []string                                    // slot keys whose log-ins a guard has revoked
	stored  func(ctx context.Context, ref string) error // decides whether what was stored stays; nil for yes
}

// about returns whom the plan is about, to read.
func (p *plan) about() who {
	if p.who == nil {
		return who{}
	}
	return *p.who
}

// set returns whom the plan is about, to write.
func (p *plan) set() *who {
	if p.who == nil {
		p.who = new(who)
	}
	return p.who
}

// credentials reports whether the plan is a log-in.
func (p *plan) credentials() bool { return len(p.about().proved) > 0 }

// dropChanges forgets what is pending.
func (s *Session) dropChanges() {
	s.ops, s.draft = nil, nil
	hidden := s.plan.about().hidden
	s.plan = plan{watch: s.plan.watch}
	if hidden != nil {
		s.plan.set().hidden = hidden
	}
}

// loaded returns s after its first load.
func (s *Session) loaded(ctx context.Context) (*Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// view returns the session's members as this request sees them.
func (s *Session) view() *rawjson.Object {
	if s.draft != nil {
		return &s.draft.obj
	}
	return s.rec.object()
}

// ID returns the id under which the session's record lies: express-session's
// req.sessionID. It is empty while there is no record: for a new session until it is
// saved, and after a log-out. A log-in or renewal gives a new one when it is saved.
// It is a secret; show [Session.Ref] instead.
func (s *Session) ID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// Ref returns a name for the session that is safe to show and to log: a hash of its
// id, 16 characters of base64url. It is empty while there is no id. String, Format
// and LogValue show it too.
func (s *Session) Ref() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.id == "" {
		return ""
	}
	return refOf(s.id)
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
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id == ""
}

// Committed reports whether the response has started: the session's changes are committed, and
// further ones fail with ErrCommitted. It is false for a session that was opened by id.
func (s *Session) Committed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Keys returns the names of the values in the session, in order, without the cookie
// settings, our own notes and guards' log-ins.
func (s *Session) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(s.view().Names(), s.isOurs)
}

func (s *Session) isOurs(name string) bool {
	return name == cookieKey || name == ownKey || s.isSlot(name)
}

// isSlot reports whether name is a member that guards own.
func (s *Session) isSlot(name string) bool {
	return name == passportKey || slices.Contains(s.plan.watch, name) ||
		s.draft == nil && slices.Contains(s.rec.slotKeys(), name) ||
		s.draft != nil && slices.Contains(s.draft.keys, name)
}

// MarshalJSON returns the record as the commit will write it, without our own notes,
// those in guards' log-ins included: what res.json(req.session) answers in Express.
func (s *Session) MarshalJSON() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var d draft
	d.obj.CopyFrom(s.view())
	d.obj.Delete(ownKey)
	for _, name := range d.obj.Names() {
		if !s.isSlot(name) {
			continue
		}
		if raw := d.obj.Get(name); raw != nil {
			d.obj.Set(name, withoutNotes(raw))
		}
	}
	if err := s.m.setCookieMember(&d, time.Now()); err != nil {
		return nil, err
	}
	return d.obj.AppendTo(nil), nil
}

// change runs o on the draft and keeps it for the commit. The caller holds mu.
func (s *Session) change(o op) error {
	if err := s.writable(); err != nil {
		return err
	}
	d := s.draft
	if d == nil {
		d = new(draft)
		d.reset(s.rec)
	}
	if err := o(d, time.Now()); err != nil {
		return err
	}
	s.draft = d
	s.ops = append(s.ops, o)
	return nil
}

// usable returns why nothing can be done with the session any more, if so.
func (s *Session) usable() error {
	switch {
	case s.state == stateFailed:
		return s.loadErr
	case s.closed:
		return ErrCommitted
	}
	return s.gone
}

// writable is usable for a change.
func (s *Session) writable() error {
	err := s.usable()
	if errors.Is(err, ErrCommitted) {
		s.m.cfg.Logger.Error("session changed after the response had started; the change is lost", "session", s.ref())
	}
	return err
}

func (s *Session) ref() string {
	if s.id == "" {
		return ""
	}
	return refOf(s.id)
}

// SetMaxAge gives this session an idle lifetime of its own and makes its cookie
// outlive the browser: "remember me", express-session's req.session.cookie.maxAge.
// Zero makes it end with the browser again, under Config.IdleTimeout. The record
// follows at the commit, the browser when its cookie is next sent: at a log-in or
// [Session.Renew].
func (s *Session) SetMaxAge(d time.Duration) error {
	if d < 0 || d > maxCookieAge || d > 0 && d < time.Millisecond {
		return fmt.Errorf("session: max age %v: want 0, or a millisecond to 400 days", d)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.change(func(dr *draft, _ time.Time) error { return s.m.setMaxAge(dr, d) })
}

// Reload forgets this request's changes, but not its log-out, and reads the session again, from the
// store's authority: req.session.reload. The error is ErrSessionEnded when it is
// gone; any other is an outage. A session without a record stays as it is.
//
// It also works after the response has started, for a stream of events or a WebSocket to see
// what became of its session: see guard.Guard.UserOf. A renewal elsewhere ends the session
// under its old id, so the client connects again. Where the request itself is over, or lies
// in another process, [Manager.Open] finds the session by its id.
func (s *Session) Reload(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reload(ctx)
}

func (s *Session) reload(ctx context.Context) error {
	switch err := s.usable(); {
	case errors.Is(err, ErrCommitted) && s.gone == nil:
		s.dropChanges() // of a commit that failed
	case errors.Is(err, ErrCommitted):
		return s.gone
	case err != nil:
		return err
	}
	if s.plan.end || s.plan.about().follow != "" {
		return nil // a log-out that was asked for stays
	}
	s.dropChanges()
	if s.id == "" {
		return nil
	}
	return s.refetch(ctx)
}

// refetch reads the record again, from the store's authority. The session is over
// when it is gone.
func (s *Session) refetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.m.cfg.StoreTimeout)
	defer cancel()
	found, err := s.fetch(ctx, time.Now(), s.id, s.m.authority())
	if err != nil {
		return err
	}
	if !found {
		s.forget()
		s.gone = ErrSessionEnded
		return ErrSessionEnded
	}
	return nil
}

// Save commits now what the response would commit before its first byte: req.session.save.
// Its errors are those of the commit: ErrSessionEnded, ErrSessionChanged, or an
// outage. The changes stay pending after an outage.
func (s *Session) Save(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	return s.commit(ctx, time.Now())
}

// adopt makes rec, which is in the store under id, what the session is based on.
func (s *Session) adopt(id string, rec *record) {
	s.id, s.rec, s.at, s.lost = id, rec, time.Now(), nil
	s.dropChanges()
}

// forget makes the session an empty one without a record.
func (s *Session) forget() {
	s.adopt("", new(record))
}

var _ json.Marshaler = (*Session)(nil)
