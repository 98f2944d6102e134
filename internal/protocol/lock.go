package protocol

import (
	"context"
	"fmt"
	"sync"
)

// idLocks lets one commit at a time write a session, within this process: concurrent commits then
// wait for each other instead of causing conflicts in the store. An entry exists only while
// somebody holds or awaits it.
type idLocks struct {
	mu   sync.Mutex
	held map[string]*idLock
}

type idLock struct {
	free  chan struct{} // holds one token while nobody has the lock
	users int
}

// lock waits for the lock of id until ctx ends.
func (l *idLocks) lock(ctx context.Context, id string) (unlock func(), err error) {
	k := l.enter(id)
	select {
	case <-k.free:
		return func() { l.leave(id, k, true) }, nil
	default:
	}
	select {
	case <-k.free:
		return func() { l.leave(id, k, true) }, nil
	case <-ctx.Done():
		l.leave(id, k, false)
		return nil, ctx.Err()
	}
}

// lock waits until no other commit of this process is writing id.
func (p *Protocol) lock(ctx context.Context, id string) (unlock func(), err error) {
	if unlock, err = p.locks.lock(ctx, id); err != nil {
		return nil, fmt.Errorf("session: save: waiting for another commit: %w", err)
	}
	return unlock, nil
}

// tryLock takes the lock of id if nobody has it.
func (l *idLocks) tryLock(id string) (unlock func(), ok bool) {
	k := l.enter(id)
	select {
	case <-k.free:
		return func() { l.leave(id, k, true) }, true
	default:
		l.leave(id, k, false)
		return nil, false
	}
}

func (l *idLocks) enter(id string) *idLock {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.held[id]
	if k == nil {
		k = &idLock{free: make(chan struct{}, 1)}
		k.free <- struct{}{}
		if l.held == nil {
			l.held = make(map[string]*idLock)
		}
		l.held[id] = k
	}
	k.users++
	return k
}

func (l *idLocks) leave(id string, k *idLock, held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held {
		k.free <- struct{}{}
	}
	if k.users--; k.users == 0 {
		delete(l.held, id)
	}
}
