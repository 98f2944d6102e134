package outside

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/compositions/model"
)

// An outage changes nothing by itself. A request that it hits is answered 503 and sets no cookie. If none
// of its commands was executed, the request had no effect. Otherwise it may have had an effect or not
// (S18), and the next questions to the program decide: a session is as before, or as the request would have
// made it, or ended if the request was to end or move it. A record that the request stored under an id that
// no answer contained may stay until it expires. Nobody can present that id, except a remembered browser,
// which gets the session that its token had already made.

// Half is a request or call that an outage hit. What it has done is only partly known.
type Half struct {
	model.Visit
	Touched     []string // ids whose records one of its commands changed or ended
	Made        []string // ids under which it created records
	Cells       bool     // it changed a cell of remember-me
	Ends        bool     // it was meant to end or move sessions
	User        int      // the user it concerned; 0 for none in particular
	Labels      []string // a provider's names of the log-in
	Name, Value string   // the value that it was meant to store
	Flash       bool     // it was meant to add or show messages
	Guess       string   // the strategy whose credentials it sent
	Stamps      bool     // a log-in at its guard that it stored has a stamp, also if Express made that before

	from   *model.Session // the session that it presented
	series *model.Series  // and the series, which may have ended since
}

// doubt is what outages have left undecided.
type doubt struct {
	silent   bool             // the step had no effect
	sessions map[string]*Half // unchanged, or as the request would have made them
	orphans  map[string]*Half // stored under ids that no answer contained
	about    map[string]*about
}

func newDoubt() doubt {
	return doubt{sessions: map[string]*Half{}, orphans: map[string]*Half{}, about: map[string]*about{}}
}

// Outage says that an outage hit the request h; nil means none did. It is called before the method that
// models the request. What was answered has happened, except what is best effort: the refresh (S12), ending
// devices beyond the maximum and the series that a log-in replaces, and removing what was stored for a
// refused log-in.
func (m *Model) Outage(h *Half) {
	if m.unheard, m.half = h != nil, h; h == nil {
		return
	}
	if m.made(h); h.from != nil && !h.Stale {
		m.about(h.from.ID).half = true
	}
}

// moved records, of a session that a request has moved which an outage hit, that the former id may still be
// listed: what ends that ends the new one too.
func (m *Model) moved(v *model.Visit) {
	if h, n := m.half, m.Live[v.ID]; h != nil && h.from != nil && n != nil && n != h.from {
		m.about(n.ID).was = slices.AppendSeq(slices.Clone(m.about(h.from.ID).was), maps.Values(h.from.LogIns))
	}
	m.half = nil
}

// Remembers implements [model.Doubts]. An outage may have ended it, or stored another token for it. Then
// an answer without a token says that it had ended, or that the token was treated as a copy.
func (m *Model) Remembers(v *model.Visit, r *model.Series) bool {
	m.stays(v)
	switch {
	case !r.Unsure:
		return true
	case v.Next != "":
		r.Unsure, r.Token, r.Older, r.Password = false, v.Token, "", m.Passwords[r.Account]
		return true
	case v.Token != r.Token:
		m.EndUser(&r.LogIn, false)
	}
	m.unheard = true
	m.forget(r)
	return false
}

// Muted reports whether the events of a step are unknown. A step without effect must not report success.
func (m *Model) Muted(got []model.Event) bool {
	mute, silent := m.unheard, m.doubt.silent
	m.unheard, m.doubt.silent = false, false
	for _, e := range got {
		m.Want(!silent || e.Name != "session_created" && e.Name != "session_renewed" || e.Outcome != "success", "outage: a refused request sends the event of what it has not done", "%+v", e)
	}
	return mute
}

// made records that h may have been counted as a guess, and that it created records under ids that its
// answer does not contain.
func (m *Model) made(h *Half) {
	if h.Guess != "" {
		key := fmt.Sprint(h.Guard, h.Guess, h.User)
		m.Wrong[key] = append(m.Wrong[key], h.Now)
	}
	h.from, h.series = m.First(&h.Visit), m.Tokens[h.Token]
	for _, id := range h.Made {
		if id != h.ID {
			m.doubt.orphans[id] = h
		}
	}
}

// Refused models a request that an outage hit and that was answered 503.
func (m *Model) Refused(h *Half) {
	m.Answer = model.Answer{Status: http.StatusServiceUnavailable, Refused: "a request that an outage met"}
	if r := m.Tokens[h.Token]; r != nil && (h.Cells || h.Next == r.Token || r.Unsure) { // a token that was used may be replaced even so
		m.Answer.Token, m.Answer.Next = model.MaySet, h.Next
		if h.Next != "" {
			m.Tokens[h.Next] = r
		}
	}
	if r := m.Tokens[h.Token]; r == nil || r.Unsure { // it may be found to be invalid
		m.Answer.Token |= model.MayExpire
	}
	if h.Token != "" && slices.Contains(h.Made, h.ID) { // and the answer may contain the session that it made
		m.Answer.Session, h.ID = model.MaySet, ""
	}
	m.unheard, m.doubt.silent = true, len(h.Touched)+len(h.Made) == 0 && !h.Cells
	m.made(h)
	for _, id := range h.Touched {
		if m.doubt.sessions[id] = h; m.Live[id] != nil {
			m.mayBeUsed(m.Live[id], h.Now) // the program is asked only later
		}
	}
	if h.Cells {
		for _, r := range m.Tokens {
			if r == m.Tokens[h.Token] || r.Guard == h.Guard && (h.User == 0 || h.User == r.User) {
				r.Unsure = true
			}
		}
	}
}

// Changed sets how often a user has changed the password, when an outage hit the change: the application's
// own table is not in the store.
func (m *Model) Changed(guard, user, times int) {
	m.Passwords[model.Account{Guard: guard, User: user}] = times
}

// ChangePassword models a request that changes the password. If an outage may have ended the series of the
// user's browser, an answer that expires its cookie says that it has.
func (m *Model) ChangePassword(r *Reply, fresh bool) {
	s, series := m.First(&r.Visit), m.Tokens[r.Token]
	its := func(l *model.LogIn) bool { return l.Guard == r.Guard && l.User == series.User && m.Good(l) }
	if series != nil && series.Unsure && r.Forgot && s.Has(its) {
		m.forget(series)
	}
	account := model.Account{Guard: r.Guard}
	if series != nil {
		account = series.Account
	}
	times := m.Passwords[account]
	m.asks = true
	m.Model.ChangePassword(&r.Visit, fresh)
	if !r.Met || series == nil {
		return
	}
	if m.Passwords[account] != times { // the answer for its token decides later
		m.Answer.Token, series.Unsure = model.MaySet, true
	}
	if r.Next != "" { // it has the new token, though something failed
		m.Tokens[r.Next] = series
	}
}

// Orphan reports whether a refused request stored the session under an id that no answer contained.
func (m *Model) Orphan(id string) bool { return m.doubt.orphans[id] != nil }

// Settled decides, from what the program says of an id, what an outage or Express left undecided.
func (m *Model) Settled(id string, f Opened) {
	m.outlived(id, f.Lives)
	if h := m.doubt.orphans[id]; h != nil && m.Live[id] == nil {
		if !f.Lives {
			delete(m.doubt.orphans, id)
			return
		}
		m.adopt(id, h, f)
	}
	h, s := m.doubt.sessions[id], m.Live[id]
	if guard, unsaid := m.mayEnd[id]; unsaid {
		if h = (&Half{Visit: model.Visit{Guard: guard}, Ends: true}); guard >= 0 {
			h.Now = m.Now
		}
	}
	delete(m.mayEnd, id)
	if delete(m.doubt.sessions, id); h == nil || s == nil {
		return
	}
	if !f.Lives {
		good := s.Has(m.Good)
		m.Want(h.Ends || !good && len(s.LogIns) > 0, "outage: a request that ends nothing ended a session", "%s with %d log-ins", id, len(s.LogIns))
		m.End(id, "")
		return
	}
	if l := s.LogIns[h.Guard]; l != nil && h.Ends && m.Good(l) && f.Users[h.Guard] == 0 && !f.Pending[h.Guard] {
		delete(s.LogIns, h.Guard) // a log-out that kept another guard's log-in
	}
	if h.Name != "" && f.Values[h.Name] == h.Value {
		s.Values[h.Name] = h.Value
	}
	m.about(id).half = true
	if h.Flash {
		s.Values["flash"] = model.Anything
	}
	m.mayBeUsed(s, h.Now)
}

// adopt adds a session that a refused request stored under an id that no answer contained. Only users of
// the presented session, and the user who logged in, may be in it. What it began with may be a stale record,
// also of a session that had ended.
func (m *Model) adopt(id string, h *Half, f Opened) {
	s := model.NewSession(id, h.Now)
	s.Dies, s.Values = h.Now.Add(m.Idle), maps.Clone(f.Values)
	if h.from != nil {
		s.Born = h.from.Born
	}
	began := []*model.Session{h.from}
	for _, presented := range h.IDs {
		if h.Stale {
			began = append(began, m.before[presented])
		}
	}
	maps.DeleteFunc(s.Values, func(_, v string) bool { return v == "" })
	for k, v := range s.Values {
		m.Want(h.Stale || k == h.Name && v == h.Value || h.from != nil && h.from.Values[k] == v, "outage: a value from elsewhere", "%s of %s: %q", k, id, v)
	}
	for g, u := range f.Users {
		if f.Pending[g] {
			u = 1 // who has set up the factor
		}
		if u == 0 {
			continue
		}
		l, brought := &model.LogIn{Account: model.Account{Guard: g, User: u}, Begun: h.Now}, false
		for _, from := range began {
			if from != nil && from.LogIns[g] != nil && from.LogIns[g].User == u && !brought {
				*l, brought = *from.LogIns[g], true
			}
		}
		l.Node = l.Node && (!h.Stamps || g != h.Guard)
		r := cmp.Or(m.Tokens[h.Token], h.series)
		if r != nil && g == h.Guard && h.User == 0 && (h.from == nil || h.from.LogIns[g] == nil) {
			l.Series, l.Labels = r, r.Labels
		}
		known := g == h.Guard && (l.User == h.User || r != nil && r.User == l.User)
		m.Want(known || brought, "outage: somebody is logged in whom the request did not bring", "guard %d, user %d under %s", g, l.User, id)
		l.Password = m.Passwords[l.Account]
		l.Factors = slices.DeleteFunc(slices.Clone(l.Factors), func(factor string) bool { return factor == m.Factor })
		if l.User == 1 && m.Factor != "" && !f.Pending[g] {
			l.Factors = append(l.Factors, m.Factor)
		}
		s.LogIns[g] = l
	}
	m.Live[id] = s
}

// Listed decides from a list what was unknown about sessions. Those that a refused request stored may have
// no entry.
func (m *Model) Listed(guard, user int, got []Device) {
	for id := range m.doubt.orphans {
		s := m.Live[id]
		if s == nil || s.LogIns[guard] == nil || s.LogIns[guard].User != user || !m.Good(s.LogIns[guard]) { // a list hides the latter
			continue
		}
		l := *s.LogIns[guard]
		i := slices.IndexFunc(got, func(d Device) bool { return d.ID == id })
		if l.Listed = i >= 0; l.Listed {
			apart := slices.ContainsFunc(got, func(d Device) bool {
				s := m.Live[d.ID]
				return d.ID != id && s != nil && s.LogIns[guard] != nil && s.LogIns[guard].Series == l.Series
			})
			if h := m.doubt.orphans[id]; h.User > 0 && !got[i].LoggedIn.Equal(l.At.Truncate(time.Millisecond)) { // it is the new log-in, not the remembered one
				l.Series, l.Labels = nil, h.Labels
			} else if apart { // it was renewed in a browser that was not remembered any more
				l.Series = nil
			}
			l.At, l.Factors = got[i].LoggedIn, got[i].Factors
			l.Unnamed = false
		} else if a := m.about(id); l.Series != nil && a.was == nil { // the list may show another session of the browser in its place
			hidden := l
			hidden.Listed, a.was = true, append(a.was, &hidden)
		}
		s.LogIns[guard] = &l
	}
	for id, s := range m.Live {
		if l := s.LogIns[guard]; l != nil && l.User == user && m.maybe[l] {
			delete(m.maybe, l)
			l.Listed = slices.ContainsFunc(got, func(d Device) bool { return d.ID == id })
			if s.Born.IsZero() && l.Listed { // so Go has written it
				s.Born = m.Now
			}
		}
	}
}
