// Package model answers: what must be true of log-ins and sessions after each request?
//
// It is written from the documents, docs/PROTOCOL.md and the doc comments of guard, session and remember,
// and uses none of their code. Numbers such as S8 are the rules of the protocol; M1 to M17 are its
// sentences on how features combine. For each request a Model gets what was presented, and the new id and
// token in the answer. From that it derives what must be answered, what every id that was ever issued must
// open, what each list must show, and which events must have been sent. Package journey compares.
//
// The effects of Express, of replicas and of outages are in package outside. Where they leave more than one
// outcome open, the model marks what is unsaid, and the next answer of the program decides.
package model

import "time"

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

	Idle, Refresh, Absolute time.Duration // session.Config's IdleTimeout, RefreshAfter and AbsoluteTimeout
	Grace, Remember         time.Duration // remember.Config's Grace and MaxAge
	Fresh                   time.Duration // the maximum age for Guard.RequireFresh
}

// Said is whether something is so. Where the documents leave it open, it is unsaid until an answer decides.
type Said int

// In the order of how much is said.
const (
	No Said = iota
	Unsaid
	Yes
)

// sure returns Yes if it is, and otherwise Unsaid.
func sure(is bool) Said {
	if is {
		return Yes
	}
	return Unsaid
}

// LogIn is one log-in: one user at one guard, from the credentials to the end. A renewal moves it to
// another session; it stays the same log-in.
type LogIn struct {
	Guard, User int
	At          time.Time // when credentials were checked; zero for one by a remembered browser (M6)
	Password    int       // how often the user had changed the password: the stamp (S11)
	Factors     []string  // proved ones: "totp", "passkey"
	Series      *Series   // that the log-in began, or that made the log-in
	Labels      []string  // a provider's names of the log-in (M8)
	Form        string    // how its user's id is serialized
	Begun       time.Time // names the log-in; what renews or continues it has the same
	Node        bool      // Express made it: the record has no notes of it
	Listed      Said      // its user's list has it; one of Express's is listed once Go has written it (M15)
	Unnamed     bool      // it is not listed under the serializer.Namer's name: Express made it (M15)
	Under       *LogIn    // the log-in that Go's notes in the record still describe
}

// Session is what is stored under one id. Ids are never used again (S1, S2).
type Session struct {
	ID          string
	LogIns      map[int]*LogIn // by guard
	Over        map[int]*LogIn // expired, while another guard's is still valid
	Values      map[string]string
	Born        time.Time // zero if Express made it and Go has not written it yet
	Lives, Dies time.Time // until Lives it surely lives; from Dies on it is over, if nothing ends it before (M9)
	Node        bool      // Express has written it
	Bound       bool      // to a key of its browser (S19)

	// What is unsaid about it until Go writes it.
	Half bool     // an outage hit a write of it
	Late bool     // Express wrote it after it had ended: its entries under labels may be gone
	Read bool     // Go may have written it since
	Was  []*LogIn // that were dropped, but by which it may still be found
}

// nobody is the session of a visitor who has none.
var nobody = &Session{}

// NewSession returns an empty session.
func NewSession(id string, born time.Time) *Session {
	s := &Session{ID: id, Born: born, Values: map[string]string{}}
	s.LogIns, s.Over = map[int]*LogIn{}, map[int]*LogIn{}
	return s
}

// Series is one remembered browser: a token that is replaced at each use. Its LogIn is the one that began
// it.
type Series struct {
	LogIn
	Token, Older string    // the current token and its predecessor
	Void         []string  // tokens that a change of the password made invalid (M5)
	Moved        time.Time // when the current token was made
	Over         Said      // Unsaid: or it has another token
}

// Visit is what one request presents, and what is new in its answer.
type Visit struct {
	Now      time.Time
	Guard    int
	Form     func(user int) string // how the process that answers serializes the user's id; "": as Express does
	IDs      []string              // the session ids in its cookies, in the order of precedence
	Unproved []string              // those of IDs that are bound to a key that it does not prove
	Token    string                // its cookie of the guard's RememberMe
	Withheld bool                  // another site caused it, and SameSite withheld the session's cookie (S13)
	Stale    bool                  // a lagging replica has an old version of one of the records (S17)
	Met      bool                  // an outage hit it, though it was answered: best effort may fail (M16)
	Reissues bool                  // it lacks the primary cookie, which session.Accept.Reissue then sets

	Status int    // of the answer
	ID     string // the new session id in its cookie
	Next   string // the token in its cookie of RememberMe
}

// Store is the content of the store, by id, token, and what is guessed.
type Store struct {
	Live   map[string]*Session
	Past   map[string]bool // whether an id is of an expired session that Express has written
	Ended  map[string]Note // what the ends of sessions have left
	Tokens map[string]*Series
	Wrong  map[string][]time.Time // the times of wrong guesses
}

// Note says where a session went on, if it did, and until when that is known (S7, S15).
type Note struct {
	To    string
	Until time.Time
}

// NewStore returns an empty Store.
func NewStore() (s Store) {
	s.Live, s.Past, s.Ended = map[string]*Session{}, map[string]bool{}, map[string]Note{}
	s.Tokens, s.Wrong = map[string]*Series{}, map[string][]time.Time{}
	return s
}

// Account is a user in the table of one guard. The application stores the tables itself.
type Account struct{ Guard, User int }

// Model holds what must be true. Make one with New.
type Model struct {
	Config
	Store
	Passwords map[Account]int // how often each was changed
	Roles     map[Account]string
	Now       time.Time                  // of the last check
	MayEnd    map[string]int             // by id, a guard: its log-in may have ended; none: the session may have
	Events    []Event                    // required of the current step
	Answer    Answer                     // required of the current request
	Remembers func(*Visit, *Series) bool // whether a series goes on that may be over, as the answer says
}

// none stands for no guard.
const none = -1

// New returns the Model of a program that has just started.
func New(c Config) *Model {
	m := &Model{Config: c, Store: NewStore(), MayEnd: map[string]int{}}
	m.Passwords, m.Roles = map[Account]int{}, map[Account]string{}
	return m
}
