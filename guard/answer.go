package guard

import (
	"cmp"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
)

// busyRetry is after what time a client may try again after [strategy.ErrBusy].
const busyRetry = 5 * time.Second

// answer is the response to a refused request. All its texts are fixed: the client learns the status and
// nothing about the cause (ASVS 5.0 16.5.1).
type answer struct {
	status     int
	location   string
	challenges []string
	retryAfter time.Duration
	html       bool
	logIn      string // the target of the page's link
	problem    Problem
	onward     string // the target of the page's link for going on
	refresh    bool   // the browser follows onward without a click
}

// refuse answers a refused request.
func (g *Guard[U]) refuse(w http.ResponseWriter, r *http.Request, err error) {
	g.emitRefusal(r, err)
	g.answerRefused(w, r, err)
}

// answerRefused answers a refused request, or one whose session could not be saved: by Config.Error, and by
// Error if that writes nothing, since a refusal must not be answered with 200.
func (g *Guard[U]) answerRefused(w http.ResponseWriter, r *http.Request, err error) {
	if g.cfg.Error != nil {
		watched := &startWatcher{ResponseWriter: w}
		if g.cfg.Error(watched, r, err); watched.started {
			return
		}
	}
	g.Error(w, r, err)
}

// Error answers a request that is refused because of err, with the status that [Status] says:
// the default of Config.Error, and what custom handlers fall back on. An outage or a mistake of
// the program (5xx) is an [EventError], unless a middleware of this guard or the session's
// Handler has reported it in this request.
//
// A browser's window (Sec-Fetch-Mode: navigate, or a client that prefers HTML and does not
// say) is sent to Config.LoginURL, or StepUpURL, if that is the cure and the method is GET
// or HEAD, unless the browser itself can ask for a password; otherwise it gets a small
// page, or that of Config.ErrorPage. Scripts, images and programs get a problem document
// (RFC 9457) of a type such as [ProblemLogIn]. A 401 carries every challenge, each on a
// WWW-Authenticate line of its own. Strategies that have none, such as a form, add no line:
// a browser would act on it.
// Caches keep none of it.
//
// Passport: res.end(STATUS_CODES[…]) in middleware/authenticate.js.
func (g *Guard[U]) Error(w http.ResponseWriter, r *http.Request, err error) {
	g.emitOutage(r, err)
	a := g.answerTo(r, err)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if a.location != "" {
		if a.html {
			h.Add("Vary", "Accept")
		}
		redirect(w, a.location, a.status)
		return
	}
	h.Add("Vary", "Accept")
	for _, c := range a.challenges {
		h.Add("WWW-Authenticate", c)
	}
	if a.retryAfter > 0 {
		seconds := (a.retryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	if !g.writesPage(w, r, &a) {
		a.write(w)
	}
}

// writesPage lets Config.ErrorPage write the page of a, and reports whether it did.
func (g *Guard[U]) writesPage(w http.ResponseWriter, r *http.Request, a *answer) bool {
	if g.cfg.ErrorPage == nil || !a.html || a.refresh {
		return false
	}
	replacesBody(w.Header())
	p := a.problem
	p.URL = cmp.Or(a.onward, a.logIn)
	if h := w.Header(); h.Get("X-Frame-Options") == "" { // no other page presses its button: see askToGoOn
		h.Set("X-Frame-Options", "DENY")
	}
	watched := &startWatcher{ResponseWriter: w}
	g.cfg.ErrorPage(watched, r, p)
	return watched.started
}

// replacesBody removes the headers that are about what the handler meant to send, as http.Error does.
func replacesBody(h http.Header) {
	for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding", "ETag", "Last-Modified"} {
		h.Del(name)
	}
	h.Set("X-Content-Type-Options", "nosniff")
}

// answerTo returns the response to err.
func (g *Guard[U]) answerTo(r *http.Request, err error) answer {
	err = decisive(err)
	a := answer{html: prefersHTML(r.Header), logIn: g.cfg.LoginURL, problem: ProblemOf(err)}
	a.status, a.retryAfter = a.problem.Status, a.problem.RetryAfter
	var elsewhere *strategy.Redirect
	if errors.As(err, &elsewhere) && elsewhere.URL != "" {
		return answer{status: a.status, location: elsewhere.URL}
	}
	if errors.Is(err, strategy.ErrBusy) {
		return a
	}
	var insufficient *Insufficient
	var refusal *Refusal
	stays := false // answer here, without a redirect to the log-in page
	switch {
	case errors.As(err, &refusal):
		a.challenges = refusal.Challenges()
		stays = len(refusal.shown()) > 0
	case errors.As(err, &insufficient):
		a.challenges = []string{insufficient.challenge()}
		switch {
		case insufficient.Binding == BindingMissing:
			a.logIn = g.cfg.BindURL
		case insufficient.Binding == BindingUnproved:
			stays = skipped(r) != "" // the browser could not get a proof now, and may get one at the next try
		case insufficient.Factor != "":
			a.logIn = g.cfg.StepUpURL
		case a.logIn != "": // the log-in must be this fresh: the log-in page may tell a provider so
			a.logIn = withParam(a.logIn, paramMaxAge, strconv.FormatInt(int64(insufficient.MaxAge/time.Second), 10))
		}
	case errors.Is(err, ErrCrossSite):
		a.askToGoOn(r)
	}
	unproved := insufficient != nil && insufficient.Binding == BindingUnproved
	if (g.strict || unproved) && a.html && a.status == http.StatusUnauthorized && !stays && cookiesWithheld(r) {
		if to := ownAddress(r); to != "" {
			return *repeatPage(to)
		}
	}
	if a.status != http.StatusUnauthorized {
		a.logIn = ""
	}
	if reads := r.Method == http.MethodGet || r.Method == http.MethodHead; a.logIn != "" && !reads {
		a.logIn = withFormsPage(a.logIn, r)
	} else if a.html && a.logIn != "" && !stays && !asksBrowser(a.challenges) {
		if to := withReturnTo(a.logIn, r); to != "" {
			a.location, a.status = to, http.StatusSeeOther
		}
	}
	return a
}

// asksBrowser reports whether challenges make a browser ask its user for a password: the route then does
// not need the log-in page.
func asksBrowser(challenges []string) bool {
	for _, c := range challenges {
		scheme, _, _ := strings.Cut(c, " ")
		if strings.EqualFold(scheme, "Basic") || strings.EqualFold(scheme, "Negotiate") {
			return true
		}
	}
	return false
}

// challenge returns the challenge of RFC 9470 §3. Its scheme is Bearer, the only one that defines the
// error; a client that uses cookies can still read what is missing.
func (e *Insufficient) challenge() string {
	if e.Binding != "" {
		return `Bearer error="insufficient_user_authentication", error_description="Use a session that is bound to the device", acr_values="device-bound"`
	}
	c := `Bearer error="insufficient_user_authentication", error_description="Prove again who you are"`
	if e.Factor != "" {
		c += `, acr_values="` + strings.ReplaceAll(e.Factor, "|", " ") + `"`
	}
	if e.MaxAge > 0 {
		c += fmt.Sprintf(`, max_age="%d"`, e.MaxAge/time.Second)
	}
	return c
}

// detail returns a text that says what a client can do about a status.
func detail(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "The request lacks something, or is malformed."
	case http.StatusUnauthorized:
		return "Log in first. If you sent a password, a token or a cookie, it was not accepted."
	case http.StatusForbidden:
		return "This is not allowed."
	case http.StatusConflict:
		return "The session ended or changed in the meantime. Load the page again."
	case http.StatusRequestEntityTooLarge:
		return "The request is too large."
	case http.StatusTooManyRequests:
		return "Too many attempts. Try again later."
	case http.StatusInternalServerError:
		return "Something is wrong here. It was noted."
	case http.StatusServiceUnavailable:
		return "This does not work at the moment. Try again soon."
	}
	return "The request was refused."
}

// write writes the status and the body.
func (a *answer) write(w http.ResponseWriter) {
	replacesBody(w.Header())
	if !a.html {
		a.problem.write(w)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	title, text := a.problem.Title, a.problem.Detail
	link, refresh := "", ""
	switch onward := html.EscapeString(a.onward); {
	case onward != "":
		h.Set("Referrer-Policy", "same-origin")
		link = `<p><a href="` + onward + `">Go on</a></p>` + "\n"
		if a.refresh {
			refresh = `<meta http-equiv="refresh" content="0;url=` + onward + `">`
		}
	case a.logIn != "":
		link = `<p><a href="` + html.EscapeString(a.logIn) + `">Log in</a></p>` + "\n"
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">"+refresh+"<title>"+title+"</title>\n<h1>"+title+"</h1>\n<p>"+text+"</p>\n"+link+"</html>\n")
}

// redirect sends the client to location, which is safe: it is the application's own, or from SafeReturnTo.
// [http.Redirect] would resolve it against the request's path.
func redirect(w http.ResponseWriter, location string, status int) {
	w.Header().Set("Location", location)
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}
