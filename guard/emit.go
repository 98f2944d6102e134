package guard

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/strategy"
)

// listeners returns the log that e goes to, nil for none, and whether e has any receiver.
func (g *Guard[U]) listeners(ctx context.Context, e *Event) (log *slog.Logger, heard bool) {
	log = cmp.Or(g.cfg.Logger, slog.Default())
	if !log.Enabled(ctx, e.level()) {
		log = nil
	}
	return log, log != nil || g.cfg.OnEvent != nil
}

// emit sends e to the log and to the callback. ctx is that of the request, if there is one.
func (g *Guard[U]) emit(ctx context.Context, e Event) {
	log, heard := g.listeners(ctx, &e)
	if !heard {
		return
	}
	if st := reqstate.Of(ctx, g.owner); e.Address == "" && st != nil && st.Slots != nil {
		// The commit may run on another goroutine than the handler, which may be changing the header.
		came := http.Request{RemoteAddr: st.Slots.Request().RemoteAddr, Pattern: st.Slots.Request().Pattern}
		if len(g.cfg.TrustedProxies) > 0 {
			came.Header = http.Header{"X-Forwarded-For": {st.Slots.Forwarded()}}
		}
		g.locate(&e, &came)
	}
	if route, ok := ctx.Value(routeKey{}).(string); ok {
		e.Route = route
	}
	e.Guard, e.Time = g.cfg.SessionKey, time.Now()
	if log != nil {
		log.LogAttrs(ctx, e.level(), string(e.Name), e.attrs()...)
	}
	if g.cfg.OnEvent != nil {
		g.cfg.OnEvent(ctx, e)
	}
}

// locate sets in e the client's address and the route of r.
func (g *Guard[U]) locate(e *Event, r *http.Request) {
	e.Address, e.Route = strategy.ClientAddr(r, g.cfg.TrustedProxies).String(), r.Pattern
}

// routeKey is the context key of the pattern that matched the request.
type routeKey struct{}

// withRoute returns r's context with its route, for later events, also after the commit. A middleware
// around the mux, such as http.TimeoutHandler, may have copied the request: only the copy then has the
// pattern.
func withRoute(r *http.Request) context.Context {
	if r.Pattern == "" {
		return r.Context()
	}
	return context.WithValue(r.Context(), routeKey{}, r.Pattern)
}

// emitOf is emit for r: a guard without sessions cannot find the request in a context.
func (g *Guard[U]) emitOf(r *http.Request, e Event) {
	if _, heard := g.listeners(r.Context(), &e); heard {
		g.locate(&e, r)
		g.emit(r.Context(), e)
	}
}

// emitFor is emitOf with user's id in e, which costs a Serialize.
func (g *Guard[U]) emitFor(r *http.Request, user U, e Event) {
	ctx := r.Context()
	if _, heard := g.listeners(ctx, &e); !heard {
		return
	}
	if g.users != nil {
		if id, _, err := g.serialize(ctx, user); err == nil {
			e.User = id
		}
	}
	g.emitOf(r, e)
}

// emitOutcome sends e after a commit that ended with err.
func (g *Guard[U]) emitOutcome(ctx context.Context, e Event, err error) {
	e.Outcome = OutcomeSuccess
	if err != nil && !errors.Is(err, reqstate.ErrReplaced) { // with ErrReplaced the log-in was stored
		e.Outcome, e.Err = OutcomeError, err
	}
	if _, heard := g.listeners(ctx, &e); !heard {
		return
	}
	if e.Session == "" {
		e.Session = g.ref(ctx)
	}
	g.emit(ctx, e)
}

// emitLost sends the event of a log-in that is over, if that is why nobody is logged in. A store removes a
// record at its idle timeout, and with it the user. So an event is sent for each request that still
// presents its id, and the reason is unknown.
func (g *Guard[U]) emitLost(r *http.Request, st *reqstate.State) {
	lost, ok := st.Slots.Lost(g.cfg.SessionKey)
	if !ok {
		return
	}
	e := Event{Name: EventSessionExpired, Outcome: OutcomeSuccess, User: lost.User, Session: lost.Ref, Reason: ReasonAbsolute}
	if lost.User == nil {
		e.Reason = ReasonGone
	}
	g.emit(withRoute(r), e)
}

// ref returns the Ref of the request's session, "" if it has none.
func (g *Guard[U]) ref(ctx context.Context) string {
	if st := reqstate.Of(ctx, g.owner); st != nil && st.Slots != nil {
		return st.Slots.Ref(ctx)
	}
	return ""
}

// emitRefusal sends the event of a refused request. There is none if nobody is logged in: that is the
// normal state of visitors.
func (g *Guard[U]) emitRefusal(r *http.Request, err error) {
	err = decisive(err)
	var refusal *Refusal
	var insufficient *Insufficient
	switch {
	case errors.As(err, new(*refusedLogIn)): // store has sent the event
	case errors.Is(err, ErrCrossSite):
		came := r
		if st := reqstate.Of(r.Context(), g.owner); st != nil && st.Foreign != nil {
			came = st.Foreign
		}
		h := came.Header
		g.emitOf(r, Event{Name: EventCrossSite, Outcome: OutcomeFailure,
			Origin: plainText(h.Get("Origin")), FetchSite: plainText(h.Get("Sec-Fetch-Site")), Host: plainText(came.Host)})
	case errors.As(err, &refusal):
		g.emitLogInFail(r, refusal)
	case errors.As(err, &insufficient) && insufficient.Binding == BindingUnproved: // sent by emitUnproved
	case errors.As(err, &insufficient):
		e := Event{Name: EventForbidden, Outcome: OutcomeFailure, Strategy: insufficient.Factor, Reason: ReasonNotFresh}
		if insufficient.Factor != "" {
			e.Reason = ReasonFactor
		}
		if insufficient.Binding != "" {
			e.Reason = ReasonUnbound
		}
		g.emitKnown(r, e)
	case errors.Is(err, ErrForbidden):
		g.emitKnown(r, Event{Name: EventForbidden, Outcome: OutcomeFailure, Reason: ReasonForbidden})
	default:
		g.emitOutage(r, err)
	}
}

// emitOutage sends the event of an error that is not a refusal, once per request: an outage, or a mistake
// of the program.
func (g *Guard[U]) emitOutage(r *http.Request, err error) {
	ctx := r.Context()
	if Status(err) < 500 || ctx.Err() != nil {
		return
	}
	if st := reqstate.Of(ctx, g.owner); st != nil && !st.FirstReport(err) {
		return
	}
	e := Event{Name: EventError, Outcome: OutcomeError, Err: err}
	if s, ok := errors.AsType[*stopped](err); ok {
		e.Strategy = s.strategy
	}
	g.emitOf(r, e)
}

// emitLogInFail sends the event of refused credentials. A request without credentials causes no event,
// because programs that ban addresses count these events.
func (g *Guard[U]) emitLogInFail(r *http.Request, refusal *Refusal) {
	e := Event{Name: EventLogInFail, Outcome: OutcomeFailure}
	if refusal.Status() == http.StatusTooManyRequests {
		e.Name = EventThrottled
	}
	var names, reasons []string
	for _, f := range refusal.Failures {
		if f.Strategy == "" || f.Strategy == strategy.NameSession || f.blank {
			continue // the request had no credentials for it
		}
		names = append(names, f.Strategy)
		if reason := f.reason(); reason != "" {
			reasons = append(reasons, reason)
		}
		if e.Account == "" {
			e.Account = plainText(f.account)
		}
	}
	if names == nil {
		return
	}
	e.Strategy, e.Reason = strings.Join(names, ","), strings.Join(reasons, "; ")
	g.emitOf(r, e)
}

// emitKnown is emitOf for a request whose user is known.
func (g *Guard[U]) emitKnown(r *http.Request, e Event) {
	ctx := r.Context()
	e.Session = g.ref(ctx)
	if user, ok := g.anyUser(ctx); ok {
		g.emitFor(r, user, e)
		return
	}
	g.emitOf(r, e)
}
