package guard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/strategy"
)

// A log-in is pending while a factor that its user has was not proved in it. The session stores it like any
// other, so that StepUp can add the factor, but it lets nobody pass. The two differ only in
// evidence.missing.

// UserFactors says which second factors a user has, for Config.Factors. [FactorsOf] makes one; with its
// zero value no user has any.
// makes one; by its zero value no user has any.
type UserFactors struct {
	of any // a func(context.Context, U) ([]string, error), for New to check
}

// FactorsOf returns f for Config.Factors. f returns the names of the factors that user has
// set up, such as "totp"; none for a user without. Each has to be proved, in any order.
// "totp|passkey" is proved by either. It is called whenever a user is found, so keep the
// answer in the user; its error is an outage, 503. It must be safe for concurrent use, and
// must not use the request's session. It panics if f is nil.
func FactorsOf[U any](f func(ctx context.Context, user U) ([]string, error)) UserFactors {
	if f == nil {
		panic("guard: FactorsOf: the function is nil")
	}
	return UserFactors{f}
}

// checkFactors sets g.factors to the function in Config.Factors, which must be for users of type U.
func (g *Guard[U]) checkFactors(wrong func(string, ...any)) {
	if g.cfg.Factors.of == nil {
		return
	}
	of, ok := g.cfg.Factors.of.(func(context.Context, U) ([]string, error))
	if !ok {
		wrong("Config.Factors is a %T, and the guard's users are of type %T: give FactorsOf a function for them", g.cfg.Factors.of, *new(U))
	}
	g.factors = of
}

// factorsNeeded returns the factors that user must prove besides the log-in.
func (g *Guard[U]) factorsNeeded(ctx context.Context, user U) ([]string, error) {
	if g.factors == nil {
		return nil, nil
	}
	needed, err := g.factors(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("guard: factors of a user: %w", err)
	}
	return needed, nil
}

// firstMissing returns the first of needed that is not in proved, or "". A remembered browser proves no
// factor: it may have been remembered while the log-in was pending.
func firstMissing(needed []string, proved []factor) string {
	for _, need := range needed {
		there := slices.ContainsFunc(proved, func(f factor) bool {
			for name := range strings.SplitSeq(need, "|") {
				if name == f.name && name != strategy.NameRemember {
					return true
				}
			}
			return false
		})
		if !there {
			return need
		}
	}
	return ""
}

// missingFactor returns the first factor that user has and that is not in proved, or "".
func (g *Guard[U]) missingFactor(ctx context.Context, user U, proved []factor) (string, error) {
	needed, err := g.factorsNeeded(ctx, user)
	return firstMissing(needed, proved), err
}

// insufficient returns the error of a request whose user lacks a factor, or nil.
func (e *evidence) insufficient() error {
	if e.missing == "" {
		return nil
	}
	return &Insufficient{Factor: e.missing}
}

// lacking returns a copy of e in which the factor of that name is missing; e itself if the name is empty.
func (e *evidence) lacking(factor string) *evidence {
	if factor == e.missing {
		return e
	}
	c := *e
	c.missing = factor
	return &c
}

// StepUpUser returns the user of a log-in that may still wait for its second factor: for
// the strategy of that factor, which has to know whose code it checks, and for the page
// that asks for it. Everywhere else, [Guard.User] and [Guard.Check] say who may pass. Its
// errors are those of Check. Call it from the request's own goroutine.
func (g *Guard[U]) StepUpUser(r *http.Request) (U, error) {
	var none U
	st, err := g.stateOf(r, "StepUpUser")
	if err != nil {
		return none, err
	}
	user, err := g.currentUser(r, st)
	if insufficient, ok := errors.AsType[*Insufficient](err); ok && insufficient.Factor != "" {
		if user, _, ok := g.requestUser(st); ok {
			return user, nil
		}
	}
	return user, err
}

// answerPending answers a log-in that was stored and is pending. to is the page where the log-in was to
// end. Browsers are sent to the page that asks for the factor.
func (g *Guard[U]) answerPending(w http.ResponseWriter, r *http.Request, err error, to string) {
	if page := g.cfg.StepUpURL; page != "" && prefersHTML(r.Header) {
		w.Header().Add("Vary", "Accept")
		redirect(w, addReturnTo(page, to), http.StatusSeeOther)
		return
	}
	g.answerRefused(w, r, err)
}
