package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// Options say how [Guard.AuthenticateWith] works: the options of
// passport.authenticate that concern a failure. Their zero value is Authenticate's.
type Options struct {
	// Strategies are asked in this order; none means all, in New's order.
	Strategies []string

	// FailureRedirect is where a refused request goes, with 303: a local path or an http or
	// https URL. It keeps the parameter return_to of the request. Passport:
	// failureRedirect.
	FailureRedirect string

	// FailureFlash is a flash message of the kind "error" for a refused request. It
	// makes a session for the visitor. Passport: failureFlash.
	FailureFlash string

	// FailureMessage is appended to the session's list "messages", as FailureFlash is
	// to the flash. Passport: failureMessage.
	FailureMessage string

	// FailureText chooses the text of FailureFlash and FailureMessage by the refusal,
	// say by its Status; empty keeps the fixed one. Do not show a Reason: it is for
	// operators. Passport: failureFlash: true.
	FailureText func(*Refusal) string

	// FailureHandler answers a refused request, in place of the redirect and of Config.Error: by the form
	// again, say. err matches strategy.ErrUnauthenticated and is a *Refusal. An outage never gets here. An
	// error that it returns, such as err itself or an outage of its page, is answered as [Guard.Handle]
	// answers one. If it writes nothing and returns nil, err is answered. Passport: failWithError, and the
	// custom callback.
	FailureHandler func(w http.ResponseWriter, r *http.Request, err error) error
}

// check panics for options that cannot work.
func (o *Options) check(stateless bool) {
	if err := checkRedirect(o.FailureRedirect); err != nil {
		panic(fmt.Sprintf("guard: AuthenticateWith: FailureRedirect %q: %v", o.FailureRedirect, err))
	}
	if stateless && (o.FailureFlash != "" || o.FailureMessage != "") {
		panic("guard: AuthenticateWith: FailureFlash and FailureMessage need sessions, and this guard is stateless: set Config.Sessions")
	}
	if o.FailureHandler != nil && o.FailureRedirect != "" {
		panic("guard: AuthenticateWith: FailureHandler and FailureRedirect both answer: set one of them")
	}
}

// Authenticate asks the named strategies who sent the request, in this order; none
// means all, in New's order: passport.authenticate(names) with session: false, Nest's
// AuthGuard(names). Two names are reserved: "session" is the log-in that the session
// remembers, and "anonymous" lets the request pass without a user.
//
// The first success stops: the handler finds the user by [Guard.User]. It is not
// logged in: for that, [Guard.LogIn] comes next. A redirect and ErrAnonymous stop too.
// When all refuse, the answer is the first status that one of them asked for, or 401
// with all their challenges. Any other error of a strategy is an outage: the chain
// stops and the answer is 503, never 401. A strategy that returns a nil user and no
// error is a mistake: 500 and a log line.
//
// A strategy that another site could misuse (see [strategy.CrossSite]) is not asked
// about an unsafe request from another site; unless another one succeeds, the answer
// is 403.
//
// Unknown names panic while routes are built, and so does a nil handler, or "session"
// on a stateless guard. Passport's authorize, which finds an account without logging
// it in, is Authenticate on a second guard.
func (g *Guard[U]) Authenticate(names ...string) func(http.Handler) http.Handler {
	return g.authenticateWith("Authenticate", Options{Strategies: names})
}

// AuthenticateWith is [Guard.Authenticate] with options for failures. It panics as
// Authenticate does, and if a redirect is not a local path or an http or https URL, or
// if options exclude each other.
func (g *Guard[U]) AuthenticateWith(o Options) func(http.Handler) http.Handler {
	o.check(g.cfg.Sessions == nil)
	return g.authenticateWith("AuthenticateWith", o)
}

func (g *Guard[U]) authenticateWith(route string, o Options) func(http.Handler) http.Handler {
	chain := g.chain(route, o.Strategies)
	return func(next http.Handler) http.Handler {
		return g.withSession(route, next, &authenticate[U]{g, chain, o, next})
	}
}

type authenticate[U any] struct {
	g     *Guard[U]
	chain []strategy.Strategy[U]
	o     Options
	next  http.Handler
}

// ServeHTTP implements [http.Handler].
func (m *authenticate[U]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	st := m.g.requestState(w, r)
	if (m.g.strict || m.g.binds) && cookiesWithheld(r) && m.comesBack(r) && (m.g.strict || m.g.isUnproved(r, st)) {
		if to := ownAddress(r); to != "" {
			repeatPage(to).write(w)
			return
		}
	}
	var info strategy.Info
	reqstate.Of(r.Context(), reqstate.Anyone).WithValues(strategy.WithInfo(context.Background(), &info))
	if err := m.authenticate(w, r, st, &info); err != nil {
		if !m.passAgain(w, r, st, err) {
			st.SetUser(m.g, nil, reqstate.Asked)
			m.answerFailure(w, r, err)
		}
		return
	}
	m.next.ServeHTTP(w, r)
}

// authenticate decides who sent the request, and makes them its user. The request is answered with the
// error.
func (m *authenticate[U]) authenticate(w http.ResponseWriter, r *http.Request, st *reqstate.State, info *strategy.Info) error {
	user, by, err := m.g.tryStrategies(w, r, m.chain, info)
	switch {
	case errors.Is(err, strategy.ErrAnonymous):
		if m.g.evidence(st).state == nobody {
			st.SetUser(m.g, nil, isAnonymous)
		}
		return nil
	case err != nil:
		return err
	case by.Name() == strategy.NameSession:
		return nil // restoreUser has set the request's user
	}
	if len(info.Cookies) > 0 {
		m.g.sendCookies(w, st, info.Cookies)
	}
	return m.g.setProved(r, st, user, by.Name(), *info)
}

// sendCookies adds the cookies of a strategy that succeeded to the response.
func (g *Guard[U]) sendCookies(w http.ResponseWriter, st *reqstate.State, cookies []*http.Cookie) {
	for _, c := range cookies {
		if g.cfg.Sessions == nil { // there is no commit that would send them
			http.SetCookie(w, c)
		} else {
			st.Slots.AddCookie(c.String())
		}
	}
}

// tryStrategies is Passport's attempt (middleware/authenticate.js:183): the first strategy that does not
// refuse decides. info is what it reported.
func (g *Guard[U]) tryStrategies(w http.ResponseWriter, r *http.Request, chain []strategy.Strategy[U], info *strategy.Info) (user U, by strategy.Strategy[U], err error) {
	var none U
	var failures []Failure
	foreign := g.sameSite(r, r.Method)
	skipped := false
	for _, s := range chain {
		if foreign != nil && !allowsCrossSite(s, r) {
			skipped = true
			continue
		}
		*info = strategy.Info{}
		user, err := s.Authenticate(w, r)
		switch {
		case err == nil && strategy.IsNilUser(user):
			return none, nil, &stopped{s.Name(), strategy.ErrNilUser}
		case err == nil:
			return user, s, nil
		case errors.Is(err, strategy.ErrUnauthenticated):
			failures = append(failures, failureOf(s, r, err))
		case errors.Is(err, strategy.ErrAnonymous) && skipped:
			return none, nil, ErrCrossSite
		default:
			return none, nil, &stopped{s.Name(), err}
		}
	}
	if skipped {
		return none, nil, ErrCrossSite
	}
	return none, nil, &Refusal{failures}
}

// stopped is an error with which a strategy ended the chain.
type stopped struct {
	strategy string
	err      error
}

// Error implements error.
func (e *stopped) Error() string { return "guard: strategy " + e.strategy + ": " + e.err.Error() }

// Unwrap returns the strategy's error.
func (e *stopped) Unwrap() error { return e.err }

// setProved makes user the request's user: the named strategy, which reported info, has just found them by
// credentials. They proved who they are at info.At, unless that is in the future. What the same user proved
// earlier in the request still counts.
func (g *Guard[U]) setProved(r *http.Request, st *reqstate.State, user U, name string, info strategy.Info) error {
	now := time.Now()
	e := &evidence{state: proved, strategy: name, info: info, at: now}
	if at := info.At; !at.IsZero() && !at.After(now) {
		e.at = at
	}
	if old, before, ok := g.requestUser(st); ok && before.state.byCredentials() && g.equalUsers(r.Context(), old, user) {
		e.factors = slices.Clone(before.factors)
	}
	names := info.Factors
	if len(names) == 0 {
		names = []string{name}
	}
	for _, f := range names {
		e.factors = append(e.factors, factor{f, e.at})
	}
	program := g.programs[name]
	if g.factors != nil && !program {
		missing, err := g.missingFactor(r.Context(), user, e.factors)
		if err != nil {
			return err
		}
		e.missing = missing
	}
	st.SetUser(g, user, e)
	event := Event{Name: EventLogInSuccess, Outcome: OutcomeSuccess, Strategy: name, Program: program}
	if info.Linking {
		event.Name = EventAccountProved
	}
	g.emitFor(r, user, event)
	return nil
}

// answerFailure answers a request that no strategy of the chain accepted.
func (m *authenticate[U]) answerFailure(w http.ResponseWriter, r *http.Request, err error) {
	refusal, refused := errors.AsType[*Refusal](err)
	if !refused {
		m.g.refuse(w, r, err)
		return
	}
	if err := m.addFailureMessages(r, refusal); err != nil {
		m.g.refuse(w, r, err)
		return
	}
	switch {
	case m.o.FailureHandler != nil:
		m.g.emitRefusal(r, err)
		m.g.handle(w, r, err, func(w http.ResponseWriter, r *http.Request) error {
			return m.o.FailureHandler(w, r, err)
		})
	case m.o.FailureRedirect != "":
		m.g.emitRefusal(r, err)
		redirect(w, addReturnTo(m.o.FailureRedirect, ReturnTo(r)), http.StatusSeeOther)
	default:
		m.g.refuse(w, r, err)
	}
}

func (m *authenticate[U]) addFailureMessages(r *http.Request, refusal *Refusal) error {
	flash, message := m.o.FailureFlash, m.o.FailureMessage
	if m.o.FailureText != nil {
		if text := m.o.FailureText(refusal); text != "" {
			flash, message = orNone(flash, text), orNone(message, text)
		}
	}
	if flash == "" && message == "" {
		return nil
	}
	return m.g.addMessages(r, "error", flash, message)
}

// orNone returns text, or "" if asked is empty.
func orNone(asked, text string) string {
	if asked == "" {
		return ""
	}
	return text
}

// addMessages adds a flash and a message, if not empty, to the session.
func (g *Guard[U]) addMessages(r *http.Request, kind, flash, message string) error {
	s, err := g.cfg.Sessions.Session(r.Context())
	if err != nil {
		return fmt.Errorf("guard: add a message: %w", err)
	}
	if flash != "" {
		if err := s.Flash(kind, flash); err != nil {
			return fmt.Errorf("guard: add a message: %w", err)
		}
	}
	if message == "" {
		return nil
	}
	err = session.Key[json.RawMessage]("messages").Update(s, func(stored json.RawMessage) (json.RawMessage, error) {
		var list []json.RawMessage
		if json.Unmarshal(stored, &list) != nil {
			list = nil // not a list: replace it, because a log-in must not fail because of it
		}
		return rawjson.Marshal(append(list, rawjson.Quote(message)))
	})
	if err != nil {
		return fmt.Errorf("guard: add a message: %w", err)
	}
	return nil
}
