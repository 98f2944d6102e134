package session

import (
	"context"
	"fmt"
)

// DestroyRef ends the session with the given Ref if it carries label, and where it went
// on; it reports whether there was one. An error is an outage: call again. A session that
// was renewed has another Ref: list anew when it reports false.
func (m *Manager) DestroyRef(ctx context.Context, label, ref string) (bool, error) {
	if m.index == nil {
		return false, errNoIndex
	}
	ids, err := m.index.Labelled(ctx, label)
	if err != nil {
		return false, fmt.Errorf("session: labels: %w", err)
	}
	for _, id := range ids {
		if refOf(id) != ref {
			continue
		}
		n, err := m.destroyChain(ctx, id)
		if err == nil {
			err = m.index.RemoveLabel(ctx, label, id)
		}
		if err != nil {
			return n > 0, fmt.Errorf("session: labels: %w", err)
		}
		return n > 0, nil
	}
	return false, nil
}
