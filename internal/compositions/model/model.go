// Package model answers: what must be true of log-ins and sessions after each request?
//
// It is written from the documents, docs/PROTOCOL.md and the doc comments of guard, session and remember,
// and uses none of their code. Numbers such as S8 are the rules of the protocol; M1 to M17 are its
// sentences on how features combine. For each request a Model gets what was presented and what was
// answered. From that it derives what every id that was ever issued must open, what each list must show,
// and which events must have been sent.
//
// The effects of Express, of replicas and of outages are in package outside.
package model

import (
	"fmt"
	"slices"
	"time"
)

// Config holds the settings that the documents' sentences depend on.
type Config struct {
	Stamp               bool   // a change of the password ends log-ins
	Max                 int    // guard.Config.MaxSessions
	Refuse              bool   // guard.Config.RefuseMore
	Factor              string // set up by user 1: "totp", "passkey" or ""
	Named               bool   // a serializer.Namer names users; what Express wrote is not found by that name
	Notes               bool   // the store keeps tombstones
	Persistent, Rolling bool   // session.Config's
	Throttled           bool
	Free                int // how many wrong guesses are not delayed
	Idle, Refresh       time.Duration
	Absolute            time.Duration
	Fresh               time.Duration // the maximum age for Guard.RequireFresh
	Grace               time.Duration // remember.Config.Grace
	Remember            time.Duration // remember.Config.MaxAge
}

// LogIn is one log-in: one user at one guard, from the credentials to the end. A renewal moves it to
// another session; it stays the same log-in.
type LogIn struct {
	Guard, User int
	At          time.Time // when credentials were checked; zero for one by a remembered browser
	Password    int       // how often the user had changed the password
	Factors     []string  // proved ones: "totp", "passkey"
	Series      *Series   // that the log-in began, or that made the log-in
	Labels      []string  // a provider's names of the log-in
	Listed      bool      // its user's list has it; one of Express's is listed once Go has written it (M15)
	Unnamed     bool      // it is not listed under the serializer.Namer's name: Express made it (M15)
	Node        bool      // Express made it: the record has no notes of it
	Form        string    // how its user's id is serialized
	Begun       *LogIn    // the log-in that it renews or continues, or nil
	Under       *LogIn    // the log-in that Go's notes in the record still describe
	Unsaid      bool      // Listed is unknown
}

// Session is what is stored under one id. Ids are never used again (S1, S2).
type Session struct {
	ID     string
	LogIns map[int]*LogIn // by guard
	Over   map[int]*LogIn // expired, while another guard's is still valid
	Values map[string]string
	Born   time.Time // zero if Express made it and Go has not written it yet
	Sure   time.Time // the last use that surely extended the idle timeout, except for Refresh
	Maybe  time.Time // the last use that may have extended it
	Due    bool      // the last request that used it has surely extended it
	Node   bool      // Express has written it
	Bound  bool      // to a key of its browser (S19)
	Open
}

// Series is one remembered browser: a token that is replaced at each use. Its LogIn is the one that began
// it.
type Series struct {
	LogIn
	Token, Older string    // the current token and its predecessor
	Void         []string  // tokens that a change of the password made invalid
	Moved        time.Time // when the current token was made
	Over         bool
}

// Visit is what one request presents, and its answer.
type Visit struct {
	Now      time.Time
	Guard    int
	Form     int      // how the process that answers serializes users' ids; 0: as Express does
	IDs      []string // the session ids in its cookies, in the order of precedence
	Unproved []string // those of IDs that are bound to a key that it does not prove
	Sent     bool     // it has a session cookie, valid or not
	Token    string   // its cookie of the guard's RememberMe
	Withheld bool     // another site caused it, and SameSite withheld the session's cookie (S13)
	Stale    bool     // a lagging replica has an old version of one of the records (S17)
	Reissues bool     // it lacks the primary cookie, which session.Accept.Reissue then sets

	Status int
	ID     string        // the new session id in the answer's cookie
	Again  bool          // the answer's cookie has an id that was presented
	Until  time.Time     // the Expires of that cookie
	MaxAge time.Duration // and its Max-Age
	Ages   bool          // the codec sends Max-Age
	Gone   bool          // the answer expires the session's cookie
	Next   string        // the answer's cookie of RememberMe
	Keeps  time.Duration // and its Max-Age
	Forgot bool          // the answer expires the cookie of RememberMe
}

// Broken is a broken promise. All journeys that break it in the same way have the same Kind.
type Broken struct{ Kind, Text string }

// Store is the content of the store.
type Store struct {
	Live   map[string]*Session
	Past   map[string]*Session  // expired ones that Express has written
	Moved  map[string]Note      // successors (S7)
	Noted  map[string]time.Time // until when the note of an end is kept, by id
	Tokens map[string]*Series
	Wrong  map[string][]time.Time // the times of wrong guesses
}

// Note names the successor of a session, and says until when the note is valid.
type Note struct {
	To    string
	Until time.Time
}

// NewStore returns an empty Store.
func NewStore() Store {
	return Store{map[string]*Session{}, map[string]*Session{}, map[string]Note{}, map[string]time.Time{}, map[string]*Series{}, map[string][]time.Time{}}
}

// Account is a user in the table of one guard. The application stores the tables itself.
type Account struct{ Guard, User int }

// Model holds what must be true. Make one with New.
type Model struct {
	Config
	Store
	Passwords map[Account]int // how often each was changed
	Roles     map[Account]string
	Doubts    Doubts
	Now       time.Time // the time of the last check
	Broken    []Broken

	used   *Session // by the current request
	later  []func() // effects after the commit, which are best effort
	soft   bool     // while those run under an outage: they may have failed
	events []Event  // required of the current step
}

// none stands for no guard.
const none = -1

// New returns the Model of a program that has just started.
func New(c Config) *Model {
	return &Model{Config: c, Store: NewStore(), Passwords: map[Account]int{}, Roles: map[Account]string{}, Doubts: nothing{}}
}

// Want records a broken promise unless ok.
func (m *Model) Want(ok bool, kind, text string, args ...any) {
	if !ok {
		m.Broken = append(m.Broken, Broken{kind, fmt.Sprintf(text, args...)})
	}
}

// status requires the answer's status, and reports whether it is that.
func (m *Model) status(v *Visit, want int, what string) bool {
	m.Want(v.Status == want, fmt.Sprintf("answer: %s is %d, want %d", what, v.Status, want), "%s: got %d, want %d", what, v.Status, want)
	return v.Status == want
}

// First returns the session of a request: the first presented one that is live (M14), and that is not bound
// to a key without proof (S19).
func (m *Model) First(v *Visit) *Session {
	for _, id := range v.IDs {
		if s := m.Live[id]; s != nil && !slices.Contains(v.Unproved, id) {
			return s
		}
	}
	return nil
}

// Find returns the session of a request, or nil, and records that the request uses it.
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

// written records that Go has written the session.
func (s *Session) written(now time.Time) {
	if s.Born.IsZero() {
		s.Born = now
	}
	s.Sure, s.Maybe, s.Open = now, now, Open{Was: s.Was}
	for _, l := range s.LogIns {
		l.Listed, l.Under = true, nil
	}
}

// Found reports whether the log-in is found through its user.
func (l *LogIn) Found() bool { return l.Listed && !l.Unnamed }

// Account returns the account of the log-in's user.
func (l *LogIn) Account() Account { return Account{l.Guard, l.User} }

// form returns how the process that answers serializes the user's id. With a serializer.Namer the id
// contains the role.
func (m *Model) form(v *Visit, user int) string {
	switch {
	case v.Form == 0:
		return ""
	case m.Named:
		return "with the role " + m.Roles[Account{v.Guard, user}]
	}
	return "with a tenant"
}

// Good reports whether the stamp of the log-in is the user's current one (S11).
func (m *Model) Good(l *LogIn) bool {
	return !m.Stamp || l.Node || l.Password == m.Passwords[l.Account()]
}

// Pending reports whether the log-in lacks a factor that the user has set up. It then passes no guard.
func (m *Model) Pending(l *LogIn) bool { return m.Factor != "" && l.User == 1 && !l.Proved(m.Factor) }

// lets returns the status with which a page answers this log-in now.
func (m *Model) lets(l *LogIn) int {
	if m.Pending(l) {
		return 401
	}
	return 200
}

// Proved reports whether the factor is proved.
func (l *LogIn) Proved(factor string) bool { return slices.Contains(l.Factors, factor) }

// prove adds the factor that the strategy proves, if any: a password is not one.
func (l *LogIn) prove(strategy string) {
	if (strategy == "totp" || strategy == "passkey") && !l.Proved(strategy) {
		l.Factors = slices.Sorted(slices.Values(append(slices.Clone(l.Factors), strategy)))
	}
}

// Has reports whether f is true for a log-in in the session.
func (s *Session) Has(f func(*LogIn) bool) bool {
	for _, l := range s.LogIns {
		if f(l) {
			return true
		}
	}
	return false
}

// of returns the log-in at the guard, or nil.
func (s *Session) of(guard int) *LogIn {
	if s == nil {
		return nil
	}
	return s.LogIns[guard]
}

// others reports whether there is a log-in at another guard.
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

// Short shortens an id for messages.
func Short(id string) string { return id[:min(len(id), 6)] }
