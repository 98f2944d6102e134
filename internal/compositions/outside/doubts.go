package outside

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/compositions/model"
)

// Nearly all that is in doubt is in doubt of one session, until Go writes that, or until the program is asked
// after the step.

// none stands for no guard: the session itself may have ended.
const none = -1

// about is what is in doubt of a session. The zero value is that nothing is.
type about struct {
	half  bool                 // an outage hit a write of it, or Express wrote what it had read before
	late  bool                 // Express wrote it after it had ended: its entries under labels may be gone
	read  bool                 // Go may have written it since Express did
	under *model.LogIn         // the log-in that Go's notes in the record still describe
	was   []*model.LogIn       // that were dropped, but by which it may still be found
	over  map[int]*model.LogIn // by guard, past their limit beside another guard's; it may be found by them (M4)
	past  bool                 // it has ended at its limit, and Express has written it
}

// about returns what is in doubt of the session id.
func (m *Model) about(id string) *about {
	a := m.doubt.about[id]
	if a == nil {
		a = &about{over: map[int]*model.LogIn{}}
		m.doubt.about[id] = a
	}
	return a
}

// Known implements [model.Doubts]. A request that an outage hits may not have refreshed the session.
func (m *Model) Known(v *model.Visit, s *model.Session) bool {
	a := m.about(s.ID)
	m.from, m.note, a.read = s, m.Ended[s.ID], true
	if !v.Stale && !a.half {
		return true
	}
	if m.mayBeUsed(s, v.Now); !v.Met && !v.Stale {
		s.Lives = v.Now.Add(m.Idle - m.Refresh)
	}
	return false
}

// Wrote implements [model.Doubts].
func (m *Model) Wrote(s, from *model.Session) {
	a := m.about(s.ID)
	if a.half, a.late, a.read, a.under = false, false, false, nil; from != nil {
		a.was, a.over = slices.Clone(m.about(from.ID).was), maps.Clone(m.about(from.ID).over)
	}
}

// Begins is called before the method that models a request.
func (m *Model) Begins(v *model.Visit) { m.presented = m.Tokens[v.Token] }

// Page models a request for a page, which asks for the user.
func (m *Model) Page(v *model.Visit, p model.Page) *model.LogIn {
	m.asks = true
	return m.Model.Page(v, p)
}

// StepUp models a request with a second factor. Once that is accepted, it asks for the user.
func (m *Model) StepUp(v *model.Visit, factor string, user int, right bool) {
	m.asks = right
	m.Model.StepUp(v, factor, user, right)
}

// EndOwn models Guard.EndSession in a request of the user. The list says which sessions end, whether or not the
// series was over before.
func (m *Model) EndOwn(v *model.Visit, id string) {
	m.asks = true
	m.presented = nil
	m.Model.EndOwn(v, id)
}

// forget ends a series.
func (m *Model) forget(r *model.Series) {
	maps.DeleteFunc(m.Tokens, func(_ string, of *model.Series) bool { return of == r })
}

// mayBeUsed records that Go may have written the session: it may have been refreshed, and log-ins that
// Express wrote may be listed now.
func (m *Model) mayBeUsed(s *model.Session, now time.Time) {
	s.Dies, m.about(s.ID).read = model.Later(s.Dies, now.Add(m.Idle)), true
	for _, l := range s.LogIns {
		if !l.Listed {
			m.maybe[l] = true
		}
	}
}

// mayBeListed records that the next list says whether it has the log-in.
func (m *Model) mayBeListed(l *model.LogIn) { l.Listed, m.maybe[l] = false, true }

// Ends implements [model.Doubts]. A session that is found only by a log-in that it had may go on.
func (m *Model) Ends(s *model.Session, in func(*model.LogIn) bool, sure bool) bool {
	a := m.about(s.ID)
	was := slices.ContainsFunc(slices.AppendSeq(slices.Clone(a.was), maps.Values(a.over)), in)
	if !was && !s.Has(in) {
		return false
	}
	over := m.presented != nil && m.presented.Unsure && in(&model.LogIn{Series: m.presented}) // perhaps, before
	ends := sure && !was && !a.late && !over
	if !ends {
		m.mayEnd[s.ID] = none
	}
	idle := !m.Now.Before(s.Lives) && m.Now.Before(s.Dies) // it may have ended before
	if !ends || idle {
		m.uncounted[len(m.Events)] = true
	}
	return ends
}

// doubtful records what is in doubt of what a request has used and ended. It is called before what follows a
// log-in.
func (m *Model) doubtful(v *model.Visit) {
	recalled := slices.ContainsFunc(m.Events, func(e model.Event) bool {
		return e.Name == "authn_login_success" && e.Strategy == "remember"
	})
	m.stays(v)
	if s := m.from; s != nil && m.asks && m.Answer.Status != http.StatusTooManyRequests && s.LogIns[v.Guard] == nil {
		if over := m.about(s.ID).over[v.Guard]; over != nil {
			m.passed = &model.Event{Name: "session_expired", Guard: v.Guard, User: over.User, Session: s.ID, Reason: "absolute_timeout"}
		}
	}
	if n := m.Live[v.ID]; n != nil { // a log-in takes the place of one that is past its limit, and Regenerate keeps none
		maps.DeleteFunc(m.about(n.ID).over, func(g int, _ *model.LogIn) bool { return n.LogIns[g] != nil || len(n.LogIns) == 0 })
	}
	for id, s := range m.Live {
		r := m.Tokens[v.Token]
		hidden := func(l *model.LogIn) bool { return r != nil && l.Series == r && s.Born.Before(r.Moved) && !m.Good(l) }
		if recalled && !v.Withheld && id != v.ID && s.Has(hidden) {
			m.mayEnd[id] = none // no list shows that it is an earlier session of the browser (M6)
		}
		if m.Answer.Left && id != v.ID && m.Ended[id].To != "" && m.presents(v.IDs, id) {
			for _, l := range s.LogIns { // Express wrote it late, and another guard's log-in stays (M15)
				m.mayBeListed(l)
			}
		}
	}
}

// stays puts back the session in use if a changed stamp has ended it and an outage hits the request: that
// end is best effort (M11). The request may still end it in another way.
func (m *Model) stays(v *model.Visit) {
	s := m.from
	if !v.Met || s == nil || m.Live[s.ID] != nil || m.Live[v.ID] != nil || m.Answer.Left {
		return
	}
	if l := s.LogIns[v.Guard]; l != nil && !m.Good(l) {
		m.Live[s.ID], m.Ended[s.ID], m.mayEnd[s.ID], m.from = s, m.note, none, nil
	}
}

// presents reports whether a request presents the id, or one that went on as that.
func (m *Model) presents(ids []string, id string) bool {
	return slices.ContainsFunc(ids, func(at string) bool {
		for ; at != "" && at != id; at = m.Ended[at].To {
		}
		return at == id
	})
}

// Expire applies the time limits, and keeps what they leave in doubt.
func (m *Model) Expire(now time.Time, lives func(id string) bool) {
	m.remember()
	before := map[*model.Session]map[int]*model.LogIn{}
	for _, s := range m.Live {
		before[s] = maps.Clone(s.LogIns)
	}
	m.Model.Expire(now, lives)
	for s, logIns := range before {
		a := m.about(s.ID)
		for g, l := range logIns {
			if s.LogIns[g] == nil {
				a.over[g] = l
			}
		}
		a.past = s.Node && !now.Before(m.Limit(s, s.All()...))
	}
}

// Expected is an event that a step may or must send.
type Expected struct {
	model.Event
	Unsure    bool // it may be sent or not
	Anyone    bool // any User is allowed
	Uncounted bool // any Count is allowed
}

// Expected returns the events of the step.
func (m *Model) Expected() (list []Expected) {
	for i, event := range m.Events {
		uncounted := m.uncounted[i]
		e := Expected{Event: event, Unsure: event.IfAny && (event.Count == 0 || uncounted), Uncounted: uncounted}
		if a := m.doubt.about[e.Session]; e.Reason == "timeout_or_ended" && a != nil && a.past { // it may have outlasted its limits
			e.Reason, e.Unsure, e.Anyone = "timeout_or_ended|absolute_timeout", true, true
		}
		if uncounted && e.Reason == "too_many" { // any of the device's sessions may be the latest, by which it is listed
			e.Session = model.Anything
		}
		if uncounted || e.Count > 0 || !e.IfAny {
			list = append(list, e)
		}
	}
	if m.passed != nil {
		list = append(list, Expected{Event: *m.passed, Unsure: true})
	}
	m.Events, m.uncounted, m.passed = nil, map[int]bool{}, nil
	return list
}
