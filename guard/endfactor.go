package guard

import (
	"context"
	"fmt"
	"slices"
)

// LogOutOthers is [Guard.LogOutEverywhere] for a handler: it ends all sessions of user except that of the
// request in which ctx was made. If that request has no session, it ends all.
func (g *Guard[U]) LogOutOthers(ctx context.Context, user U) (int, error) {
	g.needSessions("LogOutOthers")
	return g.LogOutEverywhere(ctx, user, g.ref(ctx))
}

// EndFactor ends the other sessions of user in which the named factor was proved, at the log-in or by
// [Guard.StepUp]: for a handler that has just removed a passkey, an authenticator app or an account elsewhere,
// so that whoever used it is logged out. A factor is named as for [Guard.RequireFactor]: a strategy's name
// means everything that it accepts, such as all passkeys of the user. The session of the request in which ctx
// was made stays, and so do those in which other factors alone were proved. It returns how many ended.
//
// Call it after the removal is stored. If there is no error, no session is left that was answered before the
// call. Sessions whose log-in is not known end too: those that Node made, and those of Config.RememberMe,
// which forgets the user in all browsers, as by [Guard.LogOutEverywhere]. After an error some may be left.
// The error is a mistake of the program, 500, for a name that no strategy of the guard proves, and otherwise
// an outage. It panics if the guard is stateless.
func (g *Guard[U]) EndFactor(ctx context.Context, user U, name string) (int, error) {
	g.needSessions("EndFactor")
	if !slices.Contains(g.factorNames(), name) {
		return 0, &misuse{fmt.Sprintf("EndFactor: no strategy of this guard proves the factor %q: correct the name", name)}
	}
	id, _, err := g.serialize(ctx, user)
	if err != nil {
		return 0, fmt.Errorf("guard: end factor: %w", err)
	}
	own := g.ref(ctx)
	list, err := g.everySession(ctx, user, id, nil, own)
	if err != nil {
		return 0, fmt.Errorf("guard: end factor: %w", err)
	}
	stay := []string{own}
	for _, s := range list {
		if !s.LoggedIn.IsZero() && !slices.Contains(s.Factors, name) {
			stay = append(stay, s.Ref)
		}
	}
	return g.LogOutEverywhere(ctx, user, stay...)
}
