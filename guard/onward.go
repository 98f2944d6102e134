package guard

import (
	"errors"
	"net/http"
	"slices"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/strategy"
)

// What a browser is answered where a redirect would be wrong: it would go round in circles, or
// it would go on what another site began. A page of this site, on the other hand, is a new
// beginning: from there, the browser sends all cookies, and says that the request is this
// site's own.

// cookiesWithheld reports whether the browser came from another site and kept the session's
// cookie back if it is SameSite=Strict. Until it starts from a page of this site, also by a
// redirect, nobody seems to be logged in (RFC 6265bis §5.2.1, §8.8.2).
func cookiesWithheld(r *http.Request) bool {
	h := r.Header
	return r.Method == http.MethodGet &&
		h.Get("Sec-Fetch-Site") == "cross-site" && h.Get("Sec-Fetch-Mode") == "navigate" && h.Get("Sec-Fetch-Dest") == "document"
}

// ownAddress returns the request's own address as a page may link to it, "" if it is not safe.
// Unlike what is sent along as return_to it may be long: providers put much into their answers.
func ownAddress(r *http.Request) string {
	if uri := r.URL.RequestURI(); safePath(uri) {
		return uri
	}
	return ""
}

// repeatPage returns the page that has the browser ask for the same address once more, from here.
func repeatPage(to string) *answer {
	return &answer{status: http.StatusOK, html: true, title: "One moment", detail: "If this page stays, go on yourself.", onward: to, refresh: true}
}

// askToGoOn makes a the page on which the user says whether what another site began should go
// on. Only where the browser shows it to the user: a page cannot press its button for them,
// since it lies in no frame.
func (a *answer) askToGoOn(r *http.Request) {
	if a.html && r.Method == http.MethodGet {
		a.title, a.detail, a.onward = "Go on?", "Another site sent you here. Go on only if you want to.", ownAddress(r)
	}
}

// shown returns the refusals among those of e that concern what the request showed.
func (e *Refusal) shown() (list []*strategy.CallbackRefusal) {
	for _, f := range e.Failures {
		if s, ok := errors.AsType[*strategy.CallbackRefusal](f.Err); ok {
			list = append(list, s)
		}
	}
	return list
}

// isUsed reports whether something that was used before is all that the request showed.
func (e *Refusal) isUsed() bool {
	list := e.shown()
	for _, s := range list {
		if !s.Used {
			return false
		}
	}
	return len(list) > 0
}

// logInRoute is what LogIn and LogInWith return, so that Authenticate knows it.
type logInRoute[U any] struct {
	http.Handler
	logIn *logIn[U]
}

func (g *Guard[U]) logInRoute(route string, next http.Handler, m *logIn[U]) http.Handler {
	return &logInRoute[U]{g.withSession(route, next, m), m}
}

// passAgain lets a user go on who is logged in and shows once more what has logged them in: who
// asks for a callback a second time, by the Back button say. Nothing is proved, so nobody is
// logged in by it; but who is, goes where the log-in would have led. It reports whether it has
// answered.
func (m *authenticate[U]) passAgain(w http.ResponseWriter, r *http.Request, st *reqstate.State, err error) bool {
	refusal, refused := errors.AsType[*Refusal](err)
	route, logsIn := m.next.(*logInRoute[U])
	if !refused || !logsIn || !refusal.isUsed() || r.Method != http.MethodGet {
		return false
	}
	switch _, err := m.g.currentUser(r, st); {
	case errors.As(err, new(*Insufficient)): // the log-in waits for a factor: see Config.StepUpURL
		m.g.refuse(w, r, err)
		return true
	case err != nil:
		return false // the refusal is the answer
	}
	if to := route.logIn.o.SuccessRedirect; to != "" {
		redirect(w, to, http.StatusSeeOther)
	} else {
		route.logIn.next.ServeHTTP(w, r)
	}
	return true
}

// comesBack reports whether r is the callback of one of the chain's strategies, to which
// another site sends the browser.
func (m *authenticate[U]) comesBack(r *http.Request) bool {
	return slices.ContainsFunc(m.chain, func(s strategy.Strategy[U]) bool { return allowsCrossSite(s, r) })
}
