package guard

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session"
)

// RequireBound is [Guard.RequireAuth] for users whose session is bound to their device, and whose
// request proves that it comes from there, also with session.DeviceBound.ReportOnly. Everyone
// else gets [*Insufficient], also who was found by a token in this request: browsers go to
// Config.BindURL, others get 401 with the challenge of RFC 9470. The answer offers the browser
// again to bind the session. After a log-in the browser does so in the background, within a
// second or two.
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
		if !g.evidence(st).state.inSession() { // the session beside a token may be another user's
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

// unproved returns err, or if that is session.ErrUnproved what the request is answered with, and
// tells of it.
func (g *Guard[U]) unproved(r *http.Request, st *reqstate.State, err error) error {
	if !errors.Is(err, session.ErrUnproved) {
		return err
	}
	g.emitUnproved(r, st, OutcomeFailure)
	return &Insufficient{Binding: BindingUnproved}
}

// isUnproved reports whether the request's session is bound to a device, and the request has no
// proof that it comes from there.
func (g *Guard[U]) isUnproved(r *http.Request, st *reqstate.State) bool {
	bound, err := st.Slots.Bound(r.Context())
	return errors.Is(err, session.ErrUnproved) || err == nil && bound == reqstate.Unproved
}

// emitUnproved sends the event of a bound session without a proof, once in a request, and with
// Config.EndUnproved ends all sessions of its user.
func (g *Guard[U]) emitUnproved(r *http.Request, st *reqstate.State, outcome Outcome) {
	// A browser that another site sends here proves nothing before it asks from here: see answerTo.
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
		_, _ = g.LogOutEverywhere(ctx, user) // it sends an event of what it did
	}
}

// skipped returns why the browser says that it did not prove its device, "" where it does not.
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
