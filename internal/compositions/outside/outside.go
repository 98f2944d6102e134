// Package outside answers: what must be true when others change the store, or nobody can reach it?
//
// The others are Express, and a replica that takes over or lags. Where several outcomes are allowed, the
// model accepts what the program says if it is one of them, and requires it from then on. A Model answers
// what package model asks of its Doubts, and corrects its state before and after each of its methods.
package outside

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/compositions/model"
)

// Model is a model of a program whose store others change.
type Model struct {
	*model.Model
	Broken    []Broken
	unheard   bool                  // the events of the current step are unsaid
	uncounted map[int]bool          // by place in Events, how many sessions ended is
	passed    *model.Event          // an event that it may send
	asks      bool                  // the current request asks for the user
	presented *model.Series         // that it presents
	from      *model.Session        // that it uses
	note      model.Note            // beside its record
	maybe     map[*model.LogIn]bool // whether the list has them is unsaid
	mayEnd    map[string]int        // by id, a guard: its log-in may have ended; none: the session may have
	doubt     doubt
	found     map[string][]int // by id, users in whose list Go has had it before Express wrote it
	half      *Half            // the current request, if an outage hit it
	slow      *slow
	under     map[string]*model.Session       // what Express wrote late, hidden by the note of an end
	kept      *kept                           // the state of a replica that fell behind
	old       *kept                           // that of an old primary
	copied    map[*model.Series]*model.Series // the original of a copy
	issued    map[string]*model.Series        // the original of the series of each token that another state has
	before    map[string]*model.Session       // by id, with their log-ins when the reads fell behind
}

// New returns the Model of a program that has just started.
func New(c model.Config) *Model {
	m := &Model{doubt: newDoubt(), under: map[string]*model.Session{}, copied: map[*model.Series]*model.Series{}, issued: map[string]*model.Series{}, found: map[string][]int{}}
	m.maybe, m.mayEnd, m.uncounted = map[*model.LogIn]bool{}, map[string]int{}, map[int]bool{}
	m.Model = model.New(c, m)
	return m
}

// Broken is a broken promise. All journeys that break it in the same way have the same Kind.
type Broken struct{ Kind, Text string }

// Want records a broken promise unless ok.
func (m *Model) Want(ok bool, kind, text string, args ...any) {
	if !ok {
		m.Broken = append(m.Broken, Broken{kind, fmt.Sprintf(text, args...)})
	}
}

// Empty models that the store has lost everything. An old primary has not.
func (m *Model) Empty() {
	m.remember()
	m.Store, m.doubt, m.under = model.New(m.Config, m).Store, newDoubt(), map[string]*model.Session{}
}

// Answered ends a request, and returns what its answer must be. If it read a stale record, a log-out may have
// seen no other log-in. After an outage, too, nothing is said of the cookie of the session in use: its times
// may differ.
func (m *Model) Answered(v *model.Visit) model.Answer {
	m.doubtful(v)
	a := m.Model.Answered(v)
	m.from, m.presented, m.asks = nil, nil, false
	m.moved(v)
	if v.Stale && a.Session == model.Expired {
		a.Session = either
	}
	if v.Stale || v.Met {
		a.InUse = nil
	}
	for id, h := range m.doubt.orphans { // what an outage has left of a renewal may end with the former id
		if a.Left && h.from != nil && slices.Contains(v.IDs, h.from.ID) && m.Live[id] != nil && id != v.ID {
			if m.mayEnd[id] = v.Guard; a.Session == model.Expired {
				a.Session = either
			}
		}
	}
	return a
}

// either is the fate of a cookie that an answer may set or expire.
const either = model.MaySet | model.MayExpire

// Opened is what the program says of an id.
type Opened struct {
	Lives   bool
	Users   []int // by guard; 0 for nobody
	Pending []bool
	Values  map[string]string
}

// Device is one entry of Guard.Sessions. It stands for one browser, and names one of its sessions.
type Device struct {
	ID       string
	LoggedIn time.Time
	Factors  []string
	Pending  bool
}

// Reply is what the program answered to a request.
type Reply struct {
	model.Visit
	What   string        // what the request does, in words; "" if the model does not say what it must be answered
	Sent   bool          // it has a session cookie, valid or not
	Again  bool          // the answer's cookie has an id that was presented
	Until  time.Time     // the Expires of the session's cookie
	MaxAge time.Duration // and its Max-Age
	Ages   bool          // the codec sends Max-Age
	Gone   bool          // the answer expires the session's cookie
	Keeps  time.Duration // the Max-Age of the cookie of RememberMe
	Forgot bool          // the answer expires the cookie of RememberMe
}
