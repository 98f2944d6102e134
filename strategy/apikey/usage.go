package apikey

import (
	"context"
	"sync"
	"time"
)

const (
	usedEvery = time.Minute
	usedKeys  = 10_000 // how many keys are remembered, about 1 MB
)

// usage remembers when a use of each key was last stored, so that of many simultaneous requests only one
// stores it.
type usage struct {
	mu     sync.Mutex
	stored map[string]time.Time
}

// due reports whether a use of the key is to be stored now, and if so records the time.
func (u *usage) due(id string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if last, ok := u.stored[id]; ok && now.Sub(last) < usedEvery {
		return false
	}
	if len(u.stored) >= usedKeys {
		for other, last := range u.stored {
			if now.Sub(last) >= usedEvery {
				delete(u.stored, other)
			}
		}
	}
	if u.stored == nil || len(u.stored) >= usedKeys {
		u.stored = map[string]time.Time{} // too many keys within a minute: some uses are stored again
	}
	u.stored[id] = now
	return true
}

// used stores that the key was used, unless last, the stored time, is recent. A table that does not answer
// delays the request by a second at most.
func (s *Strategy[U]) used(ctx context.Context, id string, last, now time.Time) {
	if s.cfg.Used == nil || now.Sub(last) < usedEvery || !s.usage.due(id, now) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := s.cfg.Used(ctx, id, now); err != nil {
		s.cfg.Logger.WarnContext(ctx, "apikey: the use of a key was not stored", "key", id, "error", err)
	}
}
