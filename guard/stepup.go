package guard

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/strategy"
)

// StepUp adds what [Guard.Authenticate] just proved to the log-in that the session
// remembers, as a further factor:
//
//	mux.Handle("POST /login/totp", auth.Authenticate("totp")(auth.StepUp(welcome)))
//
// The session gets a new id and keeps everything else, the time of the log-in
// included: for [Guard.RequireFresh] the user logs in again, which resets the
// factors. It must be the same user: if nobody is logged in, or somebody else is, the
// answer is 401. If Authenticate did not run before, it is 500. While a factor of
// Config.Factors is still missing, the answer asks for it, and next is not called. It
// panics if next is nil or the guard is stateless.
func (g *Guard[U]) StepUp(next http.Handler) http.Handler {
	g.needSessions("StepUp")
	return g.withSession("StepUp", next, &stepUp[U]{g: g, next: next})
}

// StepUpOptions say how [Guard.StepUpWith] works. Their zero value is StepUp's.
type StepUpOptions struct {
	// SuccessRedirect and ReturnTo say where the user goes, as those of [LogInOptions] do: the
	// page of Config.StepUpURL gets return_to, and its form sends it along. The next handler is
	// not called where there is an address, and may be nil with a SuccessRedirect.
	SuccessRedirect string
	ReturnTo        bool
}

// StepUpWith is [Guard.StepUp] with options for success. It panics as StepUp does, and
// if SuccessRedirect is not a local path or an http or https URL.
func (g *Guard[U]) StepUpWith(o StepUpOptions) func(http.Handler) http.Handler {
	g.needSessions("StepUpWith")
	return func(next http.Handler) http.Handler {
		checkSuccess("StepUpWith", o.SuccessRedirect, next)
		if next == nil {
			next = http.NotFoundHandler() // never called, because there is a redirect
		}
		return g.withSession("StepUpWith", next, &stepUp[U]{g, o, next})
	}
}

type stepUp[U any] struct {
	g    *Guard[U]
	o    StepUpOptions
	next http.Handler
}

// ServeHTTP implements [http.Handler].
func (m *stepUp[U]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	st := m.g.requestState(w, r)
	to, err := m.stepUp(r, st)
	switch pending := m.g.evidence(st).insufficient(); {
	case err != nil:
		m.g.refuse(w, r, err)
	case pending != nil:
		m.g.answerPending(w, r, pending, to)
	case to != "":
		redirect(w, to, http.StatusSeeOther)
	default:
		m.next.ServeHTTP(w, r)
	}
}

// stepUp adds what Authenticate found to the log-in in the session. It returns the page to which the
// options send the user.
func (m *stepUp[U]) stepUp(r *http.Request, st *reqstate.State) (to string, err error) {
	user, e, _ := m.g.requestUser(st)
	if !e.state.byCredentials() {
		return "", &misuse{"StepUp: no user was found by credentials in this request: put Authenticate with the second strategy before StepUp"}
	}
	if err := m.g.addFactors(r, st, user, e, ReasonStepUp); err != nil {
		return "", fmt.Errorf("guard: step up: %w", err)
	}
	if m.o.ReturnTo {
		if to, err = m.g.takeReturnTo(r, st, e); err != nil {
			return "", m.g.dropLogIn(st, fmt.Errorf("guard: step up: %w", err))
		}
	}
	return cmp.Or(to, m.o.SuccessRedirect), nil
}

// AddFactors is [Guard.StepUp] for a handler that has just checked the named factors itself,
// such as one that sets up an authenticator app and has checked its first code. The next page
// does not ask for it again.
//
//	err := auth.AddFactors(r, user, "totp")
//
// Call it behind a middleware that has found the user, and pass the user as stored now. Put
// [Guard.RequireFresh] around the route: who may add a factor can also prove it. While the log-in
// waits for a factor nothing is added, and the error is an *Insufficient: a log-in by password
// alone must not add the factor that it lacks. The factors count as proved now. The session gets
// a new id, and the time of the log-in stays. It is saved before AddFactors returns: after an error
// nothing of the session has changed, what the handler has set up is there, and the answer can say so.
//
// The error matches strategy.ErrUnauthenticated if the session does not remember this user,
// for instance one found by a token in this request; the others are those of
// [Guard.LogInUser]. The answer is 500 for a name that no strategy of the guard proves. It
// panics if the guard is stateless.
func (g *Guard[U]) AddFactors(r *http.Request, user U, names ...string) error {
	g.needSessions("AddFactors")
	st, err := g.stateOf(r, "AddFactors")
	if err != nil {
		return err
	}
	if strategy.IsNilUser(user) {
		return &misuse{"AddFactors: the user is nil"}
	}
	e := &evidence{state: proved, strategy: strings.Join(names, ","), at: time.Now()}
	for _, name := range names {
		if !slices.Contains(g.factorNames(), name) {
			return &misuse{fmt.Sprintf("AddFactors: no strategy of this guard proves the factor %q: correct the name", name)}
		}
		e.factors = append(e.factors, factor{name, e.at})
	}
	if len(names) == 0 {
		return &misuse{"AddFactors: no factor is named"}
	}
	if _, err := g.currentUser(r, st); err != nil { // the user as before the new factor
		return err
	}
	if !g.evidence(st).state.inSession() { // a token found the user: the session's log-in has not been checked
		return errNobody
	}
	err = g.addFactors(r, st, user, e, ReasonFactorAdded)
	if err == nil {
		err = g.save(r, st) // saved now, so that the factor stays even if the session has ended
	}
	if err != nil {
		return fmt.Errorf("guard: add factors: %w", err)
	}
	return nil
}

// save stores the request's changes of the session now, or drops them.
func (g *Guard[U]) save(r *http.Request, st *reqstate.State) error {
	s, err := g.cfg.Sessions.Session(r.Context())
	if err == nil {
		err = s.Save(r.Context())
	}
	if err != nil {
		return g.dropLogIn(st, err)
	}
	return nil
}

// addFactors adds the factors in e to the log-in of user in the session. reason is for the event.
func (g *Guard[U]) addFactors(r *http.Request, st *reqstate.State, user U, e *evidence, reason string) error {
	ctx := withRoute(r)
	slot, err := st.Slots.Former(ctx, g.cfg.SessionKey)
	if err != nil {
		return err
	}
	if slot.User == nil {
		if _, err := st.Slots.Slot(ctx, g.cfg.SessionKey); err != nil {
			return g.unproved(r, st, err)
		}
		g.emitLost(r, st)
		return errNobody
	}
	remembered, ended, err := g.userOfSlot(ctx, slot)
	if err != nil {
		return err
	}
	if ended != "" {
		g.revoke(ctx, st, slot, ended)
		return errNobody
	}
	if !g.equalUsers(ctx, remembered, user) {
		return errNobody
	}
	_, name, err := g.serialize(ctx, user)
	if err != nil {
		return err
	}
	needed, err := g.factorsNeeded(ctx, user)
	if err != nil {
		return err
	}
	was := firstMissing(needed, factorsOf(slot))
	slot.Factors = withFactors(slot.AllFactors(), e.factors)
	e = e.inState(loggedIn).lacking(firstMissing(needed, factorsOf(slot)))
	p := &logInPlan[U]{user: user, evidence: e, in: reqstate.LogIn{Slot: slot}, needed: needed}
	p.counts = g.cfg.MaxSessions > 0 && was != "" && e.missing == "" // from now on it lets the user pass
	err = st.Slots.StepUp(ctx, g.cfg.SessionKey, name, slot)
	if err == nil {
		err = g.store(ctx, st, p)
	}
	if err != nil {
		return g.dropLogIn(st, err)
	}
	st.SetUser(g, user, e)
	event := Event{Name: EventSessionRenewed, Strategy: e.strategy, User: slices.Clone(slot.User), Reason: reason}
	st.Slots.AfterCommit(g.cfg.SessionKey, func(err error, _ bool) {
		g.emitOutcome(ctx, event, err)
		if p.counts && err == nil {
			ctx, cancel := g.afterRequest(ctx)
			defer cancel()
			g.endExcess(ctx, st, p)
		}
	})
	return nil
}

// dropLogIn removes the request's user and drops its changes of the session, because of err.
func (g *Guard[U]) dropLogIn(st *reqstate.State, err error) error {
	st.Slots.Forget()
	g.clearUser(st)
	return err
}
