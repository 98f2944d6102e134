package session

import (
	"context"
	"slices"

	"github.com/seed-6f34412b/passport/internal/record"
)

// DestroyLinked ends every session that carries label, except those whose Ref is given,
// and returns how many it ended. When it returns without an error, no session is left
// whose log-in or renewal was answered before the call, nor a successor of one. An
// error is an outage: some may be left; call again. Its trips are those of
// [Manager.Linked], three for 300 sessions.
//
// It ends sessions and nothing else. A browser that guard.Config.RememberMe remembers is
// logged in again at its next request, in a session without the label. A label that has to
// end that too is reported by the strategy, as strategy.Info.Labels, so that what is
// remembered has it as well; [guard.Guard.EndLinked] ends both. All of a user's log-ins end
// by guard.Guard.LogOutEverywhere.
//
// [guard.Guard.EndLinked]: https://pkg.go.dev/github.com/seed-6f34412b/passport/guard#Guard.EndLinked
func (m *Manager) DestroyLinked(ctx context.Context, label string, exceptRefs ...string) (int, error) {
	if !m.proto.Indexed() {
		return 0, errNoIndex
	}
	return m.proto.EndLabelled(ctx, label, func(id string) bool { return !slices.Contains(exceptRefs, refOf(id)) })
}

// DestroyLinkedFunc ends each live session in one listing of label that ends accepts, and its
// successors, and returns how many it ended. Those whose Ref is given are not asked for. An
// error is an outage: some may be left; call again.
func (m *Manager) DestroyLinkedFunc(ctx context.Context, label string, ends func(Info) bool, exceptRefs ...string) (int, error) {
	if !m.proto.Indexed() {
		return 0, errNoIndex
	}
	ended, err := m.proto.EndSome(ctx, label,
		func(id string) bool { return !slices.Contains(exceptRefs, refOf(id)) },
		func(id string, rec *record.Record) bool {
			info, ok := m.info(id, label, rec)
			return ok && ends(info)
		})
	return len(ended), err
}

// DestroyRefs ends the sessions with the given Refs that carry label, and their successors;
// it returns the Refs of those that it found. An error is an outage: some may be left; call
// again. A session that was renewed has another Ref: list them again if one is missing.
func (m *Manager) DestroyRefs(ctx context.Context, label string, refs ...string) (ended []string, err error) {
	if !m.proto.Indexed() {
		return nil, errNoIndex
	}
	ids, err := m.proto.EndEntries(ctx, label, func(id string) bool { return slices.Contains(refs, refOf(id)) })
	for _, id := range ids {
		ended = append(ended, refOf(id))
	}
	return ended, err
}
