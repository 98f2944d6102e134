package guard

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// sessionStrategy is the reserved strategy "session": Passport's SessionStrategy
// (strategies/session.js), except that it refuses where Passport's lets anonymous
// requests pass. A browser adds cookies by itself, so it is no strategy.CrossSite.
type sessionStrategy[U any] struct{ g *Guard[U] }

// Name implements [strategy.Strategy].
func (s *sessionStrategy[U]) Name() string { return strategy.NameSession }

// Authenticate implements [strategy.Strategy].
func (s *sessionStrategy[U]) Authenticate(_ http.ResponseWriter, r *http.Request) (U, error) {
	return s.g.restoreUser(r, reqstate.Of(r.Context(), s.g.owner))
}

// currentUser returns the user of the request: one who was found in it already, or the one whom the session
// remembers. The request is answered with the error.
func (g *Guard[U]) currentUser(r *http.Request, st *reqstate.State) (U, error) {
	var none U
	if user, e, ok := g.requestUser(st); ok { // found earlier in this request
		if e.missing != "" {
			return none, e.insufficient()
		}
		return user, nil
	}
	if st.Slots == nil {
		return none, errNobody // a stateless guard has no session to ask
	}
	if err := g.sameSite(r, r.Method); err != nil {
		return none, err // the browser may have sent the cookie without the user's intent
	}
	return g.restoreUser(r, st)
}

// restoreUser finds the user whom the session remembers, or the one of the cookie of Config.RememberMe, and
// makes them the request's user. The error is errNobody if there is none; any other is an outage or a
// mistake.
func (g *Guard[U]) restoreUser(r *http.Request, st *reqstate.State) (U, error) {
	ctx := r.Context()
	var none U
	slot, err := st.Slots.Slot(ctx, g.cfg.SessionKey)
	// A recalled log-in would replace the session's: ask the primary first.
	if err == nil && slot.User == nil && g.mayRecall(st) {
		slot, err = st.Slots.Former(ctx, g.cfg.SessionKey)
	}
	if err != nil {
		return none, g.unproved(r, st, fmt.Errorf("guard: restore: %w", err))
	}
	if slot.User == nil { // nobody is logged in, or the log-in is over
		g.emitLost(r, st)
		return g.recallUser(r, st)
	}
	user, ended, err := g.userOfSlot(ctx, slot)
	if err != nil {
		return none, fmt.Errorf("guard: restore: %w", err)
	}
	if ended != "" { // the user no longer exists, or the stamp changed
		g.revoke(withRoute(r), st, slot, ended)
		return g.recallUser(r, st)
	}
	if g.reportOnly && g.isUnproved(r, st) {
		g.emitUnproved(r, st, OutcomeSuccess)
	}
	e := isRestored
	if g.factors != nil {
		missing, err := g.missingFactor(ctx, user, factorsOf(slot))
		if err != nil {
			return none, err
		}
		e = e.lacking(missing)
	}
	st.SetUser(g, user, e)
	if e.missing != "" { // the log-in is pending
		return none, &Insufficient{Factor: e.missing}
	}
	return user, nil
}

// userOfSlot returns the user of a log-in in a session. ended is the reason why the log-in is over, "" if
// it is not.
func (g *Guard[U]) userOfSlot(ctx context.Context, slot reqstate.Slot) (user U, ended string, err error) {
	user, err = g.users.Deserialize(ctx, slot.User)
	switch {
	case errors.Is(err, serializer.ErrUserGone):
		return user, ReasonUserGone, nil
	case err != nil:
		return user, "", err
	case strategy.IsNilUser(user): // for Passport this is a log-out, but a mistake must not end sessions
		return user, "", &misuse{fmt.Sprintf("the serializer (%T) returned a nil user and no error: return serializer.ErrUserGone for a user who is gone", g.users)}
	case g.stamps != nil && slot.Stamp != nil &&
		subtle.ConstantTimeCompare([]byte(g.stamps.Stamp(user, slot.User)), slot.Stamp) != 1:
		return user, ReasonStamp, nil
	}
	return user, "", nil
}

// revoke ends the log-in in slot for reason: the user no longer exists, or the stamp changed. If the store
// fails, the record stays until the next request, and the event says so.
func (g *Guard[U]) revoke(ctx context.Context, st *reqstate.State, slot reqstate.Slot, reason string) {
	e := Event{Name: EventSessionExpired, User: slices.Clone(slot.User), Session: g.ref(ctx), Reason: reason}
	g.emitOutcome(ctx, e, st.Slots.Revoke(ctx, g.cfg.SessionKey))
}

// Check returns the user, or the error that [Guard.RequireAuth] would answer. It writes
// no answer. It matches strategy.ErrUnauthenticated when nobody is logged in, and is an
// [*Insufficient] while a factor of Config.Factors is missing; it matches ErrCrossSite
// for a request from another site, session.ErrNoHandler outside of this guard's
// middlewares and the session's Handler; any other error is an outage. Call it from the
// request's own goroutine.
//
// Once the response has started, as on a stream of events, Check reads the session again,
// so that it notices a log-out. A user whom a strategy found in this request, without
// LogIn, stays.
func (g *Guard[U]) Check(r *http.Request) (U, error) {
	st, err := g.stateOf(r, "Check")
	if err != nil {
		if g.cfg.Sessions == nil { // outside the middlewares of a stateless guard nobody was found
			err = errNobody
		}
		var none U
		return none, err
	}
	if s := g.committed(r.Context()); s != nil && g.evidence(st).state != proved {
		if err := g.sameSite(r, r.Method); err != nil {
			var none U
			return none, err
		}
		return g.UserOf(r.Context(), s)
	}
	return g.currentUser(r, st)
}

// committed returns the request's session if the response has started, or nil.
func (g *Guard[U]) committed(ctx context.Context) *session.Session {
	if g.cfg.Sessions == nil {
		return nil
	}
	s, err := g.cfg.Sessions.Session(ctx)
	if err != nil || !s.Committed() {
		return nil
	}
	return s
}

// stateOf returns the state that a middleware put into the request.
func (g *Guard[U]) stateOf(r *http.Request, method string) (*reqstate.State, error) {
	st := reqstate.Of(r.Context(), g.owner)
	if st == nil {
		return nil, fmt.Errorf("guard: %s: %w", method, session.ErrNoHandler)
	}
	if st.Slots != nil {
		st.Slots.Guarded(g.answerer, false)
	}
	return st, nil
}

// RequireAuth lets a request pass if its user is known: found earlier in the request
// by [Guard.Authenticate], or logged in in the session, where it costs one read of
// the store and one Deserialize. Everyone else gets the answer of [Guard.Error]: 401,
// or a redirect to Config.LoginURL. Unsafe requests that another site caused are
// refused with 403, and so is the handshake of a WebSocket. It panics if next is nil.
//
// connect-ensure-login: ensureLoggedIn; Nest: a LoggedInGuard, or AuthGuard('session')
// if that kept anyone out.
func (g *Guard[U]) RequireAuth(next http.Handler) http.Handler {
	return g.gate("RequireAuth", next, g.currentUser)
}

// Restore finds the user whom the session remembers, if there is one, and lets every
// request pass: passport.session(). It is for pages that greet users and serve
// everyone. An outage is answered 503, so leave it off pages that must work without
// the store. For an unsafe request that another site caused, nobody is found. It
// panics if next is nil or the guard is stateless.
func (g *Guard[U]) Restore(next http.Handler) http.Handler {
	g.needSessions("Restore")
	return g.withSession("Restore", next, &restore[U]{g, next})
}

type restore[U any] struct {
	g    *Guard[U]
	next http.Handler
}

// ServeHTTP implements [http.Handler].
func (m *restore[U]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	st := reqstate.Of(r.Context(), m.g.owner)
	st.Slots.Guarded(m.g.answerer, false)
	switch _, err := m.g.currentUser(r, st); {
	case err == nil:
		st.Slots.Guarded(m.g.answerer, true)
	case errors.Is(err, strategy.ErrUnauthenticated), errors.Is(err, ErrCrossSite), errors.Is(err, ErrTooManySessions):
		st.SetUser(m.g, nil, reqstate.Asked)
	default:
		m.g.refuse(w, r, err)
		return
	}
	m.next.ServeHTTP(w, r)
}

// UserOf returns the user who is logged in in s: the check to repeat on a long-lived connection, where
// [Guard.Watch] is not used. If s is the request's own and the response has started, it is read again
// from the primary. Call s.Reload first for one that [session.Manager.Open] returned. The error matches
// strategy.ErrUnauthenticated when the log-in has ended, its user is gone or its security stamp changed:
// close the connection. Any other error is an outage. It panics if the guard is stateless.
func (g *Guard[U]) UserOf(ctx context.Context, s *session.Session) (U, error) {
	g.needSessions("UserOf")
	var none U
	if s.Committed() {
		if err := s.Reload(ctx); err != nil && !errors.Is(err, session.ErrSessionEnded) {
			return none, fmt.Errorf("guard: user of session: %w", err)
		}
	}
	raw, _, err := session.Key[json.RawMessage](g.cfg.SessionKey).Get(s)
	if err != nil {
		return none, fmt.Errorf("guard: user of session: %w", err)
	}
	slot, ok := reqstate.ParseSlot(raw, s.Info().Created)
	if !ok {
		return none, errNobody
	}
	user, ended, err := g.userOfSlot(ctx, slot)
	if err != nil {
		return none, fmt.Errorf("guard: user of session: %w", err)
	}
	if ended != "" {
		return none, errNobody
	}
	missing, err := g.missingFactor(ctx, user, factorsOf(slot))
	if err != nil {
		return none, err
	}
	if missing != "" {
		return none, &Insufficient{Factor: missing}
	}
	return user, nil
}
