package model

import "time"

// Opened is what an id opens.
type Opened struct {
	Lives   bool
	Users   []int // by guard; 0 for nobody
	Pending []bool
	Values  map[string]string
}

// Opens says what an id opens at that many guards.
func (m *Model) Opens(id string, guards int) Opened {
	s := m.Live[id]
	o := Opened{s != nil, make([]int, guards), make([]bool, guards), nil}
	if s == nil {
		return o
	}
	o.Values = s.Values
	for g, l := range s.LogIns {
		if o.Pending[g] = m.Good(l) && m.Pending(l); m.Good(l) && !m.Pending(l) {
			o.Users[g] = l.User
		}
	}
	return o
}

// Device is one entry of Guard.Sessions, which names one of the sessions that a browser has.
type Device struct {
	ID       string
	LoggedIn time.Time
	Factors  []string
	Pending  bool
}

// Devices says what Guard.Sessions lists: for each entry those that it may be.
func (m *Model) Devices(guard, user int) (list [][]Device) {
	for _, sessions := range m.devices(guard, user, all) {
		var one []Device
		for _, s := range sessions {
			l := s.LogIns[guard]
			one = append(one, Device{s.ID, l.At.Truncate(time.Millisecond), l.Factors, m.Pending(l)})
		}
		list = append(list, one)
	}
	return list
}
