// Package model answers: what must be true of log-ins and sessions after each request?
//
// It is written from the documents, docs/PROTOCOL.md and the doc comments of guard, session and
// remember, and knows no code of theirs. Numbers such as S8 are the protocol's rules, M1 to M17 its
// sentences on what features mean together. A Model is told of each request what it presented and
// what was answered, and decides what both mean: then it says what every id that was ever issued
// must open, what a list must show, and which events must have been sent.
//
// What becomes of all that where somebody else touches the store, or nobody can, is in package outside.
package model

import (
	"fmt"
	"slices"
	"time"
)

// Config is what the documents' sentences depend on.
type Config struct {
	Stamp               bool   // a change of the password ends log-ins
	Max                 int    // guard.Config.MaxSessions
	Refuse              bool   // guard.Config.RefuseMore
	Factor              string // that user 1 has set up: "totp", "passkey", or none
	Named               bool   // a serializer.Namer names users: what Express wrote is not found by it
	Notes               bool   // the store keeps tombstones
	Persistent, Rolling bool   // session.Config's
	Throttled           bool
	Free                int // how many wrong guesses are free
	Idle, Refresh       time.Duration
	Absolute            time.Duration
	Fresh               time.Duration // what Guard.RequireFresh takes for fresh
	Grace               time.Duration // of a replaced token that remembers a browser
	Remember            time.Duration // how long a browser is remembered
}

// LogIn is one log-in: of one user at one guard, from its credentials to its end. A renewal moves
// it to another session; it stays the same log-in.
type LogIn struct {
	Guard, User int
	At          time.Time // when credentials were checked; zero for one by a remembered browser
	Password    int       // how often the user had changed the password
	Factors     []string  // that are proved, of "totp" and "passkey"
	Series      *Series   // in which the log-in was remembered, or which made it
	Labels      []string  // names of the log-in elsewhere
	Listed      bool      // it is found by its user: one of Express's is once Go has written it (M15)
	Unnamed     bool      // but has not the name that a serializer.Namer gives its user: Express made it (M15)
	Node        bool      // Express made it: nothing is noted of it
	Form        string    // how its user's id is written
	Begun       *LogIn    // of which it is a renewal, or what goes on; nil for none
	Under       *LogIn    // whose notes of Go's lie there still
	Unsaid      bool      // whether Listed holds is not said
}

// Session is what lies under one id. Ids are never used again (S1, S2).
type Session struct {
	ID     string
	LogIns map[int]*LogIn // by guard
	Over   map[int]*LogIn // whose limit has passed, while another guard's goes on
	Values map[string]string
	Born   time.Time // zero for one of Express's that Go has not written yet
	Sure   time.Time // the last use that surely moved the idle timeout, but for Refresh
	Maybe  time.Time // the last use that may have
	Due    bool      // the request in which it was used last has surely moved that
	Node   bool      // Express has written it
	Bound  bool      // to a key of its browser (S19)
	Open
}

// Series is what remembers a browser: a token that is replaced at each use. Its LogIn is the one
// that began it.
type Series struct {
	LogIn
	Token, Older string    // the present token, and the one that it replaced
	Void         []string  // those that were good before the stamp changed
	Moved        time.Time // when the present token was made
	Over         bool
}

// Visit is what one request presents, and what it was answered.
type Visit struct {
	Now      time.Time
	Guard    int
	Form     int      // how the process that answers writes users' ids: 0 as Express does
	IDs      []string // the session ids of its cookies, in the order in which they are accepted
	Unproved []string // those of IDs that are bound to a key of which it has no proof
	Sent     bool     // it has a cookie of the session's, good or not
	Token    string   // the cookie by which the guard's RememberMe knows the browser
	Withheld bool     // another site caused it, and SameSite kept the session's cookie back (S13)
	Stale    bool     // a replica that lags shows one of the ids' records as it was (S17)
	Reissues bool     // the primary cookie is absent, and session.Accept.Reissue sends it

	Status int
	ID     string        // the session's id that the answer's cookie brings
	Again  bool          // the answer's cookie brings one that was presented
	Until  time.Time     // the Expires of that cookie
	MaxAge time.Duration // and its Max-Age
	Ages   bool          // the codec sends Max-Age
	Gone   bool          // the answer expires the session's cookie
	Next   string        // the answer's cookie of RememberMe
	Keeps  time.Duration // and its Max-Age
	Forgot bool          // the answer expires the cookie of RememberMe
}

// Broken is a promise that does not hold. Kind is the same for all journeys that break it in the
// same way.
type Broken struct{ Kind, Text string }

// Store is what the store has.
type Store struct {
	Live   map[string]*Session
	Past   map[string]*Session  // ended by their limits, of those that Express has written
	Moved  map[string]Note      // where a session went on (S7)
	Noted  map[string]time.Time // until when the note of an end lives, by id
	Tokens map[string]*Series
	Wrong  map[string][]time.Time // guesses
}

// Note says where a session went on, and until when it does.
type Note struct {
	To    string
	Until time.Time
}

// NewStore returns an empty one.
func NewStore() Store {
	return Store{map[string]*Session{}, map[string]*Session{}, map[string]Note{}, map[string]time.Time{}, map[string]*Series{}, map[string][]time.Time{}}
}

// Account is a user of one guard's table, which is the application's own.
type Account struct{ Guard, User int }

// Model is what must be true. Make one by New.
type Model struct {
	Config
	Store
	Passwords map[Account]int    // how often they were changed
	Roles     map[Account]string // that were given to them
	Doubts    Doubts
	Now       time.Time // when it was last asked
	Broken    []Broken

	used   *Session // by the request
	later  []func() // what follows the request's commit, and is tried once
	soft   bool     // and may not have been done
	events []Event  // of the step
}

// none is no guard.
const none = -1

// New returns a Model of a program that has just started.
func New(c Config) *Model {
	return &Model{Config: c, Store: NewStore(), Passwords: map[Account]int{}, Roles: map[Account]string{}, Doubts: nothing{}}
}

// Want notes a broken promise unless ok.
func (m *Model) Want(ok bool, kind, text string, args ...any) {
	if !ok {
		m.Broken = append(m.Broken, Broken{kind, fmt.Sprintf(text, args...)})
	}
}

// status demands the answer's status, and reports whether it came.
func (m *Model) status(v *Visit, want int, what string) bool {
	m.Want(v.Status == want, fmt.Sprintf("answer: %s is %d, want %d", what, v.Status, want), "%s: got %d, want %d", what, v.Status, want)
	return v.Status == want
}

// First returns the session of a request: the first of what it presents that lives (M14), and that is not bound
// to a key of which nothing is proved (S19).
func (m *Model) First(v *Visit) *Session {
	for _, id := range v.IDs {
		if s := m.Live[id]; s != nil && !slices.Contains(v.Unproved, id) {
			return s
		}
	}
	return nil
}

// Find returns the session of a request, which that uses.
func (m *Model) Find(v *Visit) *Session {
	s := m.First(v)
	if s == nil {
		return nil
	}
	sure := m.Doubts.Uses(v, s)
	s.Due = sure && !v.Now.Before(s.Maybe.Add(m.Refresh))
	if s.Due || sure && (s.Born.IsZero() || s.Has(func(l *LogIn) bool { return !l.Listed })) { // M15
		s.written(v.Now)
	} else {
		s.MayBeUsed(v.Now)
	}
	if !m.Doubts.Met() && !v.Stale {
		m.used, s.Sure = s, v.Now
	}
	return s
}

// written says that Go has written the session.
func (s *Session) written(now time.Time) {
	if s.Born.IsZero() {
		s.Born = now
	}
	s.Sure, s.Maybe, s.Open = now, now, Open{Was: s.Was}
	for _, l := range s.LogIns {
		l.Listed, l.Under = true, nil
	}
}

// Found reports whether the log-in is found by its user.
func (l *LogIn) Found() bool { return l.Listed && !l.Unnamed }

// Account is that of its user.
func (l *LogIn) Account() Account { return Account{l.Guard, l.User} }

// form is how the process that answers writes the user's id: with the role, where a serializer.Namer says who
// that is.
func (m *Model) form(v *Visit, user int) string {
	switch {
	case v.Form == 0:
		return ""
	case m.Named:
		return "with the role " + m.Roles[Account{v.Guard, user}]
	}
	return "with a tenant"
}

// Good reports whether the stamp of the log-in is that of the user (S11).
func (m *Model) Good(l *LogIn) bool {
	return !m.Stamp || l.Node || l.Password == m.Passwords[l.Account()]
}

// Pending reports whether a factor that the user has set up is missing: nobody passes then.
func (m *Model) Pending(l *LogIn) bool { return m.Factor != "" && l.User == 1 && !l.Proved(m.Factor) }

// lets is the answer to who has this log-in now.
func (m *Model) lets(l *LogIn) int {
	if m.Pending(l) {
		return 401
	}
	return 200
}

// Proved reports whether a factor is proved.
func (l *LogIn) Proved(factor string) bool { return slices.Contains(l.Factors, factor) }

// prove adds a factor, unless the strategy proves none but what the user knows.
func (l *LogIn) prove(strategy string) {
	if (strategy == "totp" || strategy == "passkey") && !l.Proved(strategy) {
		l.Factors = slices.Sorted(slices.Values(append(slices.Clone(l.Factors), strategy)))
	}
}

// Has reports whether such a log-in is in the session.
func (s *Session) Has(f func(*LogIn) bool) bool {
	for _, l := range s.LogIns {
		if f(l) {
			return true
		}
	}
	return false
}

// of returns the log-in at the guard, nil for none.
func (s *Session) of(guard int) *LogIn {
	if s == nil {
		return nil
	}
	return s.LogIns[guard]
}

// others reports whether somebody is logged in at another guard.
func (s *Session) others(guard int) bool {
	return s.Has(func(l *LogIn) bool { return l.Guard != guard })
}

// at returns the session that holds the log-in.
func (m *Model) at(l *LogIn) *Session {
	for _, s := range m.Live {
		if s.LogIns[l.Guard] == l {
			return s
		}
	}
	return nil
}

// Short is a form of an id for messages.
func Short(id string) string { return id[:min(len(id), 6)] }
