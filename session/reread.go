package session

import "context"

// Reread implements [reqstate.Slots]: what a guard decides must not rest on a
// replica or a cache where the application asked for that (S17). Unlike
// [Session.Reload] it keeps this request's changes.
func (t *slots) Reread(ctx context.Context) error {
	s, err := t.use(ctx, passportKey)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.gone != nil {
		return s.gone
	}
	if s.rec.data == nil || s.plan.end {
		return nil // nothing in the store that could have changed
	}
	ops, pending, before := s.ops, s.draft != nil, s.rec
	if err := s.refetch(ctx); err != nil {
		return err
	}
	if !pending {
		return nil
	}
	if !before.sameIdentity(s.rec) {
		s.dropChanges()
		s.gone = ErrSessionChanged
		return ErrSessionChanged
	}
	again := new(draft)
	if err := again.replay(s.rec, ops); err != nil {
		s.dropChanges() // half of them must not be committed
		return err
	}
	s.draft = again
	return nil
}
