package guard

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// LogInUser logs user in: req.logIn(user), for a handler that registers users or has
// checked credentials itself, and for one that changes what the serializer stores of a
// user, such as the password: it passes the new user and so keeps this session while
// [serializer.WithStamp] ends the others. The commit writes it, before the first byte of
// the response; this request sees the user at once. Call it from the request's own
// goroutine.
//
// For a user whom Authenticate found in this request, or who was not logged in here, it is
// a log-in: the session is a new one, and as fresh as what Authenticate saw, or else fresh:
// the application has checked the user. For the user whom the session itself remembers it
// renews that session, and the log-in in it stays as old as it was, with its factors:
// Django's update_session_auth_hash. A handler that has checked the credentials again calls
// [Guard.ReauthenticateUser] instead. If the session has ended when the commit comes, by a
// log-out, LogOutEverywhere or EndSession that was under way, the answer is 409 and nobody
// is logged in. A handler that also calls [Guard.LogOutEverywhere] excepts its own session.
//
// The error is ErrCrossSite for an unsafe request from another site,
// session.ErrNoHandler outside of this guard's middlewares and the session's Handler,
// session.ErrCommitted after the response has started, and otherwise an outage. Nobody
// is logged in then, and what else this request changed in the session is dropped. Give
// it to [Guard.Error]. It panics if the guard is stateless.
func (g *Guard[U]) LogInUser(r *http.Request, user U) error {
	g.needSessions("LogInUser")
	_, err := g.logInUser(r, user, LogInOptions{}, "LogInUser")
	return err
}

// ReauthenticateUser is [Guard.LogInUser] for a handler that has just checked the
// credentials of user itself, such as the current password in the form that changes it:
// also for the user whom the session remembers, the log-in is fresh from now on
// ([Guard.RequireFresh]). The factors stay as old as they were.
func (g *Guard[U]) ReauthenticateUser(r *http.Request, user U) error {
	g.needSessions("ReauthenticateUser")
	_, err := g.logInUser(r, user, LogInOptions{Reauthenticated: true}, "ReauthenticateUser")
	return err
}

// LogInContext is [Guard.LogInUser] with options, for handlers that get a context and no
// request, as with huma, connect and gqlgen: ctx is the request's, or derived from it. It
// returns where o.ReturnTo and o.SuccessRedirect send the user, or "". A nil o.RememberMe
// leaves the browser remembered if it was, and as the same user: before the request, or by a
// log-in of this request that session.Session.Regenerate, Destroy or Reload has not dropped
// since. The request is the one that the session's Handler passed on, and the cross-site
// check is of its header as it came.
func (g *Guard[U]) LogInContext(ctx context.Context, user U, o LogInOptions) (to string, err error) {
	g.needSessions("LogInContext")
	if err := checkRedirect(o.SuccessRedirect); err != nil {
		return "", &misuse{fmt.Sprintf("LogInContext: SuccessRedirect %q: %v", o.SuccessRedirect, err)}
	}
	if o.RememberMe != nil && g.cfg.RememberMe == nil {
		return "", &misuse{"LogInContext: " + needsRememberMe}
	}
	r, err := g.requestOf(ctx, "LogInContext")
	if err != nil {
		return "", err
	}
	return g.logInUser(r, user, o, "LogInContext")
}

// requestOf returns the request in which ctx was made, with ctx as its context.
func (g *Guard[U]) requestOf(ctx context.Context, method string) (*http.Request, error) {
	st := reqstate.Of(ctx, g.owner)
	if st == nil || st.Slots == nil {
		return nil, fmt.Errorf("guard: %s: %w", method, session.ErrNoHandler)
	}
	return st.Slots.Request().WithContext(ctx), nil
}

// logInUser logs in a user on the application's word. method is the method that it called.
func (g *Guard[U]) logInUser(r *http.Request, user U, o LogInOptions, method string) (to string, err error) {
	st, err := g.stateOf(r, method)
	if err != nil {
		return "", err
	}
	if strategy.IsNilUser(user) {
		return "", &misuse{method + ": the user is nil"}
	}
	if !g.evidence(st).state.byCredentials() { // otherwise Authenticate has sent the event
		if err := g.sameSite(r, r.Method); err != nil {
			return "", err
		}
	}
	e, renews, err := g.evidenceFor(r.Context(), st, user)
	if err != nil {
		return "", err
	}
	o.sameBrowser, o.renews = o.RememberMe == nil, renews
	done, err := g.logIn(r, st, user, e, &o)
	if err != nil {
		return "", err
	}
	return done.to, nil
}

// evidenceFor returns the evidence for a user whom the application logs in: what the same user proved in
// this request, or the facts of the session's log-in. renews says that the session is the only evidence.
func (g *Guard[U]) evidenceFor(ctx context.Context, st *reqstate.State, user U) (e *evidence, renews bool, err error) {
	old, before, ok := g.requestUser(st)
	e = &evidence{state: loggedIn, at: time.Now()}
	if ok && before.state.byCredentials() && g.equalUsers(ctx, old, user) {
		if e = before; e.strategy != "" {
			return e, false, nil // Authenticate found the user
		}
	}
	slot, err := st.Slots.Former(ctx, g.cfg.SessionKey)
	if err != nil {
		return nil, false, fmt.Errorf("guard: log in: %w", err)
	}
	id, _, err := g.serialize(ctx, user)
	if err != nil {
		return nil, false, fmt.Errorf("guard: log in: %w", err)
	}
	if renews = g.sameUser(slot.User, id); renews && e != before {
		e.factors = factorsOf(slot)
	}
	return e, renews, nil
}
