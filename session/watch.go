package session

import (
	"context"
	"errors"
	"time"

	"github.com/seed-6f34412b/passport/internal/protocol"
	"github.com/seed-6f34412b/passport/internal/reqstate"
)

func (t *slots) Watch(ctx context.Context, key string, by reqstate.Watcher, use bool) (context.Context, error) {
	s, err := t.use(ctx, toRead)
	if err != nil {
		return nil, err
	}
	slot, ok := s.visit.Slot(key, time.Now())
	id, pending := s.visit.ID, s.visit.Pending(key)
	s.mu.Unlock()
	switch {
	case !ok:
		return nil, nil
	case !pending:
		return s.m.proto.Watch(ctx, id, key, slot, by, use), nil
	}
	ctx, end := context.WithCancelCause(ctx)
	t.AfterCommit(key, func(err error, _ bool) {
		s.lock()
		slot, ok := s.visit.Slot(key, time.Now())
		id := s.visit.ID
		s.mu.Unlock()
		switch {
		case errors.Is(err, reqstate.ErrDropped): // by a log-out or another log-in of this request
			end(by.Cause(protocol.OverGone))
		case !ok && err == nil, errors.Is(err, reqstate.ErrReplaced):
			end(by.Cause(protocol.OverReplaced))
		case err != nil:
			end(err)
		default:
			s.m.proto.WatchUntil(ctx, end, id, key, slot, by, use)
		}
	})
	return ctx, nil
}
