package model

import (
	"slices"
	"time"
)

// Found is what the program says of one id.
type Found struct {
	Lives   bool
	Users   []int // by guard; 0 for nobody
	Pending []bool
	Values  map[string]string
}

// Ask compares what the program says of an id with what must be true.
func (m *Model) Ask(id string, f Found) {
	m.settle(id, f)
	s := m.live[id]
	if s == nil {
		who := ""
		for g, u := range f.Users {
			if u > 0 {
				who = " with a log-in"
				m.want(false, "session: a log-in that ended lives", "guard %d, user %d under %s", g, u, short(id))
			}
		}
		m.want(!f.Lives || who != "", "session: one that ended lives", "%s", short(id))
		return
	}
	m.want(f.Lives, "session: one that lives is gone", "%s with %d log-ins", short(id), len(s.LogIns))
	if !f.Lives {
		return
	}
	for g, u := range f.Users {
		want, pending := 0, false
		if l := s.LogIns[g]; l != nil && m.good(l) {
			if pending = m.pending(l); !pending {
				want = l.User
			}
		}
		m.want(u == want || want != 0, "user: a log-in that must not be", "guard %d of %s: got user %d, want nobody", g, short(id), u)
		m.want(u == want || want == 0, "user: a log-in is missing or another's", "guard %d of %s: got user %d, want %d", g, short(id), u, want)
		m.want(f.Pending[g] == pending, "user: pending is wrong", "guard %d of %s: got %v, want %v", g, short(id), f.Pending[g], pending)
	}
	for _, k := range []string{"a", "b", "returnTo"} {
		m.want(f.Values[k] == s.Values[k], "value: a session holds another value", "%s of %s: got %q, want %q", k, short(id), f.Values[k], s.Values[k])
	}
}

// Device is one entry of Guard.Sessions.
type Device struct {
	ID       string
	LoggedIn time.Time
	Totp     bool
	Pending  bool
}

// Devices compares what Guard.Sessions lists with what must be true.
func (m *Model) Devices(guard, user int, got []Device) {
	m.listOrphans(guard, user, got)
	for id, s := range m.live {
		if l := s.LogIns[guard]; l != nil && l.User == user && (l.Unsaid || s.Read && s.Found == user) { // not said, but now
			s.Found, l.Unsaid, l.Listed = 0, false, slices.ContainsFunc(got, func(d Device) bool { return d.ID == id })
		}
	}
	want := m.devices(guard, user, all)
	m.want(len(got) == len(want), "list: the number of a user's devices", "guard %d, user %d: got %d, want %d", guard, user, len(got), len(want))
	for _, d := range got {
		i := slices.IndexFunc(want, func(w []*Session) bool { return slices.ContainsFunc(w, func(s *Session) bool { return s.ID == d.ID }) })
		if i < 0 {
			m.want(false, "list: a device that must not be", "guard %d, user %d: %s", guard, user, short(d.ID))
			continue
		}
		l := m.live[d.ID].LogIns[guard]
		m.want(d.LoggedIn.Equal(l.At.Truncate(time.Millisecond)), "list: when a device logged in", "got %v, want %v", d.LoggedIn, l.At)
		m.want(d.Totp == l.Totp && d.Pending == m.pending(l), "list: a device's factors", "totp %v, pending %v, want %v, %v", d.Totp, d.Pending, l.Totp, m.pending(l))
	}
}
