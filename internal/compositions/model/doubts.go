package model

import "time"

// Open is what is left open of a session until the program writes it.
type Open struct {
	Half  bool           // an outage met a write of it
	Late  bool           // Express wrote it after it had ended: what finds it by a name may have gone
	Read  bool           // Go may have written it since
	Found int            // the user under whose name Go has listed it, where Express logged that one out since
	Was   map[int]*LogIn // that were dropped, and by which it may be found still
}

// Doubts are what is not said.
type Doubts interface {
	Uses(v *Visit, s *Session) (sure bool)                        // whether it is said what a request's use of s has moved
	Met() bool                                                    // an outage met the present request, which was answered
	Session(id string)                                            // that it has ended is not said
	Series(r *Series)                                             // that it goes on, and with which token, is not said
	Open(r *Series) bool                                          // whether that was the case
	Worth(v *Visit, r *Series) *Series                            // the series that goes on, if it does, by what was answered then
	Means(s *Session, meant func(*LogIn) bool) (finds, sure bool) // whether the end of such log-ins finds s
	Follows(v *Visit, guard int) bool                             // whether an end of what v presents has to go on to what is not said
}

// nothing is in doubt.
type nothing struct{}

func (nothing) Uses(*Visit, *Session) bool    { return true }
func (nothing) Met() bool                     { return false }
func (nothing) Session(string)                {}
func (nothing) Series(*Series)                {}
func (nothing) Open(*Series) bool             { return false }
func (nothing) Worth(*Visit, *Series) *Series { return nil }
func (nothing) Follows(*Visit, int) bool      { return false }
func (nothing) Means(s *Session, meant func(*LogIn) bool) (finds, sure bool) {
	return s.Has(meant), true
}

// MayBeUsed says that a session may have been written: its time may have moved, and what Express wrote may
// have been noted.
func (s *Session) MayBeUsed(now time.Time) {
	if now.After(s.Maybe) {
		s.Maybe = now
	}
	s.Read = true
	for _, l := range s.LogIns {
		switch {
		case l.Listed:
		case l.Guard == 0:
			s.Found = l.User
		default: // Express has copied it
			l.Unsaid = true
		}
	}
}
