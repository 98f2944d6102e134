// Package model answers: what must be true of log-ins and sessions after each request?
//
// It is written from the documents, docs/PROTOCOL.md and the doc comments of guard, session and remember,
// and uses none of their code. Numbers such as S8 are the rules of the protocol; M1 to M17 are its
// sentences on how features combine. For each request a Model gets what was presented, and the new id and
// token in the answer. From that it derives what must be answered, what every id that was ever issued must
// open, what each list must show, and which events must have been sent. Package journey compares.
//
// What Express, replicas and outages do is in package outside, with all that they leave open: see [Doubts].
package model

import "time"

// Config holds the settings that the documents' sentences depend on.
type Config struct {
	// A change of the password ends log-ins (Stamp), guard.Config.RefuseMore (Refuse), a serializer.Namer names
	// users, so that what Express wrote is not found by that name (Named), the store keeps tombstones (Notes),
	// guesses are delayed (Throttled), and session.Config's Persistent and Rolling.
	Stamp, Refuse, Named, Notes, Throttled, Persistent, Rolling bool

	Max, Free int    // guard.Config.MaxSessions, and how many wrong guesses are not delayed
	Factor    string // set up by user 1: "totp", "passkey" or ""

	// session.Config's IdleTimeout, RefreshAfter and AbsoluteTimeout, remember.Config's Grace and MaxAge, and
	// the age for Guard.RequireFresh.
	Idle, Refresh, Absolute, Grace, Remember, Fresh time.Duration
}

// LogIn is one log-in: one user at one guard, from the credentials to the end. A renewal moves it to
// another session; it stays the same log-in.
type LogIn struct {
	Account
	Password        int       // how often the user had changed the password: the stamp (S11)
	At, Begun       time.Time // when credentials were checked, zero for a remembered one (M6); see GoesOn
	Form            string    // how its user's id is serialized
	Factors, Labels []string  // proved factors: "totp", "passkey"; a provider's names of the log-in (M8)
	Series          *Series   // that the log-in began, or that made the log-in

	// Express made it: the record has no notes of it (Node), nor the name of a serializer.Namer (Unnamed). Its
	// user's list has it (Listed): one of Express's, once Go has written it (M15).
	Node, Unnamed, Listed bool
}

// Session is what is stored under one id. Ids are never used again (S1, S2).
type Session struct {
	ID          string
	LogIns      map[int]*LogIn // by guard
	Values      map[string]string
	Node, Bound bool // Express has written it; it is bound to a key of its browser (S19)

	// Born is zero if Express made it and Go has not written it yet. Until Lives it surely lives; from Dies on
	// it is over, if nothing ends it before (M9).
	Born, Lives, Dies time.Time
}

// nobody is the session of a visitor who has none.
var nobody = &Session{}

// NewSession returns an empty session.
func NewSession(id string, born time.Time) *Session {
	return &Session{ID: id, Born: born, LogIns: map[int]*LogIn{}, Values: map[string]string{}}
}

// Series is one remembered browser: a token that is replaced at each use. Its LogIn is the one that began
// it.
type Series struct {
	LogIn
	Token, Older string    // the current token and its predecessor
	Void         []string  // tokens that a change of the password made invalid (M5)
	Moved        time.Time // when the current token was made
	Unsure       bool      // it may be over, or have another token, as package outside says
}

// Visit is what one request presents, and what is new in its answer.
type Visit struct {
	Now           time.Time
	Guard, Status int                   // the latter is of the answer
	Form          func(user int) string // how the process that answers serializes the user's id; "": as Express
	IDs, Unproved []string              // the ids in its cookies, in order; those whose key it does not prove

	// The token in its cookie of the guard's RememberMe. In the answer: the new session id, and the new token.
	Token, ID, Next string

	// Another site caused it, and SameSite withheld the session's cookie (S13). It lacks the primary cookie,
	// which session.Accept.Reissue then sets. A lagging replica has an old version of one of the records
	// (S17). An outage hit it, though it was answered: best effort may fail (M16).
	Withheld, Reissues, Stale, Met bool
}

// Store is the content of the store, by id, token, and what is guessed.
type Store struct {
	Live   map[string]*Session
	Ended  map[string]Note        // what the ends of sessions have left
	Tokens map[string]*Series     // of those that have not ended
	Wrong  map[string][]time.Time // the times of wrong guesses
}

// Note says where a session went on, if it did, and until when that is known (S7, S15).
type Note struct {
	To    string
	Until time.Time
}

// Account is a user in the table of one guard. The application stores the tables itself.
type Account struct{ Guard, User int }

// Model holds what must be true. Make one with New.
type Model struct {
	Config
	Store
	Doubts
	Passwords map[Account]int // how often each was changed
	Roles     map[Account]string
	Now       time.Time // of the last check
	Events    []Event   // required of the current step
	Answer    Answer    // required of the current request
}

// Doubts says what is so where Express, a replica or an outage leaves it open. Where they do not, a session
// is known, a series is remembered, and the end of a log-in that is in a session ends that.
type Doubts interface {
	Known(*Visit, *Session) bool                           // the request finds the session as it is here
	Wrote(s, from *Session)                                // is told when Go has written s, made of from
	Remembers(*Visit, *Series) bool                        // the series goes on
	Ends(s *Session, in func(*LogIn) bool, sure bool) bool // the end of such log-ins ends the session
}

// none stands for no guard.
const none = -1

// New returns the Model of a program that has just started.
func New(c Config, d Doubts) *Model {
	s := Store{map[string]*Session{}, map[string]Note{}, map[string]*Series{}, map[string][]time.Time{}}
	return &Model{Config: c, Store: s, Doubts: d, Passwords: map[Account]int{}, Roles: map[Account]string{}}
}

// Fate is what an answer must do with a cookie. The zero value is that it must not touch it: the session's
// cookie is touched only by a log-in, a renewal, a log-out, and what gives a visitor without a session one
// (S13).
type Fate int

// The fates of a cookie. Expired applies to one that was presented.
const (
	MaySet Fate = 1 << iota
	MayExpire
	Must
	Set     = Must | MaySet
	Expired = Must | MayExpire
)

// Answer is what the answer to a request must be. The zero value is 200, and no cookie is touched.
type Answer struct {
	Status, User          int           // 0 is 200; the user whom the page shows
	Refused               string        // what is refused
	Session, Token, Again Fate          // of the session's cookie, of RememberMe's; if the id stays
	Next                  string        // the token in RememberMe's; "" is any other than the presented one
	Taken, Left           bool          // the new id is not new; what the request presents has ended
	InUse                 *Session      // after the request; nil if nothing is said of its cookie
	Until                 time.Time     // the Expires of the session's cookie
	Keeps                 time.Duration // the Max-Age of the cookie of RememberMe

	follows []func(sure bool) // what follows a log-in; not sure where an outage hits the request (M16)
}

// Event is what the model requires of a guard.Event.
type Event struct {
	Name, Outcome, Reason, Strategy string // the outcome follows from the name
	Guard, User, Count              int    // User is 0 if there is none
	Session, Account                string // the id; the account that refused credentials name
	IfAny                           bool   // it is sent only if Count is not 0
}

// Anything allows any Reason or Session, or any value of a session.
const Anything = "?"
