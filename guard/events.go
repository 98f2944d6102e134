package guard

import (
	"encoding/json"
	"log/slog"
	"time"
)

// EventName says what happened. Where the OWASP Logging Vocabulary has a word for it,
// it is that word.
//
// What a call ends is one event, with the session in use or the one that was asked for; what a log-in ends by
// Config.MaxSessions is one for each session. What ends along with these sends none of its own: other sessions
// that the request presents, those of the same series of Config.RememberMe, other guards' log-ins in the
// session. Nor do [session.Session.Destroy], Renew and Regenerate, which know no users.
//
// EventLogInSuccess says nothing of what becomes of the log-in: RefuseMore may refuse it, with EventForbidden
// and ReasonTooMany. A log-in by Config.RememberMe sends it with EventSessionCreated. One whose second factor
// is missing is created too; the answer to that log-in sends no event more, every later request that is refused
// for the factor sends EventForbidden with ReasonFactor.
//
// A log-out is an event where a user was logged in, EndSession and EndLinked where they ended something,
// LogOutEverywhere always. An ended log-in is found by requests that ask for the user: with ReasonGone by each
// that presents its id, of several ids the last; with ReasonStamp by one, or where another guard's log-in
// keeps the session by each.
//
// https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html
type EventName string

// Names of events.
const (
	EventLogInSuccess   EventName = "authn_login_success"        // a strategy found a user by credentials, but see EventAccountProved
	EventLogInFail      EventName = "authn_login_fail"           // no strategy accepted what the request brought; a request without credentials, an empty form too, is no event
	EventThrottled      EventName = "excess_rate_limit_exceeded" // a strategy refused with 429
	EventSessionCreated EventName = "session_created"            // a user was logged in
	EventSessionRenewed EventName = "session_renewed"            // StepUp or AddFactors added a factor, or the application logged the session's user in again
	EventSessionExpired EventName = "session_expired"            // a log-in ended; Reason says why
	EventForbidden      EventName = "authz_fail"                 // a known user may not do this; Reason says why
	EventTokenReuse     EventName = "authn_token_reuse"          //nolint:gosec // a remembered log-in's old token came back: somebody has a copy
	EventCrossSite      EventName = "malicious_cors"             // another site caused an unsafe request; Origin, FetchSite and Host say which
	EventAccountProved  EventName = "account_proved"             // an account elsewhere was proved, to be connected to a user (strategy.Info.Linking); LogIn makes it EventLogInSuccess too; not in the vocabulary
	EventBindingFailed  EventName = "session_binding_failed"     // the cookie of a session that is bound to a device came without the proof: somebody may have a copy; Reason says what the browser says, if anything; with OutcomeSuccess session.DeviceBound.ReportOnly let it pass; not in the vocabulary
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
	ReasonLogOut          = "logout"
	ReasonRevoked         = "revoked"          // LogOutEverywhere, EndSession, EndLinked
	ReasonUserGone        = "user_gone"        // serializer.ErrUserGone
	ReasonStamp           = "stamp"            // the security stamp changed
	ReasonAbsolute        = "absolute_timeout" // session.Config.AbsoluteTimeout
	ReasonIdle            = "idle_timeout"     // session.Config.IdleTimeout, of an Ended
	ReasonGone            = "timeout_or_ended" // the store does not know the session's id any more, which is one of ours; once for each request that presents it
	ReasonTooMany         = "too_many"         // Config.MaxSessions, of what ended; with EventForbidden Config.RefuseMore
	ReasonReplaced        = "replaced"         // another user logged in, in the same session
	ReasonTheft           = "theft"            // of a cookie of Config.RememberMe
	ReasonStepUp          = "step_up"          // StepUp
	ReasonFactorAdded     = "factor_added"     // AddFactors
	ReasonLogInUser       = "log_in_user"      // LogInUser, for the session's own user
	ReasonReauthenticated = "reauthenticated"  // ReauthenticateUser, for the session's own user
	ReasonNotFresh        = "not_fresh"        // RequireFresh
	ReasonFactor          = "factor"           // RequireFactor
	ReasonForbidden       = "forbidden"        // Require
	ReasonUnbound         = "unbound"          // RequireBound
	ReasonNoProof         = "no_proof"         // of EventBindingFailed; or "unreachable", "server_error", "quota_exceeded": why a browser says that it has none
)

// Event is one thing that happened to somebody's authentication. Each goes to
// Config.Logger, as a record whose message is Name, and to Config.OnEvent. It holds no
// secret: no credential, no cookie, no session id. Account, Address, Origin, FetchSite and
// Host are what a client sent, without control characters and at most 256 bytes long; people now and
// then type a password into the field of the name. A strategy's own Reason, and Err, are as they were made.
type Event struct {
	Name     EventName       // what happened
	Outcome  Outcome         // how it ended
	Time     time.Time       // when the event was sent
	Guard    string          // Config.SessionKey
	Address  string          // the client's, as Config.TrustedProxies finds it; empty outside of a request
	Route    string          // the pattern that http.ServeMux matched, such as "POST /login"; empty for none, and where only a context is given
	Strategy string          // names, separated by commas, of the strategies concerned; empty for none
	Program  bool            // the credentials were a program's key or token (strategy.ForPrograms)
	User     json.RawMessage // the id as the serializer writes it; nil when unknown
	Account  string          // the login name that refused credentials claim (strategy.Claimant); empty when unknown
	Session  string          // the Ref of the session that this is about; empty when there is none, and for credentials
	Reason   string          // for operators
	Count    int             // of sessions that ended, with ReasonRevoked, ReasonTooMany and ReasonTheft
	Err      error           // with OutcomeError

	// Of EventCrossSite, for Config.TrustedOrigins: what the browser said of the page that
	// caused the request, and to which host it went.
	Origin    string // the header Origin
	FetchSite string // the header Sec-Fetch-Site
	Host      string // http.Request.Host
}

// level is the vocabulary's, where slog has it. A program shows its key at every request:
// that it is good is for debugging.
func (e *Event) level() slog.Level {
	switch {
	case e.Outcome == OutcomeError, e.Name == EventTokenReuse:
		return slog.LevelError
	case e.Outcome == OutcomeFailure, e.Name == EventBindingFailed:
		return slog.LevelWarn
	case e.Name == EventLogInSuccess && e.Program:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// attrs are the attributes that have a value. What comes before the address no client can
// write, so that a program which reads lines, such as fail2ban, finds it for sure.
func (e *Event) attrs() []slog.Attr {
	list := make([]slog.Attr, 0, 16)
	list = append(list, slog.String("guard", e.Guard), slog.String("outcome", string(e.Outcome)))
	for _, a := range []struct{ key, value string }{
		{"address", e.Address}, {"route", e.Route}, {"strategy", e.Strategy}, {"user", string(e.User)}, {"account", e.Account},
		{"session", e.Session}, {"reason", e.Reason}, {"origin", e.Origin}, {"sec_fetch_site", e.FetchSite}, {"host", e.Host},
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
