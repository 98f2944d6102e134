// Package reqstate holds what one request knows about its session and its user.
//
// There is one [State] for each session manager (or stateless guard) that a
// request meets. It is the request's context itself, so that finding it costs one
// context lookup and carrying it costs no allocation of its own.
package reqstate

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Anyone stands for any owner in [Of].
var Anyone any = anyone{}

type anyone struct{}

// State is the context of a request that met a session manager or a guard.
// Its owner embeds it in its own per-request struct, and sets the exported fields before
// it is used.
//
// Its methods may be called concurrently: a middleware such as [http.TimeoutHandler] runs
// the handler on another goroutine and answers while the handler is still at work.
type State struct {
	context.Context        // the request's context as the outer handler left it
	Owner           any    // the *session.Manager, or the stateless guard
	Slots           Slots  // nil under a stateless guard
	Outer           *State // the state of another owner further out, or nil
	// Foreign is what another site may have caused, see ForeignOf; nil for what the browser says
	// this one did, and for what no browser sent.
	Foreign *http.Request

	mu       sync.Mutex
	users    []User
	first    [1]User
	values   context.Context // of WithValues; nil for none
	reported error           // of FirstReport, joined
}

// Value implements [context.Context]. Its owner is the key of a State, see [Of].
func (s *State) Value(k any) any {
	if k == s.Owner || k == Anyone {
		return s
	}
	s.mu.Lock()
	values := s.values
	s.mu.Unlock()
	if values != nil {
		if v := values.Value(k); v != nil {
			return v
		}
	}
	return s.Context.Value(k)
}

// LeadsToSession marks the State as what a context for a store must not have in it: see
// protocol.Visit.
func (s *State) LeadsToSession() {}

// WithValues has Value ask ctx before the request's own context, in place of what it was
// given before. A guard adds values in this way, so that the request is not copied again:
// net/http removes the files of an upload by the request that it knows.
func (s *State) WithValues(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values = ctx
}

// Of returns the innermost state in ctx that belongs to owner, or nil.
func Of(ctx context.Context, owner any) *State {
	s, _ := ctx.Value(owner).(*State)
	return s
}

// ForeignOf returns of r what tells whether another site caused it, as it came: something further in
// may change the request.
func ForeignOf(r *http.Request) *http.Request {
	came := &http.Request{Method: r.Method, Host: r.Host, Header: http.Header{}}
	for _, name := range []string{"Sec-Fetch-Site", "Origin", "Upgrade"} {
		came.Header[name] = slices.Clone(r.Header[name])
	}
	return came
}

// HandBack copies to the request to what a handler left in from, the copy of it that carries
// a State: the form, whose files net/http removes after the request, and the pattern that a
// mux matched, for a middleware further out. It is called when the handler has returned, or
// panicked, and sets over, if that is not nil.
func HandBack(to, from *http.Request, over *bool) {
	if over != nil {
		*over = true
	}
	if to.MultipartForm == nil {
		to.MultipartForm = from.MultipartForm
	}
	to.Pattern = from.Pattern
}

// User is what one guard decided about this request.
type User struct {
	Guard any // the *guard.Guard
	Value any // the user, of the guard's type; nil when nobody
	More  any // the guard's own facts about the log-in; never changed afterwards
}

// Proof is what guardtest says of a user as User.More, in place of a strategy: what they proved, and when.
type Proof struct {
	At      time.Time // when
	Factors []string  // the names of factors
}

// Asked is all that a guard knows which has asked about the request and found nobody. It
// replaces no decision.
var Asked any = asked{}

type asked struct{}

// User returns what guard decided earlier in this request, in this state or one
// further out.
func (s *State) User(guard any) (u User, ok bool) {
	for ; s != nil && !ok; s = s.Outer {
		s.mu.Lock()
		if i := slices.IndexFunc(s.users, func(v User) bool { return v.Guard == guard }); i >= 0 {
			u, ok = s.users[i], true
		}
		s.mu.Unlock()
	}
	return u, ok
}

// SetUser records what guard decided, as User has it: in place of what it decided before, or
// else here.
func (s *State) SetUser(guard, value, more any) {
	u := User{guard, value, more}
	for t := s.Outer; ; t = t.Outer {
		own := t == nil // no other state has a decision of that guard
		if own {
			t = s
		}
		t.mu.Lock()
		i := slices.IndexFunc(t.users, func(v User) bool { return v.Guard == guard })
		switch {
		case i >= 0 && more != Asked:
			t.users[i] = u
		case i < 0 && own:
			if t.users == nil {
				t.users = t.first[:0]
			}
			t.users = append(t.users, u)
		}
		t.mu.Unlock()
		if own || i >= 0 {
			return
		}
	}
}

// FirstReport notes that err is about to be reported to operators, and returns false where
// one with the same cause was before.
func (s *State) FirstReport(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	cause := causeOf(err)
	if errors.Is(s.reported, cause) {
		return false
	}
	s.reported = errors.Join(s.reported, cause)
	return true
}

// causeOf returns the error that err wraps in the end.
func causeOf(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// ErrDropped says that a log-in was dropped before it was stored.
var ErrDropped = errors.New("reqstate: the log-in was dropped before the commit")

// ErrReplaced says that a log-in was stored, and that another user's log-in or a log-out took its
// place later in the same request.
var ErrReplaced = errors.New("reqstate: the log-in was replaced in the request that made it")

// Lost is a log-in whose time is over.
type Lost struct {
	Ref  string          // of its session
	User json.RawMessage // nil when the record is gone, and with it who and why
}

// ErrAgain is returned by a function given to Slots.OnStored to have the record stored
// once more, as a younger one.
var ErrAgain = errors.New("reqstate: store the session again")

// ErrTooOld is returned by Slots.LogIn for credentials that were checked longer ago than a
// log-in lasts.
var ErrTooOld = errors.New("session: log-in: the credentials were checked longer ago than Config.AbsoluteTimeout")

// Claim is a guard's claim to something that guards of one session must not share.
type Claim struct {
	Name  string // "slot:" and a session key, or "cookie:" and the name of a cookie
	Owner any    // guards with the same owner may share it
}

// Binding says how a session is bound to a key of the browser.
type Binding uint8

// What a request can show of it.
const (
	Unbound   Binding = iota
	Unproved          // it is bound, and the request has no proof
	JustBound         // the request presents the id from before, of a moment ago
	Proved            // it is bound, and the request has a proof
)

// Slots is the part of a session that belongs to guards. The session's Manager
// puts it into the State. Its methods may be called concurrently. All methods load the session on first use
// and return an error only for an outage, a session that ended, or a response already on its way.
type Slots interface {
	// Slot returns the live log-in under key. User is nil when nobody is logged in,
	// the log-in is past its absolute limit, or its user is null, false or "".
	Slot(ctx context.Context, key string) (Slot, error)
	// Former is Slot for a log-in that takes its place: a session that a replica or a cache does
	// not know is asked for at the store's authority.
	Former(ctx context.Context, key string) (Slot, error)
	// Standing is Former for the log-in that is stored, whatever this request has logged in
	// since. User is nil where Former's would be, and once a log-out under key is pending.
	Standing(ctx context.Context, key string) (Slot, error)
	// Carries reports whether the session has label, as this request sees it; false where it cannot be
	// loaded.
	Carries(ctx context.Context, label string) bool
	// Ref returns the session's Ref; "" when it has none, or cannot be loaded.
	Ref(ctx context.Context) string
	// Lost returns the log-in under key that is over, after Slot found nobody. ok is
	// false when there was none as far as that can be known: the visitor presented no
	// id of ours, or one whose record has no log-in under key. Each is reported once
	// per request.
	Lost(key string) (lost Lost, ok bool)
	// LogIn replaces the log-in under key, at the commit, under a new id. This
	// request sees the new state at once. The error may also be ErrTooOld.
	LogIn(ctx context.Context, l LogIn) error
	// Request returns the request as the session's Handler passed it on.
	Request() *http.Request
	// Cookies returns the request's Cookie header as it came, several lines of it joined by
	// semicolons. Something inside may have changed the header since, or be changing it.
	Cookies() string
	// Presents reports whether one of them is a cookie of the session.
	Presents() bool
	// Forwarded is Cookies for X-Forwarded-For, joined by commas.
	Forwarded() string
	// OnStored has the commit call f once the record of the log-in or step-up under key is
	// stored and labelled under its new id, whose Ref it is given, and before anything
	// else changes. ErrAgain stores it anew; after any other error that record is gone,
	// the commit fails by it, and nothing has changed. f must not touch the session.
	// It is asked about the log-in that is pending, and forgotten where another one takes
	// its place, or a log-out takes it back.
	OnStored(key string, f func(ctx context.Context, ref string) error)
	// StepUp replaces the facts (At, Factors) of the live log-in under key, at the
	// commit, under a new id, keeping everything else. name is its user's: a log-in that Node made
	// has no label by it.
	StepUp(ctx context.Context, key, name string, slot Slot) error
	// LogOut ends the log-in under key at the commit: the whole session and every
	// id that the request presented, unless another guard's log-in lives in it.
	LogOut(ctx context.Context, key string) error
	// Revoke makes this request anonymous for key and ends the record at once, if it
	// still has the bytes that were loaded. Failure is logged, never admits, and
	// leaves the cookie alone. It is for a user who is gone or whose stamp changed.
	Revoke(ctx context.Context, key string)
	// Reread reads the session again from the store's authority and applies this
	// request's changes to it anew. ErrSessionEnded says that it is gone.
	Reread(ctx context.Context) error
	// Bound says whether the session is bound to a key of the browser, and whether the request
	// proves that it comes from there. A bound one that is not proved is session.ErrUnproved,
	// here and for Slot, unless that is to be reported only.
	Bound(ctx context.Context) (Binding, error)
	// Suspect returns of a session that is bound and not proved the Ref, and who is logged in
	// under key; User is nil for nobody.
	Suspect(key string) (ref string, slot Slot)
	// Offer has the answer offer the browser to bind the session, if it is not and somebody is
	// logged in.
	Offer()
	// Take returns and removes the top-level key at the commit (returnTo).
	Take(ctx context.Context, key string) (json.RawMessage, error)
	// Forget drops the request's pending changes, but not its log-out: after a failed
	// log-in nothing of it is committed.
	Forget()

	// Guarded has f answer a request whose commit failed: a guard's way to answer what it
	// refuses. The last one counts. noStore marks the answer as one that no cache may keep:
	// the commit adds Cache-Control: no-store unless the handler chose a Cache-Control itself.
	Guarded(f func(http.ResponseWriter, *http.Request, error), noStore bool)
	// AfterCommit has f called once, when the session's last commit is over, with its error:
	// on the goroutine that commits, or at once where that has happened. A request that
	// panics has no commit. key is empty, or that of a log-in or step-up on which f depends:
	// then f gets nil when a commit of this request stored it, ErrReplaced when another user's
	// log-in or a log-out took its place after that, ErrDropped when one did before, or it was
	// dropped by a Reload for instance, and otherwise the commit's error. repeated reports
	// whether the same user was logged in again before a commit stored it: the two become one.
	// Call it after that log-in, and before the next.
	AfterCommit(key string, f func(err error, repeated bool))
	// AddCookie has the response carry line, a Set-Cookie of another cookie than the
	// session's, also when the commit fails. It replaces an earlier one of that name. After
	// the response has started it does nothing.
	AddCookie(line string)
	// Watch returns a context of ctx that ends when the log-in under key does, with one of by's
	// causes; nil and no error where nobody is logged in there. Of a log-in that is pending it
	// ends, too, when the commit does not store it. With use the session is in use meanwhile.
	Watch(ctx context.Context, key string, by Watcher, use bool) (context.Context, error)
}

// Watcher is a guard as what it has watched knows it: protocol.LogInWatcher. It is compared, and
// its methods may be called concurrently.
type Watcher interface {
	// Check returns the cause for which the log-in in slot is over, as far as its user tells; nil
	// while it is not. An error says that this is not known.
	Check(ctx context.Context, slot Slot) (cause, err error)
	// Same reports whether two ids, as JSON, are the same user's.
	Same(a, b json.RawMessage) bool
	// Cause returns the error for a reason.
	Cause(reason string) error
}
