// Package reqstate holds what one request knows about its session and its user. There is one [State] for
// each session manager (or stateless guard) that a request meets. It is the request's context itself, so
// that finding it costs one context lookup and carrying it costs no extra allocation.
package reqstate

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Anyone matches any owner in [Of].
var Anyone any = anyone{}

type anyone struct{}

// State is the context of a request that has passed a session manager or a guard. Its owner embeds it in a
// per-request struct, and sets the exported fields before it is used.
//
// Its methods may be called concurrently: a middleware such as [http.TimeoutHandler] runs the handler on
// another goroutine and may answer before the handler returns.
type State struct {
	context.Context               // the request's context as the outer handler left it
	Owner           any           // the *session.Manager, or the stateless guard
	Slots           Slots         // nil under a stateless guard
	Outer           *State        // the state of another owner further out, or nil
	Foreign         *http.Request // of ForeignOf

	mu       sync.Mutex
	users    []User
	first    [1]User
	values   context.Context // of WithValues; nil for none
	reported error           // of FirstReport, joined
}

// Value implements [context.Context]. The owner of a State is its key, see [Of].
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

// LeadsToSession marks the State as a value that a context for a store must not have: see protocol.Visit.
func (s *State) LeadsToSession() {}

// WithValues makes Value ask ctx before the request's own context; it replaces the ctx of an earlier call.
// A guard adds values in this way, so that the request is not copied again: net/http removes the files of
// an upload through the request that it made.
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

// ForeignOf returns a copy of the fields of r that tell whether another site caused it: an inner handler may
// change the request. It returns nil if the browser says that this site did, or if no browser sent r.
func ForeignOf(r *http.Request) *http.Request {
	site := strings.Join(r.Header["Sec-Fetch-Site"], ",")
	if site == "same-origin" || site == "none" || site == "" && r.Header["Origin"] == nil {
		return nil
	}
	came := &http.Request{Method: r.Method, Host: r.Host, Header: http.Header{}}
	for _, name := range []string{"Sec-Fetch-Site", "Origin", "Upgrade"} {
		came.Header[name] = slices.Clone(r.Header[name])
	}
	return came
}

// HandBack copies to the request to what a handler left in from, its copy that carries a State: the form,
// whose files net/http removes after the request, and the pattern that a mux matched, for a middleware
// further out. Call it when the handler has returned or panicked. It sets over, if that is not nil.
func HandBack(to, from *http.Request, over *bool) {
	if over != nil {
		*over = true
	}
	if to.MultipartForm == nil {
		to.MultipartForm = from.MultipartForm
	}
	to.Pattern = from.Pattern
}

// User is one guard's decision about this request.
type User struct {
	Guard any // the *guard.Guard
	Value any // the user, of the guard's type; nil for nobody
	More  any // the guard's own facts about the log-in; never changed later
}

// Proof is the User.More of a user set by guardtest, without a strategy: what they proved, and when.
type Proof struct {
	At      time.Time // when
	Factors []string  // the names of factors
}

// Asked is the User.More of a guard that has asked about the request and found nobody. It replaces no
// decision.
var Asked any = asked{}

type asked struct{}

// User returns what guard decided earlier in this request, in this state or one further out.
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

// SetUser records what guard decided. It replaces an earlier decision where User finds it, and otherwise is
// kept in s.
func (s *State) SetUser(guard, value, more any) {
	u := User{guard, value, more}
	for t := s.Outer; ; t = t.Outer {
		own := t == nil // no state further out has a decision of that guard
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

// FirstReport records that err is about to be reported to operators. It returns false if an error with the
// same cause was reported before.
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

// causeOf returns the innermost error that err wraps.
func causeOf(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// ErrDropped is the error of [Slots].AfterCommit for a log-in that was dropped before it was stored.
var ErrDropped = errors.New("reqstate: the log-in was dropped before the commit")

// ErrReplaced is the error of [Slots].AfterCommit for a log-in that was stored, and that another user's
// log-in or a log-out replaced later in the same request.
var ErrReplaced = errors.New("reqstate: the log-in was replaced in the request that made it")

// Lost is a log-in that is over.
type Lost struct {
	Ref  string          // the Ref of its session
	User json.RawMessage // nil if the record is gone, and with it the user and the reason
}

// ErrAgain is returned by a function given to Slots.OnStored to have the record stored once more, with a
// new birth time.
var ErrAgain = errors.New("reqstate: store the session again")

// ErrTooOld is returned by Slots.LogIn for credentials that were checked longer ago than a log-in lasts.
var ErrTooOld = errors.New("session: log-in: the credentials were checked longer ago than Config.AbsoluteTimeout")

// Claim is a guard's claim to something that guards on one session must not share.
type Claim struct {
	Name  string // "slot:" and a session key, or "cookie:" and the name of a cookie
	Owner any    // guards with the same owner may share it
}

// Binding says whether a session is bound to a key of the browser, and what the request proves.
type Binding uint8

// The values of Binding.
const (
	Unbound   Binding = iota
	Unproved          // bound, and the request has no proof
	JustBound         // bound a moment ago: the request presents the previous id
	Proved            // bound, and the request has a proof
)

// Slots is the part of a session that belongs to guards. The session's Manager puts it into the State. Its
// methods may be called concurrently. All of them load the session on first use and return an error only
// for an outage, a session that ended, or a response that has already started.
type Slots interface {
	// Slot returns the live log-in under key. User is nil if nobody is logged in, the log-in is past its
	// absolute limit, or its user is null, false or "".
	Slot(ctx context.Context, key string) (Slot, error)
	// Former is Slot for a log-in that replaces it: if a replica or a cache does not know the session, the
	// primary is asked.
	Former(ctx context.Context, key string) (Slot, error)
	// Standing is Former for the stored log-in, whatever this request has logged in since. User is nil
	// where Former's would be, and once a log-out under key is pending.
	Standing(ctx context.Context, key string) (Slot, error)
	// Carries reports whether the session has label, as this request sees it; false if it cannot be loaded.
	Carries(ctx context.Context, label string) bool
	// Ref returns the session's Ref; "" if it has none, or cannot be loaded.
	Ref(ctx context.Context) string
	// Lost returns the log-in under key that is over. Call it after Slot found nobody. ok is false if no
	// lost log-in is known: the visitor presented no id of ours, or one whose record has no log-in under
	// key. Each is reported once per request.
	Lost(key string) (lost Lost, ok bool)
	// LogIn replaces the log-in under key, at the commit, under a new id. This request sees the new state
	// at once. The error may also be ErrTooOld.
	LogIn(ctx context.Context, l LogIn) error
	// Request returns the request as the session's Handler passed it on.
	Request() *http.Request
	// Cookies returns the request's Cookie header as received, several lines joined by semicolons. A
	// handler further in may have changed the header since, or may be changing it.
	Cookies() string
	// Presents reports whether one of those cookies is the session's.
	Presents() bool
	// Forwarded is Cookies for X-Forwarded-For, joined by commas.
	Forwarded() string
	// OnStored makes the commit call f with the new Ref when the record of the log-in or step-up under key
	// is stored and labelled under its new id, before anything else changes. If f returns ErrAgain, the
	// record is stored again; after any other error the record is deleted, the commit fails with the error,
	// and nothing has changed. f must not use the session. It belongs to the pending log-in, and is dropped
	// if another log-in or a log-out replaces that.
	OnStored(key string, f func(ctx context.Context, ref string) error)
	// StepUp replaces the facts (At, Factors) of the live log-in under key, at the commit, under a new id,
	// and keeps everything else. name is its user's name: a log-in that Node made does not have the label
	// of that name yet.
	StepUp(ctx context.Context, key, name string, slot Slot) error
	// LogOut ends the log-in under key at the commit: the whole session and every id that the request
	// presented, unless another guard's log-in is in it.
	LogOut(ctx context.Context, key string) error
	// Revoke makes this request anonymous for key and ends the record at once, if it is unchanged since it
	// was loaded. A failure is logged and returned; the request stays anonymous and the cookie is not touched.
	// It is for a user who no longer exists or whose stamp changed.
	Revoke(ctx context.Context, key string) error
	// Reread reads the session again from the primary and applies this request's changes to it again.
	// ErrSessionEnded says that it is gone.
	Reread(ctx context.Context) error
	// Bound says whether the session is bound to a key of the browser, and whether the request proves that
	// it comes from there. Without that proof the error is session.ErrUnproved, here and from Slot, unless
	// the session is configured to report only.
	Bound(ctx context.Context) (Binding, error)
	// Suspect returns the Ref of a bound session without proof, and the log-in there under key; User is nil
	// for nobody.
	Suspect(key string) (ref string, slot Slot)
	// Offer makes the response offer the browser to bind the session, if it is not bound and somebody is
	// logged in.
	Offer()
	// Take returns and removes the top-level key at the commit (returnTo).
	Take(ctx context.Context, key string) (json.RawMessage, error)
	// Forget drops the request's pending changes, but not its log-out: after a failed log-in no part of it
	// is committed.
	Forget()

	// Guarded makes f answer a request whose commit failed, as the guard answers a request that it refuses.
	// The last call counts. noStore marks the response as one that no cache may keep: the commit adds
	// Cache-Control: no-store unless the handler set a Cache-Control itself.
	Guarded(f func(http.ResponseWriter, *http.Request, error), noStore bool)
	// AfterCommit makes f be called once with the error of the session's last commit: on the goroutine that
	// commits, or at once if it is over. A request that panics has no commit. key is empty, or that of the
	// log-in or step-up on which f depends. Then f gets nil if a commit of this request stored it;
	// ErrReplaced if another user's log-in or a log-out replaced it after that; ErrDropped if one did
	// before that, or it was dropped, for instance by a Reload; and otherwise the commit's error. repeated
	// reports whether the same user was logged in again before a commit stored it: the two are then one
	// log-in. Call it after that log-in, and before the next one.
	AfterCommit(key string, f func(err error, repeated bool))
	// AddCookie adds line, a Set-Cookie of a cookie other than the session's, to the response, also if the
	// commit fails. It replaces an earlier one of that name. After the response has started it does
	// nothing.
	AddCookie(line string)
	// Watch returns a context derived from ctx that ends with the log-in under key, with one of by's
	// causes; nil and no error if nobody is logged in there. For a pending log-in it also ends if the
	// commit does not store it. If use is true, the session counts as in use until then.
	Watch(ctx context.Context, key string, by Watcher, use bool) (context.Context, error)
}

// Watcher is a guard that watches log-ins: protocol.LogInWatcher. It must be comparable, and its methods
// may be called concurrently.
type Watcher interface {
	// Check returns the reason why the log-in in slot is over according to its user; nil if it is not. An
	// error means that this is unknown.
	Check(ctx context.Context, slot Slot) (cause, err error)
	// Same reports whether two ids, as JSON, belong to the same user.
	Same(a, b json.RawMessage) bool
	// Cause returns the error for a reason.
	Cause(reason string) error
}
