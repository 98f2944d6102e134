package guard

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// What an application in the browser has to tell apart: the type of a problem document
// (RFC 9457 §3.1.1) that [Guard.Error] writes. Anything else has the type "about:blank",
// and its status says all.
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
	// no proof that it comes from there. The same request again may have one; if not, to log in
	// again helps.
	ProblemUnproved = problems + "ProblemUnproved"
	// ProblemConflict is the type of a 409: the session ended or changed meanwhile.
	ProblemConflict = problems + "ProblemConflict"
	// ProblemCrossSite is the type of a 403: another site caused the request.
	ProblemCrossSite = problems + "ProblemCrossSite"
	// ProblemTooManySessions is the type of a 403: Config.RefuseMore refused the log-in.
	ProblemTooManySessions = problems + "ProblemTooManySessions"

	problems = "https://pkg.go.dev/github.com/seed-6f34412b/passport/guard#"
)

// problem is a problem document.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Factor string `json:"factor,omitempty"`
	MaxAge int64  `json:"maxAge,omitempty"` // in seconds
}

// problemOf returns the document for err, which is answered with status.
func problemOf(err error, status int) problem {
	err = decisive(err)
	p := problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail(status)}
	insufficient, waits := errors.AsType[*Insufficient](err)
	_, refused := errors.AsType[*Refusal](err)
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
		p.MaxAge = int64(insufficient.MaxAge / time.Second)
	case errors.Is(err, ErrTooManySessions):
		p.Type, p.Detail = ProblemTooManySessions, "There are as many sessions as allowed. Log out elsewhere first."
	case errors.Is(err, ErrCrossSite):
		p.Type = ProblemCrossSite
	case errors.Is(err, session.ErrSessionEnded), errors.Is(err, session.ErrSessionChanged):
		p.Type = ProblemConflict
	case status == http.StatusUnauthorized && errors.Is(err, strategy.ErrUnauthenticated):
		p.Type = ProblemLogIn
	}
	return p
}

// write writes the status and the document.
func (p *problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	// A client that went away is no concern of anybody's.
	_ = json.NewEncoder(w).Encode(p)
}
