package apikey

import (
	"context"
	"sync"
	"time"
)

const (
	usedEvery = time.Minute
	usedKeys  = 10_000 // how many are remembered, some 1 MB
)

// usage remembers when a use of each key was last stored, so that of many requests at
// once one stores it.
type usage struct {
	mu     sync.Mutex
	stored map[string]time.Time
}

// due reports whether a use of the key is to be stored now, and notes that it is.
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
		u.stored = map[string]time.Time{} // too many in a minute: some are stored once more
	}
	u.stored[id] = now
	return true
}

// used stores that the key was used, unless last, the stored time, is recent. A table that
// does not answer holds the request up for a second.
func (s *Strategy[U]) used(ctx context.Context, id string, last, now time.Time) {
	if s.cfg.Used == nil || now.Sub(last) < usedEvery || !s.usage.due(id, now) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := s.cfg.Used(ctx, id, now); err != nil {
		s.cfg.Logger.WarnContext(ctx, "apikey: that a key was used was not stored", "key", id, "error", err)
	}
}
