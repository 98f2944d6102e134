package model

import "time"

// Opened is what an id opens.
type Opened struct {
	Lives   bool
	Users   []int // by guard; 0 for nobody
	Pending []bool
	Values  map[string]string
}

// Opens returns what an id must open, for the first guards of that number.
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

// Device is one entry of Guard.Sessions. It stands for one browser, and names one of its sessions.
type Device struct {
	ID       string
	LoggedIn time.Time
	Factors  []string
	Pending  bool
}

// Devices returns what Guard.Sessions must list. Each element holds the alternatives for one entry.
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
