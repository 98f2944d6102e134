package session

import "context"

// GetContext is [Key.Get] for the session that [FromContext] finds. Its further errors are those of FromContext.
func (k Key[T]) GetContext(ctx context.Context) (T, bool, error) {
	return inContext(ctx, k.Get)
}

// PopContext is [Key.Pop] for the session that [FromContext] finds. Its further errors are those of FromContext.
func (k Key[T]) PopContext(ctx context.Context) (T, bool, error) {
	return inContext(ctx, k.Pop)
}

func inContext[T any](ctx context.Context, get func(*Session) (T, bool, error)) (v T, ok bool, err error) {
	s, err := FromContext(ctx)
	if err != nil {
		return v, false, err
	}
	return get(s)
}

// SetContext is [Key.Set] for the session that [FromContext] finds. Its further errors are those of FromContext.
func (k Key[T]) SetContext(ctx context.Context, v T) error {
	s, err := FromContext(ctx)
	if err != nil {
		return err
	}
	return k.Set(s, v)
}

// FlashContext is [Session.Flash] for the session that [FromContext] finds. Its further errors are those of
// FromContext.
func FlashContext(ctx context.Context, kind, message string) error {
	s, err := FromContext(ctx)
	if err != nil {
		return err
	}
	return s.Flash(kind, message)
}

// FlashesContext is [Session.Flashes] for the session that [FromContext] finds. Its further errors are those
// of FromContext.
func FlashesContext(ctx context.Context, kind string) ([]string, error) {
	s, err := FromContext(ctx)
	if err != nil {
		return nil, err
	}
	return s.Flashes(kind)
}
