package guard

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// RequireFresh is [Guard.RequireAuth] for sensitive changes: the user must have logged
// in with credentials at most maxAge ago (ASVS 5.0 7.5.1). The session is read again
// from the primary, not from a replica or cache. Everyone else gets
// [*Insufficient]: browsers go to Config.LoginURL, others get 401 with the challenge
// of RFC 9470.
//
// A log-in made by Node has no time and is never fresh. A user whom Authenticate found
// in this request without LogIn is fresh only if the strategy reported when they proved
// who they are: a token may have been issued long ago.
//
// It panics if maxAge is not positive, next is nil, or the guard is stateless.
func (g *Guard[U]) RequireFresh(maxAge time.Duration) func(http.Handler) http.Handler {
	g.needSessions("RequireFresh")
	if maxAge <= 0 {
		panic(fmt.Sprintf("guard: RequireFresh: maxAge is %v: give the age up to which a log-in is fresh, such as 10*time.Minute", maxAge))
	}
	return func(next http.Handler) http.Handler {
		return g.gate("RequireFresh", next, func(r *http.Request, st *reqstate.State) (user U, err error) {
			at, err := g.loggedInAt(r, st)
			if err != nil {
				return user, err
			}
			user, e, _ := g.requestUser(st)
			if err := e.insufficient(); err != nil {
				return user, err
			}
			if age := time.Since(at); at.IsZero() || age > maxAge {
				return user, &Insufficient{MaxAge: maxAge}
			}
			return user, nil
		})
	}
}

// loggedInAt returns when the request's user proved who they are; zero if unknown.
func (g *Guard[U]) loggedInAt(r *http.Request, st *reqstate.State) (time.Time, error) {
	switch e := g.evidence(st); e.state {
	case proved: // known only if the strategy reported it
		return e.info.At, nil
	case loggedIn: // from the session, as this request changed it
	default:
		if _, err := g.reread(r, st); err != nil {
			return time.Time{}, err
		}
	}
	slot, err := st.Slots.Slot(r.Context(), g.cfg.SessionKey)
	if err != nil {
		return time.Time{}, fmt.Errorf("guard: require fresh: %w", err)
	}
	return slot.At, nil
}

// reread finds the session's user again, from the primary, whatever was decided before.
func (g *Guard[U]) reread(r *http.Request, st *reqstate.State) (U, error) {
	var none U
	if err := g.sameSite(r, r.Method); err != nil {
		return none, err
	}
	switch err := st.Slots.Reread(r.Context()); {
	case errors.Is(err, session.ErrSessionEnded):
		return none, errNobody // logged out elsewhere, and the replica or cache did not know it yet
	case err != nil:
		return none, g.unproved(r, st, fmt.Errorf("guard: read session: %w", err))
	}
	g.clearUser(st)
	return g.currentUser(r, st)
}

// RequireUncached is [Guard.RequireAuth] for routes that must see a log-out at once
// where the store answers from a replica or a client-side cache: the session is read
// from the primary. A user found by credentials in this request passes. It panics if
// next is nil or the guard is stateless.
func (g *Guard[U]) RequireUncached(next http.Handler) http.Handler {
	g.needSessions("RequireUncached")
	return g.gate("RequireUncached", next, func(r *http.Request, st *reqstate.State) (U, error) {
		if user, e, _ := g.requestUser(st); e.state.byCredentials() {
			return user, e.insufficient()
		}
		return g.reread(r, st)
	})
}

// RequireFactor is [Guard.RequireAuth] for users who have also proved the named
// factor, at most within ago; 0 means at any time in this log-in. A factor is a
// strategy that succeeded before [Guard.LogIn] or [Guard.StepUp], or what it reported
// as strategy.Info.Factors. Everyone else gets [*Insufficient]: browsers go to
// Config.StepUpURL, others get 401 with the challenge of RFC 9470. It panics if no strategy
// of the guard proves such a factor ([strategy.FactorNamer], [strategy.Func]), within is negative, next is
// nil, or the guard is stateless.
func (g *Guard[U]) RequireFactor(name string, within time.Duration) func(http.Handler) http.Handler {
	g.needSessions("RequireFactor")
	if name == "" || within < 0 {
		panic(fmt.Sprintf("guard: RequireFactor(%q, %v): name a factor, and an age that is not negative", name, within))
	}
	if !g.provesFactor(name) {
		proved := "it has no strategies"
		if names := g.factorNames(); names != nil {
			proved = "they prove " + strings.Join(names, ", ")
		}
		panic(fmt.Sprintf("guard: RequireFactor: no strategy of this guard proves the factor %q, and nobody could pass: %s. "+
			"Correct the name, or pass the strategy to New; one that reports other factors than its name lists them "+
			"by strategy.FactorNamer, or as the last arguments of strategy.Func", name, proved))
	}
	return func(next http.Handler) http.Handler {
		return g.gate("RequireFactor", next, func(r *http.Request, st *reqstate.State) (U, error) {
			user, err := g.currentUser(r, st)
			if err != nil {
				return user, err
			}
			at, err := g.factorAt(r, st, name)
			if err != nil {
				return user, err
			}
			if at.IsZero() || within > 0 && time.Since(at) > within {
				return user, &Insufficient{Factor: name, MaxAge: within}
			}
			return user, nil
		})
	}
}

// provesFactor reports whether a strategy of this guard, or a remembered browser, proves the named factor.
func (g *Guard[U]) provesFactor(name string) bool {
	return slices.Contains(g.factorNames(), name) || name == strategy.NameRemember && g.cfg.RememberMe != nil
}

// factorNames returns the names of all factors that strategies of this guard prove.
func (g *Guard[U]) factorNames() (names []string) {
	for _, s := range g.strategies {
		own := []string{s.Name()}
		if f, ok := strategy.Ability[strategy.FactorNamer](s); ok {
			if reported := f.FactorNames(); len(reported) > 0 {
				own = reported
			}
		}
		names = append(names, own...)
	}
	return names
}

// factorAt returns when the request's user last proved the named factor; zero if never.
func (g *Guard[U]) factorAt(r *http.Request, st *reqstate.State, name string) (time.Time, error) {
	e := g.evidence(st)
	factors := e.factors
	if e.state.inSession() {
		slot, err := st.Slots.Slot(r.Context(), g.cfg.SessionKey)
		if err != nil {
			return time.Time{}, fmt.Errorf("guard: require factor: %w", err)
		}
		factors = factorsOf(slot)
	}
	var last time.Time
	for _, f := range factors {
		if f.name == name && f.at.After(last) {
			last = f.at
		}
	}
	return last, nil
}
