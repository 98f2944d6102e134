package session

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// slots is the Session as guards use it.
type slots Session

var _ reqstate.Slots = (*slots)(nil)

// purpose says what a guard uses the session for.
type purpose uint8

const (
	toRead   purpose = iota
	toDecide         // to decide by it: if the load found no session, the primary is asked (S17)
	toChange         // refused after the response has started
)

// use locks the session and loads it.
func (t *slots) use(ctx context.Context, as purpose) (*Session, error) {
	s := (*Session)(t)
	s.lock()
	keep := false // whether it stays locked; false also if the store panics
	defer func() {
		if !keep {
			s.mu.Unlock()
		}
	}()
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	if as == toChange && s.closed {
		return nil, s.writable()
	}
	if as == toRead && s.visit.Suspect && s.visit.Suspected() {
		return nil, ErrUnproved
	}
	if as == toDecide && s.visit.Unknown {
		if err := s.visit.LookAgain(ctx); err != nil {
			return nil, err
		}
	}
	keep = true
	return s, nil
}

func (t *slots) Slot(ctx context.Context, key string) (reqstate.Slot, error) {
	s, err := t.use(ctx, toRead)
	if err != nil {
		return reqstate.Slot{}, err
	}
	defer s.mu.Unlock()
	slot, _ := s.visit.Slot(key, s.visit.At)
	return slot, nil
}

func (t *slots) Former(ctx context.Context, key string) (reqstate.Slot, error) {
	s, err := t.use(ctx, toDecide)
	if err != nil {
		return reqstate.Slot{}, err
	}
	defer s.mu.Unlock()
	slot, _ := s.visit.Slot(key, s.visit.At)
	return slot, nil
}

func (t *slots) Standing(ctx context.Context, key string) (reqstate.Slot, error) {
	s, err := t.use(ctx, toDecide)
	if err != nil {
		return reqstate.Slot{}, err
	}
	defer s.mu.Unlock()
	slot, _ := s.visit.Standing(key, s.visit.At)
	return slot, nil
}

func (t *slots) Carries(ctx context.Context, label string) bool {
	s, err := t.use(ctx, toRead)
	if err != nil {
		return false
	}
	defer s.mu.Unlock()
	return s.visit.Carries(label)
}

func (t *slots) Ref(ctx context.Context) string {
	s, err := t.use(ctx, toRead)
	if err != nil {
		return ""
	}
	defer s.mu.Unlock()
	return refOf(s.visit.ID)
}

func (t *slots) Lost(key string) (reqstate.Lost, bool) {
	s := (*Session)(t)
	s.lock()
	defer s.mu.Unlock()
	id, user, ok := s.visit.Lost(key, time.Now())
	if !ok {
		return reqstate.Lost{}, false
	}
	return reqstate.Lost{Ref: refOf(id), User: user}, true
}

func (t *slots) LogIn(ctx context.Context, l reqstate.LogIn) error {
	s, err := t.use(ctx, toChange)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	before, ok := s.visit.Slot(l.Key, time.Now())
	if err := s.visit.LogIn(l); err != nil {
		return err
	}
	if left := s.req.left; left != nil {
		if ok && l.SameUser(before) {
			left.continued(l.Key)
			left.repeats = l.Key
		} else {
			left.planned(l.Key)
		}
	}
	return nil
}

func (t *slots) Request() *http.Request { return &(*Session)(t).req.r }

func (t *slots) Cookies() string { return (*Session)(t).cookies }

func (t *slots) Presents() bool { return (*Session)(t).presents() }

func (t *slots) Forwarded() string { return (*Session)(t).forwarded }

func (t *slots) OnStored(key string, f func(ctx context.Context, ref string) error) {
	s := (*Session)(t)
	s.lock()
	defer s.mu.Unlock()
	s.visit.OnStored(key, func(ctx context.Context, id string) error { return f(ctx, refOf(id)) })
}

func (t *slots) StepUp(ctx context.Context, key, name string, slot reqstate.Slot) error {
	s, err := t.use(ctx, toChange)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if err := s.visit.StepUp(key, name, slot); err != nil {
		return err
	}
	if left := s.req.left; left != nil {
		left.continued(key)
	}
	return nil
}

func (t *slots) LogOut(ctx context.Context, key string) error {
	s, err := t.use(ctx, toChange)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if err := s.visit.LogOut(key); err != nil {
		return err
	}
	if left := s.req.left; left != nil {
		left.ended(key)
		if s.visit.Ending() {
			left.sent = nil // cookies of a session that this request made must not reach the browser
		}
	}
	return nil
}

func (t *slots) Revoke(ctx context.Context, key string) error {
	s, err := t.use(ctx, toRead)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	return s.visit.Revoke(ctx, key)
}

func (t *slots) Reread(ctx context.Context) error {
	s, err := t.use(ctx, toRead)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	err = s.visit.Reread(ctx)
	if drops(err) {
		s.forgotten()
	}
	return err
}

func (t *slots) Forget() {
	s := (*Session)(t)
	s.lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.visit.Forget()
	s.forgotten()
}

func (t *slots) Take(ctx context.Context, key string) (json.RawMessage, error) {
	s, err := t.use(ctx, toRead)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	raw := slices.Clone(s.visit.Members().Get(key))
	if raw == nil {
		return nil, nil
	}
	return raw, s.remove(key)
}
