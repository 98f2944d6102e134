package session

import (
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// lost is a session whose id came with a good signature and that is over. The last one
// counts, where a request presents several and none of them lives.
type lost struct {
	id  string
	rec *record // past its deadline; nil when the store does not know the id any more
}

func (t *slots) Lost(key string) (reqstate.Lost, bool) {
	s := (*Session)(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	id, rec := s.id, s.rec
	if id == "" {
		if s.lost == nil || s.plan.end {
			return reqstate.Lost{}, false
		}
		id, rec = s.lost.id, s.lost.rec
	}
	if rec == nil {
		s.lost = nil
		return reqstate.Lost{Ref: refOf(id)}, true
	}
	slot, known := rec.slotAt(key)
	if _, live := rec.live(key, s.m.cfg.AbsoluteTimeout, time.Now()); !known || live || slices.Contains(s.plan.about().hidden, key) {
		return reqstate.Lost{}, false
	}
	// Hidden like one that a guard has revoked, so that it is told once.
	w := s.plan.set()
	w.hidden = addString(w.hidden, key)
	return reqstate.Lost{Ref: refOf(id), User: slices.Clone(slot.User)}, true
}
