package guard

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/strategy"
)

// EventName says what happened. Where the OWASP Logging Vocabulary has a word for it,
// it is that word.
//
// https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html
type EventName string

// Names of events.
const (
	EventLogInSuccess   EventName = "authn_login_success"        // a strategy found a user by credentials
	EventLogInFail      EventName = "authn_login_fail"           // no strategy accepted the credentials, or there were none
	EventThrottled      EventName = "excess_rate_limit_exceeded" // a strategy refused with 429
	EventSessionCreated EventName = "session_created"            // a user was logged in
	EventSessionRenewed EventName = "session_renewed"            // StepUp added a factor, or LogInUser logged the session's user in again
	EventSessionExpired EventName = "session_expired"            // a log-in ended; Reason says why
	EventForbidden      EventName = "authz_fail"                 // a known user may not do this; Reason says why
	EventTokenReuse     EventName = "authn_token_reuse"          //nolint:gosec // a remembered log-in's old token came back: somebody has a copy
	EventCrossSite      EventName = "malicious_cors"             // another site caused an unsafe request
	EventError          EventName = "guard_error"                // an outage or a mistake of the program; not in the vocabulary
)

// Outcome says how it ended.
type Outcome string

// Values of Event.Outcome.
const (
	OutcomeSuccess Outcome = "success" // done
	OutcomeFailure Outcome = "failure" // refused
	OutcomeError   Outcome = "error"   // nobody knows: an outage
)

// Values of Event.Reason. A strategy's own Reason may stand there too.
const (
	ReasonLogOut    = "logout"
	ReasonRevoked   = "revoked"          // LogOutEverywhere
	ReasonUserGone  = "user_gone"        // serializer.ErrUserGone
	ReasonStamp     = "stamp"            // the security stamp changed
	ReasonAbsolute  = "absolute_timeout" // session.Config.AbsoluteTimeout
	ReasonGone      = "timeout_or_ended" // the store does not know the session's id any more, which is one of ours; once for each request that presents it
	ReasonTooMany   = "too_many"         // Config.MaxSessions
	ReasonReplaced  = "replaced"         // another user logged in, in the same session
	ReasonTheft     = "theft"            // of a cookie of Config.RememberMe
	ReasonStepUp    = "step_up"          // StepUp
	ReasonLogInUser = "log_in_user"      // LogInUser, for the session's own user
	ReasonNotFresh  = "not_fresh"        // RequireFresh
	ReasonFactor    = "factor"           // RequireFactor
	ReasonForbidden = "forbidden"        // Require
)

// Event is one thing that happened to somebody's authentication. Each goes to
// Config.Logger, as a record whose message is Name, and to Config.OnEvent. It holds no
// secret: no credential, no cookie, no session id.
type Event struct {
	Name     EventName       // what happened
	Outcome  Outcome         // how it ended
	Time     time.Time       // when the event was sent
	Guard    string          // Config.SessionKey
	Strategy string          // names, separated by commas, of the strategies concerned; empty for none
	User     json.RawMessage // the id as the serializer writes it; nil when unknown
	Session  string          // the session's Ref; empty when there is none
	Reason   string          // for operators
	Count    int             // of sessions, where several ended at once
	Err      error           // with OutcomeError
}

// level is the vocabulary's, where slog has it.
func (e *Event) level() slog.Level {
	switch {
	case e.Outcome == OutcomeError, e.Name == EventTokenReuse:
		return slog.LevelError
	case e.Outcome == OutcomeFailure:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// attrs are the attributes that have a value.
func (e *Event) attrs() []slog.Attr {
	list := make([]slog.Attr, 0, 8)
	list = append(list, slog.String("guard", e.Guard), slog.String("outcome", string(e.Outcome)))
	for _, a := range []struct{ key, value string }{
		{"strategy", e.Strategy}, {"user", string(e.User)}, {"session", e.Session}, {"reason", e.Reason},
	} {
		if a.value != "" {
			list = append(list, slog.String(a.key, a.value))
		}
	}
	if e.Count != 0 {
		list = append(list, slog.Int("count", e.Count))
	}
	if e.Err != nil {
		list = append(list, slog.String("error", e.Err.Error()))
	}
	return list
}

func (g *Guard[U]) logger() *slog.Logger {
	if g.cfg.Logger != nil {
		return g.cfg.Logger
	}
	return slog.Default()
}

// heard reports whether anybody listens to e.
func (g *Guard[U]) heard(ctx context.Context, e *Event) bool {
	return g.cfg.OnEvent != nil || g.logger().Enabled(ctx, e.level())
}

// emit sends e to the log and to the callback.
func (g *Guard[U]) emit(ctx context.Context, e Event) {
	if !g.heard(ctx, &e) {
		return
	}
	e.Guard, e.Time = g.cfg.SessionKey, time.Now()
	if log := g.logger(); log.Enabled(ctx, e.level()) {
		log.LogAttrs(ctx, e.level(), string(e.Name), e.attrs()...)
	}
	if g.cfg.OnEvent != nil {
		g.cfg.OnEvent(ctx, e)
	}
}

// emitFor is emit with user's id in e, which it costs a Serialize to know.
func (g *Guard[U]) emitFor(ctx context.Context, user U, e Event) {
	if g.users != nil && g.heard(ctx, &e) {
		if id, err := g.serialize(ctx, user); err == nil {
			e.User = id
		}
	}
	g.emit(ctx, e)
}

// emitCommitted sends e once the commit has shown whether it came true.
func (g *Guard[U]) emitCommitted(ctx context.Context, st *reqstate.State, e Event) {
	st.AfterCommit(g.outcomeOf(ctx, e))
}

// emitLoggedIn is emitCommitted for a log-in or step-up, which may also be dropped before
// the commit.
func (g *Guard[U]) emitLoggedIn(ctx context.Context, st *reqstate.State, e Event) {
	st.AfterLogIn(g.cfg.SessionKey, g.outcomeOf(ctx, e))
}

// outcomeOf returns what sends e with the outcome that it is given.
func (g *Guard[U]) outcomeOf(ctx context.Context, e Event) func(error) {
	e.User = append(json.RawMessage(nil), e.User...)
	return func(err error) {
		e.Outcome = OutcomeSuccess
		if err != nil {
			e.Outcome, e.Err = OutcomeError, err
		}
		if e.Session == "" {
			e.Session = g.ref(ctx)
		}
		g.emit(ctx, e)
	}
}

// emitLost sends the event of a log-in whose time is over, if that is why nobody is
// logged in. A store forgets a record at its idle timeout, and who was in it; so each
// request that still presents its id is told of, and what ended it is not known.
func (g *Guard[U]) emitLost(ctx context.Context, st *reqstate.State) {
	lost, ok := st.Slots.Lost(g.cfg.SessionKey)
	if !ok {
		return
	}
	e := Event{Name: EventSessionExpired, Outcome: OutcomeSuccess, User: lost.User, Session: lost.Ref, Reason: ReasonAbsolute}
	if lost.User == nil {
		e.Reason = ReasonGone
	}
	g.emit(ctx, e)
}

// ref returns the Ref of the request's session, if that is loaded and has one.
func (g *Guard[U]) ref(ctx context.Context) string {
	if s, err := g.cfg.Sessions.Session(ctx); err == nil {
		return s.Ref()
	}
	return ""
}

// emitRefusal sends the event of a request that is not let pass. Nobody being logged
// in is none: that is how visitors are.
func (g *Guard[U]) emitRefusal(r *http.Request, err error) {
	ctx := r.Context()
	err = decisive(err)
	var refusal *Refusal
	var insufficient *Insufficient
	switch {
	case errors.Is(err, ErrCrossSite):
		g.emit(ctx, Event{Name: EventCrossSite, Outcome: OutcomeFailure})
	case errors.As(err, &refusal):
		g.emitLogInFail(ctx, refusal)
	case errors.As(err, &insufficient):
		e := Event{Name: EventForbidden, Outcome: OutcomeFailure, Strategy: insufficient.Factor, Reason: ReasonNotFresh}
		if insufficient.Factor != "" {
			e.Reason = ReasonFactor
		}
		g.emitKnown(ctx, e)
	case errors.Is(err, ErrForbidden):
		g.emitKnown(ctx, Event{Name: EventForbidden, Outcome: OutcomeFailure, Reason: ReasonForbidden})
	default:
		g.emitOutage(r, err)
	}
}

// emitOutage sends the event of an error that is no refusal, once in a request: for an
// outage, or a mistake of the program.
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
	g.emit(ctx, e)
}

func (g *Guard[U]) emitLogInFail(ctx context.Context, refusal *Refusal) {
	e := Event{Name: EventLogInFail, Outcome: OutcomeFailure}
	if refusal.Status() == http.StatusTooManyRequests {
		e.Name = EventThrottled
	}
	var names, reasons []string
	for _, f := range refusal.Failures {
		if f.Strategy == "" || f.Strategy == strategy.NameSession {
			continue
		}
		names = append(names, f.Strategy)
		if reason := f.reason(); reason != "" {
			reasons = append(reasons, reason)
		}
	}
	if names == nil {
		return
	}
	e.Strategy, e.Reason = strings.Join(names, ","), strings.Join(reasons, "; ")
	g.emit(ctx, e)
}

// emitKnown is emit for a request whose user is known.
func (g *Guard[U]) emitKnown(ctx context.Context, e Event) {
	if g.cfg.Sessions != nil {
		e.Session = g.ref(ctx)
	}
	if user, ok := g.anyUser(ctx); ok {
		g.emitFor(ctx, user, e)
		return
	}
	g.emit(ctx, e)
}
