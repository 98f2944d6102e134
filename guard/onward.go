package guard

import (
	"errors"
	"net/http"
	"slices"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/strategy"
)

// Responses to browsers where a redirect would be wrong: it would be circular, or it would continue what
// another site began. After a page of this site the browser sends all cookies, and its request counts as
// same-site.

// cookiesWithheld reports whether the browser came from another site, so that it does not send the
// session's cookie if that is SameSite=Strict. Until it makes a request from a page of this site (a
// redirect is not enough), nobody seems to be logged in (RFC 6265bis §5.2.1, §8.8.2).
func cookiesWithheld(r *http.Request) bool {
	h := r.Header
	return r.Method == http.MethodGet &&
		h.Get("Sec-Fetch-Site") == "cross-site" && h.Get("Sec-Fetch-Mode") == "navigate" && h.Get("Sec-Fetch-Dest") == "document"
}

// ownAddress returns the request's own address for a link in a page, "" if it is not safe. Unlike a
// return_to it may be long: the responses of providers are.
func ownAddress(r *http.Request) string {
	if uri := r.URL.RequestURI(); safePath(uri) {
		return uri
	}
	return ""
}

// repeatPage returns a page that makes the browser request the same address again, from this site.
func repeatPage(to string) *answer {
	p := Problem{Title: "One moment", Detail: "If this page stays, go on yourself."}
	return &answer{status: http.StatusOK, html: true, problem: p, onward: to, refresh: true}
}

// askToGoOn makes a the page on which the user decides whether to continue what another site began. It does
// so only if the browser shows the page to the user: no other page can press its button for them, since it
// is not in a frame.
func (a *answer) askToGoOn(r *http.Request) {
	if a.html && r.Method == http.MethodGet {
		a.problem.Title, a.problem.Detail = "Go on?", "Another site sent you here. Go on only if you want to."
		a.onward = ownAddress(r)
	}
}

// shown returns those refusals of e that concern credentials in the request.
func (e *Refusal) shown() (list []*strategy.CallbackRefusal) {
	for _, f := range e.Failures {
		if s, ok := errors.AsType[*strategy.CallbackRefusal](f.Err); ok {
			list = append(list, s)
		}
	}
	return list
}

// isUsed reports whether all credentials in the request had been used before.
func (e *Refusal) isUsed() bool {
	list := e.shown()
	for _, s := range list {
		if !s.Used {
			return false
		}
	}
	return len(list) > 0
}

// logInRoute is what LogIn and LogInWith return, so that Authenticate recognises it.
type logInRoute[U any] struct {
	http.Handler
	logIn *logIn[U]
}

func (g *Guard[U]) logInRoute(route string, next http.Handler, m *logIn[U]) http.Handler {
	return &logInRoute[U]{g.withSession(route, next, m), m}
}

// passAgain lets a logged-in user continue who shows the credentials of that log-in a second time, for
// instance by going back to a callback. This proves nothing, so nobody is logged in by it, but the user
// goes where the log-in led. It reports whether it has answered.
func (m *authenticate[U]) passAgain(w http.ResponseWriter, r *http.Request, st *reqstate.State, err error) bool {
	refusal, refused := errors.AsType[*Refusal](err)
	route, logsIn := m.next.(*logInRoute[U])
	if !refused || !logsIn || !refusal.isUsed() || r.Method != http.MethodGet {
		return false
	}
	switch _, err := m.g.currentUser(r, st); {
	case errors.As(err, new(*Insufficient)): // the log-in is pending: see Config.StepUpURL
		m.g.refuse(w, r, err)
		return true
	case err != nil:
		return false // answer with the refusal
	}
	if to := route.logIn.o.SuccessRedirect; to != "" {
		redirect(w, to, http.StatusSeeOther)
	} else {
		route.logIn.next.ServeHTTP(w, r)
	}
	return true
}

// comesBack reports whether r is the callback of a strategy of the chain, to which another site sends the
// browser.
func (m *authenticate[U]) comesBack(r *http.Request) bool {
	return slices.ContainsFunc(m.chain, func(s strategy.Strategy[U]) bool { return allowsCrossSite(s, r) })
}
