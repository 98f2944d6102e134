package guard

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// ErrTooManySessions answers a log-in that Config.RefuseMore refuses: 403. It matches
// ErrForbidden.
var ErrTooManySessions = fmt.Errorf("guard: the user has as many sessions as Config.MaxSessions allows: %w", ErrForbidden)

// keepMaximum keeps user's sessions within Config.MaxSessions after a log-in.
//
// Every log-in first stores its session and its label, and only then counts: with
// Config.RefuseMore, prepareLogIn has stored them. Of
// several at once, the last one to count sees all of them; and all of them put the
// sessions into the same order, so that each ends the same ones, and the first in that
// order is ended by nobody. Counting first and storing then would let all of them in.
func (g *Guard[U]) keepMaximum(r *http.Request, st *reqstate.State, user U, id json.RawMessage) error {
	if g.cfg.MaxSessions == 0 {
		return nil
	}
	ctx := r.Context()
	if !g.cfg.RefuseMore {
		st.AfterCommit(func(err error) {
			if err != nil {
				return
			}
			// The commit happened, so this must too: also when the client has gone.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.cfg.Sessions.StoreTimeout())
			defer cancel()
			if _, err := g.endExcess(ctx, user, id); err != nil {
				g.emit(ctx, Event{Name: EventError, Outcome: OutcomeError, User: id, Err: err})
			}
		})
		return nil
	}
	ref := g.ref(ctx)
	ended, err := g.endExcess(ctx, user, id)
	if err == nil && !slices.Contains(ended, ref) {
		return nil
	}
	// Not counted is not let in.
	if out := g.logOut(r, st); out != nil || err != nil {
		return fmt.Errorf("guard: log in: count the sessions: %w", firstError(err, out))
	}
	return ErrTooManySessions
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// endExcess ends the sessions of user that are too many, and returns their Refs: the
// oldest, or with Config.RefuseMore the latest.
func (g *Guard[U]) endExcess(ctx context.Context, user U, id json.RawMessage) ([]string, error) {
	list, err := g.sessionsOf(ctx, user, id)
	if err != nil {
		return nil, err
	}
	if len(list) <= g.cfg.MaxSessions {
		return nil, nil
	}
	excess := list[g.cfg.MaxSessions:]
	if g.cfg.RefuseMore {
		excess = list[:len(list)-g.cfg.MaxSessions]
	}
	var refs []string
	for _, s := range excess {
		if _, err := g.endSession(ctx, id, s, ReasonTooMany); err != nil {
			return refs, err
		}
		refs = append(refs, s.Ref)
	}
	return refs, nil
}
