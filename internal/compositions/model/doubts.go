package model

import "time"

// Open is what is unknown about a session until Go writes it.
type Open struct {
	Half  bool           // an outage hit a write of it
	Late  bool           // Express wrote it after it had ended: its entries under labels may be gone
	Read  bool           // Go may have written it since
	Found int            // the user under whom Go has listed it, if Express logged that user out since
	Was   map[int]*LogIn // log-ins that were dropped, but by which it may still be found
}

// Doubts are the cases in which the documents leave more than one outcome open.
type Doubts interface {
	Uses(v *Visit, s *Session) (sure bool)                        // whether the effect of this use is known
	Met() bool                                                    // whether an outage hit the request, though it was answered
	Session(id string)                                            // records that it may have ended or not
	Series(r *Series)                                             // records that it may have ended or changed
	Open(r *Series) bool                                          // whether that was recorded
	Worth(v *Visit, r *Series) *Series                            // r, or nil if the answer shows its end
	Means(s *Session, meant func(*LogIn) bool) (finds, sure bool) // whether the end of such log-ins finds s
	Follows(v *Visit, guard int) bool                             // whether ending what v presents may end doubtful sessions
}

// nothing implements Doubts where there are none.
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

// MayBeUsed records that Go may have written the session: it may have been refreshed, and log-ins that
// Express wrote may be listed now.
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
