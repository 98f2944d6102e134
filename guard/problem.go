package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// The types of the problem documents (RFC 9457 §3.1.1) that [Guard.Error] writes: what
// an application in the browser has to distinguish. Every other answer has the type
// "about:blank" and is known by its status.
const (
	// ProblemLogIn is the type of a 401: nobody is logged in, or the credentials were refused.
	ProblemLogIn = problems + "ProblemLogIn"
	// ProblemFactor is the type of a 401: a user is logged in and a factor is missing or too
	// old. The member factor names it, "totp" or alternatives such as "totp|passkey", and
	// maxAge says how many seconds old it may be, where that matters.
	ProblemFactor = problems + "ProblemFactor"
	// ProblemFresh is the type of a 401: a user is logged in, and has to log in again. The
	// member maxAge says how many seconds old the log-in may be.
	ProblemFresh = problems + "ProblemFresh"
	// ProblemBound is the type of a 401: a user is logged in, in a session that is not bound to
	// the device. See [Guard.RequireBound].
	ProblemBound = problems + "ProblemBound"
	// ProblemUnproved is the type of a 401: the session is bound to a device, and the request has
	// no proof that it comes from there. Repeat the request; if that does not help, log in again.
	ProblemUnproved = problems + "ProblemUnproved"
	// ProblemConflict is the type of a 409: the session ended or changed meanwhile.
	ProblemConflict = problems + "ProblemConflict"
	// ProblemCrossSite is the type of a 403: another site caused the request.
	ProblemCrossSite = problems + "ProblemCrossSite"
	// ProblemActing is the type of a 403: the user acts as another one. See [Acting.RequireSelf].
	ProblemActing = problems + "ProblemActing"
	// ProblemTooManySessions is the type of a 403: Config.RefuseMore refused the log-in.
	ProblemTooManySessions = problems + "ProblemTooManySessions"

	problems = "https://pkg.go.dev/github.com/seed-6f34412b/passport/guard#"
)

// Problem is the answer of [Guard.Error] in words for people: for an application's own error page
// (Config.ErrorPage) or the message at a field. Its texts are fixed and do not tell the cause.
type Problem struct {
	Type   string // ProblemLogIn, or one of the others, or "about:blank"
	Title  string // the status in words, such as "Too Many Requests"
	Status int    // as Status returns it
	Detail string // whole sentences: what is wrong, and what to do about it

	Factor     string        // of ProblemFactor
	MaxAge     time.Duration // of ProblemFresh and ProblemFactor: how old it may be; 0 means any age
	RetryAfter time.Duration // when to come back, as the header Retry-After says, and Detail of a 429; 0 means unknown

	// URL is where the browser can go on, for a button of Config.ErrorPage: the page where its user logs in
	// or steps up, for a form that was sent with the form's page as return_to, or the request's own address
	// if another site sent the browser there. Empty means none, as outside of ErrorPage.
	URL string
}

// Kind returns the last part of Type, such as "ProblemFresh", for templates; "" for "about:blank".
func (p Problem) Kind() string {
	_, kind, _ := strings.Cut(p.Type, "#")
	return kind
}

// ProblemOf returns the answer to err: an error of this package, of a strategy or a
// throttle.Limiter, or an outage. A *strategy.Redirect is no problem: its Status is that of the
// redirect.
func ProblemOf(err error) Problem {
	err = decisive(err)
	status := Status(err)
	p := Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail(status)}
	insufficient, waits := errors.AsType[*Insufficient](err)
	refusal, refused := errors.AsType[*Refusal](err)
	switch {
	case errors.Is(err, strategy.ErrBusy):
		p.RetryAfter = busyRetry
	case refused:
		if p.RetryAfter = refusal.RetryAfter(); p.RetryAfter > 0 && status == http.StatusTooManyRequests {
			p.Detail = "Too many attempts. Try again in " + inWords(p.RetryAfter) + "."
		}
	}
	switch {
	case waits && !refused:
		p.Type, p.Detail = ProblemFresh, "Log in again to do this."
		switch insufficient.Binding {
		case BindingMissing:
			p.Type, p.Detail = ProblemBound, "Use a browser that binds its session to the device to do this."
		case BindingUnproved:
			p.Type, p.Detail = ProblemUnproved, "The browser did not prove that it is the one that logged in. Load the page again, or log in again."
		}
		if insufficient.Factor != "" {
			p.Type, p.Factor, p.Detail = ProblemFactor, insufficient.Factor, "Prove a further factor to do this."
		}
		p.MaxAge = insufficient.MaxAge
	case errors.Is(err, ErrTooManySessions):
		p.Type, p.Detail = ProblemTooManySessions, "There are as many sessions as allowed. Log out elsewhere first."
	case errors.Is(err, ErrActing):
		p.Type, p.Detail = ProblemActing, "Only the owner of the account can do this."
	case errors.Is(err, ErrCrossSite):
		p.Type = ProblemCrossSite
	case errors.Is(err, session.ErrSessionEnded), errors.Is(err, session.ErrSessionChanged):
		p.Type = ProblemConflict
	case status == http.StatusUnauthorized && errors.Is(err, strategy.ErrUnauthenticated):
		p.Type = ProblemLogIn
	}
	return p
}

// inWords returns d in words, rounded up.
func inWords(d time.Duration) string {
	n, unit := (d+time.Second-1)/time.Second, "second"
	switch {
	case d > 2*time.Hour:
		n, unit = (d+time.Hour-1)/time.Hour, "hour"
	case d > 2*time.Minute:
		n, unit = (d+time.Minute-1)/time.Minute, "minute"
	}
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// write writes the status and a problem document.
func (p Problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	// An error only means that the client has gone.
	_ = json.NewEncoder(w).Encode(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
		Factor string `json:"factor,omitempty"`
		MaxAge int64  `json:"maxAge,omitempty"` // in seconds
	}{p.Type, p.Title, p.Status, p.Detail, p.Factor, int64(p.MaxAge / time.Second)})
}
