package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Listen implements [session.Notifier].
func (m *MemoryStore) Listen(ctx context.Context, tell func(notice string)) error {
	if err := ctxError(ctx, "listen"); err != nil {
		return err
	}
	defer m.listeners.add(&tell)()
	tell("") // from here on, every end is sent to tell
	<-ctx.Done()
	return fmt.Errorf("store: listen: %w", ctx.Err())
}

// Notify implements [session.ChangeNotifier].
func (m *MemoryStore) Notify(ctx context.Context, notice string) error {
	if err := ctxError(ctx, "notify"); err != nil {
		return err
	}
	m.listeners.tell(notice)
	return nil
}

// listeners are the functions that Listen was called with. The zero value has none.
type listeners struct {
	any atomic.Bool // whether there is one

	mu   sync.RWMutex
	told map[*func(string)]bool
}

// add adds tell, and returns a function that removes it.
func (l *listeners) add(tell *func(string)) (remove func()) {
	change := func(listens bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if listens && l.told == nil {
			l.told = map[*func(string)]bool{}
		}
		if delete(l.told, tell); listens {
			l.told[tell] = true
		}
		l.any.Store(len(l.told) > 0)
	}
	change(true)
	return func() { change(false) }
}

func (l *listeners) tell(notice string) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for tell := range l.told {
		(*tell)(notice)
	}
}
