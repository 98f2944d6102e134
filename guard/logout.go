package guard

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session"
)

// LogOut ends the session, expires its cookies, and calls next for the answer:
// req.logOut in Passport.
//
//	mux.Handle("POST /logout", auth.LogOut(goodbye))
//
// It ends every session that the request presents, an anonymous visitor's too, and its
// successor if it was renewed, before the first byte of the answer. If one cannot be
// ended, the answer is 503 and the cookies stay. Another guard's log-in in such a session
// stays: in the one in use under a new id, also where nobody of this guard is logged in.
// For a visitor without a session it does nothing and creates nothing.
//
// A request that another site caused gets 403, with GET too: a link or an image
// elsewhere must not log anyone out. A prefetch (Sec-Purpose) gets 503, and the browser
// asks again when the user opens the page. It panics if next is nil or the guard is
// stateless.
func (g *Guard[U]) LogOut(next http.Handler) http.Handler {
	g.needSessions("LogOut")
	logOut := g.gate("LogOut", next, func(r *http.Request, st *reqstate.State) (nobody U, err error) {
		if err := g.sameSite(r, http.MethodPost); err != nil { // by any method: a link must not log anyone out
			return nobody, err
		}
		return nobody, g.logOut(r, st)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isPrefetch(r) { // after a 503 the browser asks again when its user opens the page
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		logOut.ServeHTTP(w, r)
	})
}

// LogOutUser logs the request's user out: req.logOut(), for handlers. The commit does
// it, before the first byte of the response; this request is anonymous at once. For
// a visitor without a session it does nothing. Call it from the request's own goroutine.
//
// The error is ErrCrossSite for an unsafe request from another site, session.ErrNoHandler
// outside of this guard's middlewares and the session's Handler, session.ErrCommitted
// after the response has started, and otherwise an outage. Give it to [Guard.Error]. It
// panics if the guard is stateless.
func (g *Guard[U]) LogOutUser(r *http.Request) error {
	g.needSessions("LogOutUser")
	st, err := g.stateOf(r, "LogOutUser")
	if err != nil {
		return err
	}
	if err := g.sameSite(r, r.Method); err != nil {
		return err
	}
	return g.logOut(r, st)
}

// LogOutContext is [Guard.LogOutUser] for handlers that get a context and no request: ctx
// is the request's, or derived from it.
func (g *Guard[U]) LogOutContext(ctx context.Context) error {
	g.needSessions("LogOutContext")
	r, err := g.requestOf(ctx, "LogOutContext")
	if err != nil {
		return err
	}
	return g.LogOutUser(r)
}

func (g *Guard[U]) logOut(r *http.Request, st *reqstate.State) error {
	ctx := withRoute(r)
	// A log-in of this request that was not stored ends nothing. This comes first, because endSeries spares
	// the session in use.
	slot, err := st.Slots.Standing(ctx, g.cfg.SessionKey)
	if g.cfg.RememberMe != nil {
		if err := g.endSeries(r, st); err != nil {
			return err
		}
	}
	if err != nil && !errors.Is(err, session.ErrSessionEnded) {
		return fmt.Errorf("guard: log out: %w", err)
	}
	e := Event{Name: EventSessionExpired, User: append([]byte(nil), slot.User...), Session: st.Slots.Ref(ctx), Reason: ReasonLogOut}
	if err := st.Slots.LogOut(ctx, g.cfg.SessionKey); err != nil {
		return fmt.Errorf("guard: log out: %w", err)
	}
	g.clearUser(st)
	if slot.User != nil {
		st.Slots.AfterCommit("", func(err error, _ bool) { g.emitOutcome(ctx, e, err) })
	}
	return nil
}

// LogOutEverywhere ends every session in which user is logged in, except those with the given
// [session.Session.Ref]; it returns how many. If there is no error, no session is left whose
// log-in or renewal was answered before the call. After an error some may be left. It needs no
// request. Config.RememberMe forgets the user in all browsers, also in those of the excepted
// sessions. It finds sessions by a label in the store's index; sessions that Node made are in
// it once this guard has written them, but not those of users whom a serializer.Namer names:
// the session layer has their ids alone. It panics if the guard is stateless.
func (g *Guard[U]) LogOutEverywhere(ctx context.Context, user U, exceptRefs ...string) (int, error) {
	g.needSessions("LogOutEverywhere")
	id, _, err := g.serialize(ctx, user)
	if err != nil {
		return 0, fmt.Errorf("guard: log out everywhere: %w", err)
	}
	n, label := 0, g.label(id)
	if g.cfg.RememberMe != nil {
		err = g.cfg.RememberMe.ForgetUser(ctx, label)
	}
	if err == nil {
		n, err = g.cfg.Sessions.DestroyLinked(ctx, label, exceptRefs...)
	}
	e := Event{Name: EventSessionExpired, Outcome: OutcomeSuccess, User: id, Reason: ReasonRevoked, Count: n}
	if err != nil {
		err = fmt.Errorf("guard: log out everywhere: %w", err)
		e.Outcome, e.Err = OutcomeError, err
	}
	g.emit(ctx, e)
	return n, err
}
