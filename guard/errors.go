package guard

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// ErrForbidden is returned by the check of [Guard.Require] when the user is known and
// may not do this. The answer is 403.
var ErrForbidden = errors.New("guard: forbidden")

// ErrCrossSite is the error of a request with an unsafe method that a browser sent
// from another site, where the browser's own credentials would decide. The answer is
// 403. Config.TrustedOrigins lists sites that are exempt.
var ErrCrossSite = errors.New("guard: cross-site request refused: add the site to Config.TrustedOrigins if it is yours")

// Failure is one strategy's refusal.
type Failure struct {
	Strategy string // its name
	Err      error  // matches strategy.ErrUnauthenticated; often a *strategy.Failure

	account string // the login name in the request; empty if unknown
	shown   bool   // the request is known to have had credentials that the strategy refused
	blank   bool   // the request is known to have had no credentials for the strategy
}

// Refusal is the error of a request that none of the strategies accepted. It matches
// strategy.ErrUnauthenticated, and errors.As finds the first *strategy.Failure in it.
type Refusal struct {
	Failures []Failure // in the order in which the strategies were asked; never empty
}

// errNobody is the error of a request whose session has no user.
var errNobody error = &Refusal{Failures: []Failure{{Strategy: strategy.NameSession, Err: strategy.ErrUnauthenticated}}}

// Error implements error. It is for operators.
func (e *Refusal) Error() string {
	if e == nil {
		return "guard: a nil *Refusal"
	}
	var b strings.Builder
	b.WriteString("guard: refused")
	for _, f := range e.Failures {
		b.WriteString(": " + f.Strategy)
		if reason := f.reason(); reason != "" {
			b.WriteString(" (" + reason + ")")
		}
	}
	return b.String()
}

// Unwrap returns the errors of the strategies.
func (e *Refusal) Unwrap() []error {
	if e == nil {
		return nil
	}
	errs := make([]error, len(e.Failures))
	for i, f := range e.Failures {
		errs[i] = f.Err
	}
	return errs
}

// Status returns the first status that a strategy asked for, 400 to 499, and 401
// when none did: Passport's rule (middleware/authenticate.js:162). Of a nil *Refusal it is 500, as [Status] says.
func (e *Refusal) Status() int {
	if e == nil {
		return http.StatusInternalServerError
	}
	for _, f := range e.Failures {
		if d := f.detail(); d.Status >= 400 && d.Status < 500 {
			return d.Status
		}
	}
	return http.StatusUnauthorized
}

// Challenges returns the WWW-Authenticate values that go with Status: with 401 those
// of every strategy that has one, as in Passport; with another status those of the
// strategies that asked for it (RFC 6750 §3.1 has challenges with 400 and 403).
func (e *Refusal) Challenges() []string {
	if e == nil {
		return nil
	}
	var list []string
	status := e.Status()
	for _, f := range e.Failures {
		if d := f.detail(); d.Challenge != "" && (status == http.StatusUnauthorized || status == d.Status) {
			list = append(list, d.Challenge)
		}
	}
	return list
}

// RetryAfter returns the longest wait that a strategy asked for, or 0.
func (e *Refusal) RetryAfter() time.Duration {
	if e == nil {
		return 0
	}
	var longest time.Duration
	for _, f := range e.Failures {
		longest = max(longest, f.detail().RetryAfter)
	}
	return longest
}

func (f Failure) detail() strategy.Failure {
	var d *strategy.Failure
	if errors.As(f.Err, &d) && d != nil {
		return *d
	}
	return strategy.Failure{}
}

func (f Failure) reason() string { return f.detail().Reason }

// Insufficient is the error of [Guard.RequireFresh], [Guard.RequireFactor] and
// [Guard.RequireBound] for a user who is logged in and has to prove more, and of every check
// of a bound session that comes without its proof. It matches strategy.ErrUnauthenticated.
// The answer is a challenge of RFC 9470 §3.
type Insufficient struct {
	Factor string        // the factor that is missing or too old; empty for the log-in itself
	MaxAge time.Duration // how old it may be; 0 means any age

	// Binding says what is missing of session.Config.DeviceBound; empty for nothing. Factor and
	// MaxAge are empty then.
	Binding Binding
}

// Binding says what is missing: that the session is bound to a device, or the proof.
type Binding string

// Values of Insufficient.Binding.
const (
	BindingMissing  Binding = "missing"  // [Guard.RequireBound]: the session is not bound to a device
	BindingUnproved Binding = "unproved" // it is bound, and the request has no proof that it comes from there
)

// Error implements error.
func (e *Insufficient) Error() string {
	if e == nil {
		return "guard: a nil *Insufficient"
	}
	switch e.Binding {
	case BindingMissing:
		return "guard: the session is not bound to a device"
	case BindingUnproved:
		return "guard: the session is bound to a device, and the request has no proof of it"
	}
	if e.Factor == "" {
		return "guard: the log-in is not fresh enough"
	}
	return "guard: the factor " + e.Factor + " is missing or too old"
}

// Is reports whether target is strategy.ErrUnauthenticated.
func (e *Insufficient) Is(target error) bool { return target == strategy.ErrUnauthenticated }

// decisive returns the part of err that determines the status, the response, its problem document and the
// event. Only a refusal by several strategies has two such parts: refused credentials, and a pending log-in
// in the session, which the strategy "session" found. Refused credentials take precedence, because the
// client and the log must see that they were refused. A strategy that does not say that it had credentials
// ([strategy.Claimant]) may only say how to log in, which the user has begun to do.
func decisive(err error) error {
	if hasNil(err) {
		return &misuse{"the error to answer is a nil pointer: answer what errors.As has found only where it returned true"}
	}
	refusal, refused := errors.AsType[*Refusal](err)
	if !refused {
		if errors.Is(err, session.ErrUnproved) { // from session.Manager.OpenCookies
			return &Insufficient{Binding: BindingUnproved}
		}
		if _, waits := errors.AsType[*Insufficient](err); !waits && errors.Is(err, strategy.ErrUnauthenticated) {
			return &Refusal{Failures: []Failure{{Err: err}}} // the strategy is unknown
		}
		return err
	}
	var pending error
	for _, f := range refusal.Failures {
		insufficient, waits := errors.AsType[*Insufficient](f.Err)
		switch {
		case waits && insufficient == nil:
			return &misuse{"a strategy returned a nil *guard.Insufficient as its error"}
		case waits && pending == nil:
			pending = insufficient
		case !waits && f.shown:
			return refusal
		}
	}
	if pending == nil {
		return refusal
	}
	return pending
}

// hasNil reports whether err is, or wraps, a nil pointer of a type whose fields determine the response.
func hasNil(err error) bool {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal == nil
	}
	insufficient, waits := errors.AsType[*Insufficient](err)
	redirect, leads := errors.AsType[*strategy.Redirect](err)
	return waits && insufficient == nil || leads && redirect == nil
}

// refusedLogIn is the ErrTooManySessions of a log-in whose event was sent.
type refusedLogIn struct{ error }

// Unwrap returns the error.
func (e *refusedLogIn) Unwrap() error { return e.error }

// misuse is a mistake of the program that can only be detected at a request.
type misuse struct{ text string }

// Error implements error. The text says what to do.
func (e *misuse) Error() string { return "guard: " + e.text }

// Status returns the HTTP status with which [Guard.Error] answers err:
//
//	400 to 499  a refusal: 401, or the status that a strategy's Failure asked for
//	403         ErrForbidden, ErrCrossSite
//	409         session.ErrSessionEnded, session.ErrSessionChanged
//	500         a mistake of the program: LogIn without Authenticate, a nil user, a redirect to nowhere,
//	            a nil *Refusal or *Insufficient, strategy.ErrNilUser, serializer.ErrIDType, session.ErrNoHandler, session.ErrCommitted,
//	            session.ErrTooLarge, session.ErrValueType
//	503         any other error: an outage
//
// A *strategy.Redirect has its own code.
func Status(err error) int {
	err = decisive(err)
	var redirect *strategy.Redirect
	var refusal *Refusal
	var insufficient *Insufficient
	var wrong *misuse
	switch {
	case err == nil, errors.As(err, &wrong), errors.Is(err, strategy.ErrNilUser), errors.Is(err, serializer.ErrIDType),
		errors.Is(err, session.ErrNoHandler), errors.Is(err, session.ErrCommitted),
		errors.Is(err, session.ErrTooLarge), errors.Is(err, session.ErrValueType):
		return http.StatusInternalServerError
	case errors.As(err, &redirect) && redirect.URL == "":
		return http.StatusInternalServerError
	case errors.As(err, &redirect):
		if redirect.Code < 300 || redirect.Code > 399 {
			return http.StatusFound
		}
		return redirect.Code
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrCrossSite):
		return http.StatusForbidden
	case errors.Is(err, session.ErrSessionEnded), errors.Is(err, session.ErrSessionChanged):
		return http.StatusConflict
	case errors.As(err, &refusal):
		return refusal.Status()
	case errors.As(err, &insufficient):
		return http.StatusUnauthorized
	}
	return http.StatusServiceUnavailable
}
