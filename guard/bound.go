package guard

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session"
)

// RequireBound is [Guard.RequireAuth] for users whose session is bound to their device and whose request
// proves that it comes from there, even with session.DeviceBound.ReportOnly. Everyone else gets
// [*Insufficient], including users found by a token in this request: browsers go to Config.BindURL, others
// get 401 with the challenge of RFC 9470. The response offers the browser again to bind the session. After
// a log-in the browser does so in the background, within a second or two.
//
// It panics if next is nil, the guard is stateless, or its sessions are not bound
// ([session.DeviceBound]).
func (g *Guard[U]) RequireBound(next http.Handler) http.Handler {
	g.needSessions("RequireBound")
	if !g.binds {
		panic("guard: RequireBound: nobody could pass: set session.Config.DeviceBound")
	}
	return g.gate("RequireBound", next, func(r *http.Request, st *reqstate.State) (U, error) {
		user, err := g.currentUser(r, st)
		if err != nil {
			return user, err
		}
		if !g.evidence(st).state.inSession() { // with a token, the session may be another user's
			return user, &Insufficient{Binding: BindingMissing}
		}
		bound, err := st.Slots.Bound(r.Context())
		switch {
		case err != nil:
			return user, g.unproved(r, st, err)
		case bound == reqstate.Unproved:
			return user, g.unproved(r, st, session.ErrUnproved)
		case bound != reqstate.Proved:
			st.Slots.Offer()
			return user, &Insufficient{Binding: BindingMissing}
		}
		return user, nil
	})
}

// unproved returns err. If that is session.ErrUnproved, it sends the event and returns the error with which
// the request is answered.
func (g *Guard[U]) unproved(r *http.Request, st *reqstate.State, err error) error {
	if !errors.Is(err, session.ErrUnproved) {
		return err
	}
	g.emitUnproved(r, st, OutcomeFailure)
	return &Insufficient{Binding: BindingUnproved}
}

// isUnproved reports whether the request's session is bound to a device, and the request has no proof that
// it comes from there.
func (g *Guard[U]) isUnproved(r *http.Request, st *reqstate.State) bool {
	bound, err := st.Slots.Bound(r.Context())
	return errors.Is(err, session.ErrUnproved) || err == nil && bound == reqstate.Unproved
}

// emitUnproved sends the event of a bound session without a proof, once per request. With
// Config.EndUnproved it also ends all sessions of the user.
func (g *Guard[U]) emitUnproved(r *http.Request, st *reqstate.State, outcome Outcome) {
	// A browser sent here by another site has no proof until it makes a request from this site: see
	// answerTo.
	if cookiesWithheld(r) || !st.FirstReport(session.ErrUnproved) {
		return
	}
	ctx := withRoute(r)
	ref, slot := st.Slots.Suspect(g.cfg.SessionKey)
	e := Event{Name: EventBindingFailed, Outcome: outcome, User: slices.Clone(slot.User), Session: ref, Reason: ReasonNoProof}
	reason := skipped(r)
	if reason != "" {
		e.Reason = reason
	}
	g.emit(ctx, e)
	if !g.cfg.EndUnproved || outcome != OutcomeFailure || reason != "" || slot.User == nil {
		return
	}
	ctx, cancel := g.afterRequest(ctx)
	defer cancel()
	if user, ended, err := g.userOfSlot(ctx, slot); err == nil && ended == "" {
		_, _ = g.LogOutEverywhere(ctx, user) // it sends an event itself
	}
}

// skipped returns the browser's reason for sending no proof of its device, "" if it gives none.
func skipped(r *http.Request) string {
	for _, line := range r.Header["Secure-Session-Skipped"] {
		for _, reason := range []string{"unreachable", "server_error", "quota_exceeded"} {
			if strings.HasPrefix(strings.TrimLeft(line, " \t"), reason) {
				return reason
			}
		}
	}
	return ""
}
