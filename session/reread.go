package session

import "context"

// Reread implements [reqstate.Slots]: what a guard decides must not rest on a
// replica or a cache where the application asked for that (S17). Unlike
// [Session.Reload] it keeps this request's changes.
func (t *slots) Reread(ctx context.Context) error {
	s, err := t.use(ctx, "passport")
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.gone != nil {
		return s.gone
	}
	if s.base == nil || s.plan.end {
		return nil // nothing in the store that could have changed
	}
	ops, draft, before := s.ops, s.draft, s.rec
	if err := s.refetch(ctx); err != nil {
		return err
	}
	if draft == nil {
		return nil
	}
	if !before.sameIdentity(s.rec) {
		s.dropChanges()
		s.gone = ErrSessionChanged
		return ErrSessionChanged
	}
	return s.draft.replay(s.rec, ops)
}
