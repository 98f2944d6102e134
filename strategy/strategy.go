// Package strategy answers: who sent this request?
//
// A [Strategy] looks at one kind of credential. It knows nothing of sessions.
//
//	NewLocal     email and password in a form or in JSON; the application checks them
//	NewBasic     HTTP Basic authentication, RFC 7617
//	NewBearer    a token in the Authorization header, RFC 6750
//	Anonymous    nobody, on purpose
//	Func         a function of one's own
//	Map, Named   another strategy, for another user type or under another name
//
// The others are packages of their own below this one:
//
//	password     passwords in a users table, and their hashes
//	throttle     another strategy, its guessing slowed down
//	totp         a code of an authenticator app, as a second factor
//	onetime      a token that was mailed, good once
//	remember     a cookie that outlives the session
//	apikey       the key of a program, in a header
//	jwt, oidc    tokens and log-ins of somebody else; modules of their own, as are
//	passkey      keys of WebAuthn; and precis, one form of Unicode for names and passwords
//
// They store data through [Counter], [Tokens] and [Cells].
package strategy

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Strategy authenticates requests by one kind of credential: Passport's Strategy.
// U is the application's user type, often a pointer. It is safe for concurrent use.
//
// Authenticate ends in one of Passport's five ways:
//
//	success(user)      user, nil; more about the log-in through Report
//	fail(challenge)    an error that wraps ErrUnauthenticated, often a *Failure: the next strategy is tried
//	pass()             ErrAnonymous: stop, go on without a user
//	redirect(url)      a *Redirect
//	error(err)         any other error: an outage; nobody is logged in, the answer is 5xx
//
// A nil pointer, map, slice, func or interface is never a user.
//
// Authenticate leaves r to the handler as it found it: a body that it read can be read
// again from its beginning. No credential is in the text of an error: operators log it.
//
// Package strategytest checks these rules one by one.
type Strategy[U any] interface {
	// Name is the name by which a guard selects the strategy; not empty, constant.
	Name() string
	// Authenticate says who sent r. w is for headers (a cookie that success rotates);
	// writing a status or a body is a bug.
	Authenticate(w http.ResponseWriter, r *http.Request) (U, error)
}

// ErrUnauthenticated is wrapped by every error that means "these are not valid
// credentials", absent and wrong alike.
var ErrUnauthenticated = errors.New("strategy: not authenticated")

// ErrAnonymous is returned by a strategy that lets a request pass without a user.
var ErrAnonymous = errors.New("strategy: anonymous")

// ErrBusy is returned when a bounded resource, such as the queue of a Hasher, is
// full. Guards answer 503 with Retry-After.
var ErrBusy = errors.New("strategy: too busy, try again")

// Failure is a refusal that says how to answer: Passport's fail(challenge, status).
// It matches ErrUnauthenticated. Its zero value is a plain 401.
type Failure struct {
	Challenge  string        // a WWW-Authenticate value of one challenge (RFC 9110 §11.3), empty for none
	Status     int           // 4xx; 0 means 401
	RetryAfter time.Duration // 0 means no Retry-After header
	Reason     string        // for operators' logs only; never a secret, never sent to the client
	Malformed  bool          // r brought credentials of this kind that cannot be read
}

// Error implements error.
func (f *Failure) Error() string {
	if f.Reason == "" {
		return ErrUnauthenticated.Error()
	}
	return "strategy: not authenticated: " + f.Reason
}

// Is reports whether target is ErrUnauthenticated.
func (f *Failure) Is(target error) bool { return target == ErrUnauthenticated }

// CallbackRefusal is a refusal of credentials that came at an address of their own, such as the answer of a
// provider at a callback. It matches [ErrUnauthenticated], as Err must. A guard answers it and does not
// redirect to guard.Config.LoginURL, since that could lead back to the same address.
type CallbackRefusal struct {
	Err  error // why it was refused
	Used bool  // it was used before, or belongs to no log-in that has begun: a user who is logged in already may continue
}

// Error implements error.
func (s *CallbackRefusal) Error() string { return s.Err.Error() }

// Unwrap returns Err.
func (s *CallbackRefusal) Unwrap() error { return s.Err }

// Redirect sends the client elsewhere: Passport's redirect(url, status).
type Redirect struct {
	URL  string
	Code int // 3xx; 0 means 302 Found
}

// Error implements error.
func (*Redirect) Error() string { return "strategy: continue elsewhere" }

// CrossSite is an optional ability of a Strategy. Without it, a request with an unsafe
// method that a browser sent from another site is refused before the strategy is
// called. A strategy whose credentials a browser never adds by itself (a header token),
// or whose flow carries its own state, returns true.
type CrossSite interface {
	// AllowCrossSite reports whether the strategy may be asked about r, a request with
	// an unsafe method from another site. The answer about one request is the same
	// whenever it is asked: a guard asks before Authenticate and after.
	AllowCrossSite(r *http.Request) bool
}

// Info has the details of a success besides the user: the second argument of Passport's
// success(user, info).
type Info struct {
	Factors  []string       // names of the factors proved; empty means the strategy's own name
	At       time.Time      // when the user proved who they are; zero means now
	Labels   []string       // names of the log-in elsewhere (an OpenID Connect sid), by which guard.EndLinked ends it
	ReturnTo string         // where the flow wants to end; a local path
	Linking  bool           // the account is to be connected to a user who is logged in: no log-in without guard.LogIn
	Cookies  []*http.Cookie // for the answer to the log-in: see SendCookie
	Detail   any            // for the application
}

func refused(status int, reason string, malformed bool) error {
	return &Failure{Status: status, Reason: reason, Malformed: malformed}
}

type infoKey struct{}

// WithInfo returns a context in which [Report] fills info. Guards call it.
func WithInfo(ctx context.Context, info *Info) context.Context {
	return context.WithValue(ctx, infoKey{}, info)
}

// Report gives the guard details of the log-in that the strategy is about to return. Do
// not call it before an error. Outside a guard it does nothing. If it is called twice,
// the last call counts.
func Report(ctx context.Context, info Info) {
	if p, ok := ctx.Value(infoKey{}).(*Info); ok {
		info.Cookies = append(p.Cookies, info.Cookies...)
		*p = info
	}
}

// SendCookie adds c to the answer to the log-in, also if something clears the headers
// before it is sent. A strategy calls it when it succeeds. Outside a guard c is added to
// the headers of w at once.
func SendCookie(w http.ResponseWriter, r *http.Request, c *http.Cookie) {
	if p, ok := r.Context().Value(infoKey{}).(*Info); ok {
		p.Cookies = append(p.Cookies, c)
		return
	}
	http.SetCookie(w, c)
}
