package guard

import (
	"encoding/json"
	"log/slog"
	"time"
)

// EventName says what happened, by the words of the OWASP Logging Vocabulary where it
// has one.
//
// A call that ends sessions sends one event, with the session in use or the one that was named. A log-in
// that ends others by Config.MaxSessions sends one for each. Nothing is sent for what ends along with
// these: other sessions that the request presents, those of the same series of Config.RememberMe, and
// other guards' log-ins in the session. [session.Session.Destroy], Renew and Regenerate send none, since
// they know no users.
//
// EventLogInSuccess means that the credentials were right. The log-in may still be refused: by
// RefuseMore, with EventForbidden and ReasonTooMany. A log-in by Config.RememberMe sends both
// EventLogInSuccess and EventSessionCreated. A log-in whose second factor is missing is a session_created
// too; each later request that is refused for that factor sends EventForbidden with ReasonFactor.
//
// A log-out sends an event if a user was logged in, EndSession and EndLinked if they ended something, and
// LogOutEverywhere always. A log-in that ended otherwise is reported by the requests that ask for the
// user: with ReasonGone by each that presents its id (of several ids, the last), with ReasonStamp by one,
// or by each where another guard's log-in keeps the session.
//
// https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html
type EventName string

// Names of events.
const (
	EventLogInSuccess   EventName = "authn_login_success"        // a strategy found a user by credentials, but see EventAccountProved
	EventLogInFail      EventName = "authn_login_fail"           // no strategy accepted the credentials; a request without any, or with an empty form, is no event
	EventThrottled      EventName = "excess_rate_limit_exceeded" // a strategy refused with 429
	EventSessionCreated EventName = "session_created"            // a user was logged in
	EventSessionRenewed EventName = "session_renewed"            // StepUp or AddFactors added a factor, or the application logged the session's user in again
	EventSessionExpired EventName = "session_expired"            // a log-in ended; Reason says why; with OutcomeError the store failed, and a session whose stamp changed stays until the next request
	EventForbidden      EventName = "authz_fail"                 // a known user may not do this; Reason says why
	EventTokenReuse     EventName = "authn_token_reuse"          //nolint:gosec // the old token of a remembered browser was used again: somebody has a copy
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
	OutcomeError   Outcome = "error"   // unknown: an outage
)

// Values of Event.Reason. It may also be the Reason that a strategy gave.
const (
	ReasonLogOut          = "logout"
	ReasonRevoked         = "revoked"          // LogOutEverywhere, EndSession, EndLinked
	ReasonUserGone        = "user_gone"        // serializer.ErrUserGone
	ReasonStamp           = "stamp"            // the security stamp changed
	ReasonAbsolute        = "absolute_timeout" // session.Config.AbsoluteTimeout
	ReasonIdle            = "idle_timeout"     // session.Config.IdleTimeout, of a LogInEnded
	ReasonGone            = "timeout_or_ended" // the cookie is ours and the store has no such session any more; once for each request that sends it
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
	ReasonNoProof         = "no_proof"         // of EventBindingFailed; or the browser's reason for having none: "unreachable", "server_error", "quota_exceeded"
)

// Event is something that happened in authentication, such as a log-in or a refusal. Each goes to
// Config.Logger, as a record whose message is Name, and to Config.OnEvent. It holds no secret: no
// credential, no cookie, no session id. Account, Address, Origin, FetchSite and Host are what a client
// sent, without control characters and at most 256 bytes long; people sometimes type a password into the
// field for the name. Err, and a Reason that a strategy gave, are unchanged.
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

	// Of EventCrossSite, for Config.TrustedOrigins: the headers about the page that caused
	// the request, and the host to which it went.
	Origin    string // the header Origin
	FetchSite string // the header Sec-Fetch-Site
	Host      string // http.Request.Host
}

// level returns the vocabulary's level, if slog has it. A program shows its key at every request: a success
// is logged at debug level.
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

// attrs returns the attributes that have a value. No client can write what comes before the address, so
// that a program that reads lines, such as fail2ban, cannot be misled about it.
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
