// Package model answers: what must be true of log-ins and sessions after each request?
//
// It is written from the documents, docs/PROTOCOL.md and the doc comments of guard, session and
// remember, and knows no code of theirs. Numbers such as S8 are the protocol's rules. A Model is
// told of each request what it presented and what was answered, decides what both mean, and is
// asked what every id that was ever issued must open now.
package model

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Config is what the documents' sentences depend on.
type Config struct {
	Stamp                bool // a change of the password ends log-ins
	Max                  int  // guard.Config.MaxSessions
	Refuse               bool // guard.Config.RefuseMore
	Factor               bool // user 1 has set up the factor "totp"
	Notes                bool // the store keeps tombstones
	Idle                 time.Duration
	Refresh              time.Duration
	Free                 int  // how many wrong guesses are free
	Throttled, Withholds bool // SameSite keeps cookies back from other sites' forms
	Absolute             time.Duration
	Grace                time.Duration // of a replaced token that remembers a browser
	Remember             time.Duration // how long a browser is remembered
}

// LogIn is one log-in: of one user at one guard, from its credentials to its end. A renewal moves
// it to another session; it stays the same log-in.
type LogIn struct {
	Guard, User int
	At          time.Time // when credentials were checked; zero for one by a remembered browser
	Password    int       // how often the user had changed the password
	Totp        bool      // the second factor is proved
	Series      *Series   // in which the log-in was remembered, or which made it
	Labels      []string  // names of the log-in elsewhere
	Node        bool      // Express made it: nothing is noted of it
	Under       *LogIn    // whose notes of Go's lie there still
	Listed      bool      // Go has written a session that Express wrote: it is in the index
}

// Session is what lies under one id. Ids are never used again (S1, S2).
type Session struct {
	ID     string
	LogIns map[int]*LogIn // by guard
	Values map[string]string
	Born   time.Time
	Sure   time.Time // the last use that surely moved the idle timeout, but for Refresh
	Maybe  time.Time // the last use that may have
	Stale  bool      // Express changed it in place: by which users it is found is not said
	Unsaid bool      // it was ended by such a name, or not
}

// Series is what remembers a browser: a token that is replaced at each use.
type Series struct {
	Guard, User  int
	Password     int
	Labels       []string
	Began        time.Time
	Token, Older string    // the present token, and the one that it replaced
	Void         []string  // those that were good before the stamp changed
	Moved        time.Time // when the present token was made
	Over         bool
}

// Broken is a promise that does not hold. Kind is the same for all journeys that break it in the
// same way.
type Broken struct{ Kind, Text string }

// Model is what must be true. Make one by New.
type Model struct {
	Config
	live      map[string]*Session
	moved     map[string]note // where a session went on (S7)
	tokens    map[string]*Series
	passwords map[[2]int]int
	wrong     map[string][]time.Time // guesses
	Broken    []Broken
}

type note struct {
	to    string
	until time.Time
}

// New returns a Model of a program that has just started.
func New(c Config) *Model {
	return &Model{Config: c, live: map[string]*Session{}, moved: map[string]note{}, tokens: map[string]*Series{}, passwords: map[[2]int]int{}, wrong: map[string][]time.Time{}}
}

// want notes a broken promise unless ok.
func (m *Model) want(ok bool, kind, text string, args ...any) {
	if !ok {
		m.Broken = append(m.Broken, Broken{kind, fmt.Sprintf(text, args...)})
	}
}

// Visit is what one request presents, and what it was answered.
type Visit struct {
	Now    time.Time
	Guard  int
	IDs    []string // the session ids of its cookies, in the order in which they are accepted
	Token  string   // the cookie by which the guard's RememberMe knows the browser
	Status int
	ID     string // the session's id that the answer's cookie brings
	Gone   bool   // the answer expires the session's cookie
	Next   string // the answer's cookie of RememberMe
	Forgot bool   // the answer expires the cookie of RememberMe
}

// status demands the answer's status.
func (m *Model) status(v *Visit, want int, what string) {
	m.want(v.Status == want, fmt.Sprintf("answer: %s is %d, want %d", what, v.Status, want), "%s: got %d, want %d", what, v.Status, want)
}

// find returns the session of a request: the first that lives. It is used by that.
func (m *Model) find(v *Visit) *Session {
	for _, id := range v.IDs {
		if s := m.live[id]; s != nil {
			s.Sure = v.Now
			if v.Now.After(s.Maybe) {
				s.Maybe = v.Now
			}
			if s.Born.IsZero() {
				s.Born = v.Now // the first request that uses it writes it
			}
			for _, l := range s.LogIns {
				l.Listed, l.Under = true, nil
			}
			return s
		}
	}
	return nil
}

// Expired applies the limits of time (S14). A session that nobody uses certainly lives for
// Idle-Refresh after its last use, and certainly not longer than Idle; in between it is not said.
func (m *Model) Expired(now time.Time) (unsaid []string) {
	for id, s := range m.live {
		for g, l := range s.LogIns {
			if !now.Before(m.limit(s, l)) && len(s.LogIns) > 1 {
				delete(s.LogIns, g) // another guard's log-in stays
			}
		}
		if s.Unsaid {
			unsaid = append(unsaid, id)
			s.Unsaid = false
			continue
		}
		switch {
		case !now.Before(m.deadline(s)), !now.Before(s.Maybe.Add(m.Idle)):
			delete(m.live, id)
		case !now.Before(s.Sure.Add(m.Idle - m.Refresh)):
			unsaid = append(unsaid, id)
		}
	}
	return unsaid
}

// limit is when a log-in ends however much it is used: its own time, or else the session's birth,
// and AbsoluteTimeout.
func (m *Model) limit(s *Session, l *LogIn) time.Time {
	switch {
	case !l.At.IsZero():
		return l.At.Add(m.Absolute)
	case s.Born.IsZero(): // Go has not written it yet
		return s.Maybe.Add(m.Absolute)
	}
	return s.Born.Add(m.Absolute)
}

// deadline is when a session ends: the latest of its log-ins, or an anonymous one's own.
func (m *Model) deadline(s *Session) (latest time.Time) {
	for _, l := range s.LogIns {
		if t := m.limit(s, l); t.After(latest) {
			latest = t
		}
	}
	switch {
	case !latest.IsZero():
		return latest
	case s.Born.IsZero():
		return s.Maybe.Add(m.Absolute)
	}
	return s.Born.Add(m.Absolute)
}

// Settle is told what became of an id of which nothing is said.
func (m *Model) Settle(id string, lives bool) {
	if !lives {
		delete(m.live, id)
	}
}

// good reports whether the stamp of the log-in is that of the user (S11).
func (m *Model) good(l *LogIn) bool {
	return !m.Stamp || l.Node || l.Password == m.passwords[[2]int{l.Guard, l.User}]
}

// listed reports whether the log-in is found by its user.
func (l *LogIn) listed() bool { return !l.Node || l.Listed }

// pending reports whether a factor that the user has set up is missing: nobody passes then.
func (m *Model) pending(l *LogIn) bool { return m.Factor && l.User == 1 && !l.Totp }

// --- ends ---

// end removes a session for good.
func (m *Model) end(id string) { delete(m.live, id) }

// chain ends, for a log-out of guard or, if that is below zero, for good, the session of id and
// where it went on (S7, S8). Where another guard's user is logged in, a log-out takes only its own
// log-in out, and the session stays. busy does not end.
func (m *Model) chain(now time.Time, id string, guard int, busy *Session) (stays bool) {
	for {
		s := m.live[id]
		if s != nil && s == busy {
			return false
		}
		if s != nil && guard >= 0 && m.others(s, guard) {
			delete(s.LogIns, guard)
			s.Maybe = now // taking a log-in out is a write
			return true
		}
		m.end(id)
		n, ok := m.moved[id]
		if !ok || !now.Before(n.until) {
			return false
		}
		id = n.to
	}
}

// others reports whether somebody is logged in at another guard.
func (m *Model) others(s *Session, guard int) bool {
	for g := range s.LogIns {
		if g != guard {
			return true
		}
	}
	return false
}

// endSeries ends a series and all sessions that it made, other guards' log-ins in them too.
func (m *Model) endSeries(r *Series, but *Session) {
	r.Over = true
	for id, s := range m.live {
		s.Unsaid = s.Unsaid || s.Stale && s != but
		for _, l := range s.LogIns {
			if l.Series == r && s != but {
				m.end(id)
			}
		}
	}
}

// endUser ends every session in which the user is logged in, and every series.
func (m *Model) endUser(guard, user int) {
	for _, r := range m.tokens {
		if r.Guard == guard && r.User == user {
			r.Over = true
		}
	}
	for id, s := range m.live {
		s.Unsaid = s.Unsaid || s.Stale
		if l := s.LogIns[guard]; l != nil && l.User == user && l.listed() {
			m.end(id)
		}
	}
}

// --- new ids ---

// move puts the content of s, nil for none, under the id that was answered (S5). A note shows
// where it went if a log-in goes on that this request did not prove (S7): that of proved, below
// zero for none.
func (m *Model) move(v *Visit, s *Session, proved int, what string) *Session {
	m.want(v.ID != "" && m.live[v.ID] == nil, "cookie: "+what+" brings no new id", "%s: the answer's cookie brings %q", what, short(v.ID))
	n := &Session{ID: v.ID, LogIns: map[int]*LogIn{}, Values: map[string]string{}, Born: v.Now, Sure: v.Now, Maybe: v.Now}
	if s == nil {
		m.live[n.ID] = n
		return n
	}
	n.LogIns, n.Values, n.Born, n.Stale = maps.Clone(s.LogIns), maps.Clone(s.Values), s.Born, s.Stale
	carries := false
	for g := range s.LogIns {
		carries = carries || g != proved
	}
	until := v.Now.Add(10 * time.Minute)
	if m.Notes {
		until = m.deadline(s)
	}
	m.end(s.ID)
	if carries {
		m.moved[s.ID] = note{n.ID, until}
	}
	m.live[n.ID] = n
	return n
}

// --- a log-in ---

// enter puts the log-in l into the session s, nil for none, under the id of the answer. A log-in
// that renews is the application's word for the session's own user.
func (m *Model) enter(v *Visit, s *Session, l *LogIn, renews bool, what string) *Session {
	proved := l.Guard
	if renews {
		proved = -1
	}
	var former *LogIn
	others := false
	values := map[string]string{}
	if s != nil {
		former, others, values = s.LogIns[l.Guard], m.others(s, l.Guard), s.Values
	}
	n := m.move(v, s, proved, what)
	switch {
	case former != nil && former.User == l.User, former == nil && others:
		n.Values = values // the same user, or another guard's log-in: all stay
	case former != nil:
		n.Values = map[string]string{} // another user's
	default:
		n.Values = map[string]string{} // an anonymous visitor's: what LogInOptions.Keep names
		for _, k := range []string{"returnTo", "flash"} {
			if values[k] != "" {
				n.Values[k] = values[k]
			}
		}
	}
	if !others && !renews {
		n.Born = v.Now
	}
	n.LogIns[l.Guard] = l
	n.Stale = n.Stale && l.Guard > 0 // Express knows the first guard
	if !renews {                     // a log-in ends whatever else the request presents
		for _, id := range v.IDs {
			if s == nil || id != s.ID {
				m.chain(v.Now, id, -1, n)
			}
		}
	}
	return n
}

// devices are a user's sessions as the user sees them: those of one series are one. The latest
// comes first. A session counts from its birth or its log-in, whichever is later.
func (m *Model) devices(guard, user int, but func(*Session, *LogIn) bool) (list [][]*Session) {
	var all []*Session
	for _, s := range m.live {
		if l := s.LogIns[guard]; l != nil && l.User == user && l.listed() && m.good(l) && (but == nil || !but(s, l)) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *Session) int { return began(b, guard).Compare(began(a, guard)) })
	for _, s := range all {
		i := slices.IndexFunc(list, func(d []*Session) bool {
			r := d[0].LogIns[guard].Series
			return r != nil && r == s.LogIns[guard].Series
		})
		if i < 0 {
			list = append(list, []*Session{s})
		} else {
			list[i] = append(list[i], s)
		}
	}
	return list
}

func began(s *Session, guard int) time.Time {
	if at := s.LogIns[guard].At; at.After(s.Born) {
		return at
	}
	return s.Born
}

// tooMany reports whether a log-in beyond what is in use would be refused. s is the session that
// the log-in replaces, former the series that the browser presents, which ends.
func (m *Model) tooMany(l *LogIn, s *Session, former *Series) bool {
	if m.Max == 0 || m.pending(l) {
		return false
	}
	n := 0
	for _, d := range m.devices(l.Guard, l.User, func(t *Session, u *LogIn) bool {
		return t == s || m.pending(u) || former != nil && u.Series == former
	}) {
		if r := d[0].LogIns[l.Guard].Series; r == nil || r != l.Series {
			n++
		}
	}
	return n >= m.Max
}

// evict ends the oldest of the user's devices beyond Max, and forgets their browsers.
func (m *Model) evict(n *Session, guard int) {
	l := n.LogIns[guard]
	list := m.devices(guard, l.User, func(_ *Session, u *LogIn) bool { return m.pending(u) })
	kept := 1 // n's own
	for _, d := range list {
		if slices.Contains(d, n) {
			continue
		}
		if kept++; kept <= m.Max {
			continue
		}
		for _, s := range d {
			if r := s.LogIns[guard].Series; r != nil {
				m.endSeries(r, nil)
			}
			m.end(s.ID)
		}
	}
}

func short(id string) string { return id[:min(len(id), 6)] }
