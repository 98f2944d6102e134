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
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

// LogInOptions say how [Guard.LogInWith] works: the options of passport.authenticate
// that concern a success. Their zero value is LogIn's.
type LogInOptions struct {
	// SuccessRedirect is where the user goes, with 303: a local path or an http or
	// https URL. The next handler is then not called and may be nil. Passport:
	// successRedirect.
	SuccessRedirect string

	// ReturnTo sends the user to the page they came from, if a safe one is known, and
	// to SuccessRedirect otherwise. It looks at what the strategy reported
	// (strategy.Info.ReturnTo), at the session's key returnTo, which it removes, and
	// at the parameter return_to in the query or in the form, which it parses.
	// Passport: successReturnToOrRedirect.
	ReturnTo bool

	// SuccessFlash is a flash message of the kind "success". Passport: successFlash.
	SuccessFlash string

	// SuccessMessage is appended to the session's list "messages". Passport:
	// successMessage.
	SuccessMessage string

	// Keep lists the keys of an anonymous session that the user keeps, besides
	// returnTo and flash, which are kept even if it is nil. Empty and not nil means none. The
	// values of another user's session are dropped, whatever Keep says. Passport:
	// keepSessionInfo, for all keys.
	Keep []string

	// Remember says how long this session may stay unused, by a "remember me" box for
	// instance; 0 means until the browser closes. ok false, or a nil Remember, leaves
	// the session Config's own. See [session.Session.SetMaxAge].
	Remember func(*http.Request) (maxAge time.Duration, ok bool)

	// RememberMe says whether Config.RememberMe remembers this browser beyond the session,
	// by a "remember me" box for instance. Nil, and false, make it forget whom it
	// remembered before.
	RememberMe func(*http.Request) bool

	// Reauthenticated is for [Guard.LogInContext], and makes it [Guard.ReauthenticateUser]:
	// the application has just checked the user's credentials. LogInWith, before which a
	// strategy has, panics.
	Reauthenticated bool

	sameBrowser bool // remember the browser if it was remembered
	renews      bool // the user was found by the session, see reqstate.LogIn
}

// check panics for options that cannot work.
func (o *LogInOptions) check(next http.Handler, remembers bool) {
	if o.RememberMe != nil && !remembers {
		panic("guard: LogInWith: " + needsRememberMe)
	}
	if o.Reauthenticated {
		panic("guard: LogInWith: Reauthenticated is for LogInContext: what Authenticate saw is as fresh as it is")
	}
	checkSuccess("LogInWith", o.SuccessRedirect, next)
}

// checkSuccess panics for an invalid redirect, or if there is neither a redirect nor a next handler.
func checkSuccess(method, to string, next http.Handler) {
	if err := checkRedirect(to); err != nil {
		panic(fmt.Sprintf("guard: %s: SuccessRedirect %q: %v", method, to, err))
	}
	if to == "" && next == nil {
		panic("guard: " + method + ": the next handler is nil: pass one, or set SuccessRedirect")
	}
}

// LogIn remembers, in the session, the user whom [Guard.Authenticate] found in this
// request: req.logIn in Passport, done by passport.authenticate without session:
// false; Nest's LocalGuard is Authenticate and LogIn.
//
//	mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(welcome)))
//
// The session gets a new id, and its record is stored before the first byte of the
// answer: if that fails, the answer is 503 and nobody is logged in. The same user
// again keeps the session's values; another user's are dropped; an anonymous
// visitor's are too, except returnTo and flash.
//
// While a factor of Config.Factors is missing, next is not called: the log-in is stored,
// and the answer asks for the factor.
//
// A visitor for whom Authenticate decided on "anonymous" goes on to next without a log-in.
//
// Only credentials count. Where Authenticate did not run before, or found the user by
// "session", the answer is 500, and the log names the missing call: to log in again
// from a session would make every session fresh for [Guard.RequireFresh].
//
// It panics if next is nil or the guard is stateless.
func (g *Guard[U]) LogIn(next http.Handler) http.Handler {
	g.needSessions("LogIn")
	return g.logInRoute("LogIn", next, &logIn[U]{g: g, next: next})
}

// LogInWith is [Guard.LogIn] with options for success. It panics as LogIn does, and if
// SuccessRedirect is not a local path or an http or https URL, if Reauthenticated is set,
// or RememberMe without that of Config.
func (g *Guard[U]) LogInWith(o LogInOptions) func(http.Handler) http.Handler {
	g.needSessions("LogInWith")
	o.Keep = slices.Clone(o.Keep)
	return func(next http.Handler) http.Handler {
		o.check(next, g.cfg.RememberMe != nil)
		if next == nil {
			next = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // called for an anonymous visitor only
				redirect(w, o.SuccessRedirect, http.StatusSeeOther)
			})
		}
		return g.logInRoute("LogInWith", next, &logIn[U]{g, o, next})
	}
}

const needsRememberMe = "LogInOptions.RememberMe remembers nobody without Config.RememberMe: set that, or leave it out"

type logIn[U any] struct {
	g    *Guard[U]
	o    LogInOptions
	next http.Handler
}

// ServeHTTP implements [http.Handler].
func (m *logIn[U]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	st := m.g.requestState(w, r)
	done, err := m.logIn(r, st)
	switch {
	case err != nil:
		m.g.refuse(w, r, err)
	case done == nil:
		m.next.ServeHTTP(w, r)
	case done.evidence.missing != "":
		m.g.answerPending(w, r, done.evidence.insufficient(), done.to)
	case done.to != "":
		redirect(w, done.to, http.StatusSeeOther)
	default:
		m.next.ServeHTTP(w, r)
	}
}

// logIn logs in the request's user. It returns the log-in that was carried out, nil for an anonymous
// visitor, for whom the next handler is called, as by Passport's pass.
func (m *logIn[U]) logIn(r *http.Request, st *reqstate.State) (*logInPlan[U], error) {
	user, e, _ := m.g.requestUser(st)
	switch {
	case e == isAnonymous:
		return nil, nil
	case e.state == nobody:
		return nil, &misuse{"LogIn: no user was found in this request: put Authenticate with a strategy for credentials, other than \"session\", before LogIn"}
	case !e.state.byCredentials():
		return nil, &misuse{"LogIn: the user of this request came from the session, not from credentials: put Authenticate with a strategy for credentials before LogIn"}
	}
	return m.g.logIn(r, st, user, e, &m.o)
}

// logInPlan is a log-in that was decided on. Making one changes nothing; carryOut does all of it, or
// nothing.
type logInPlan[U any] struct {
	user     U
	evidence *evidence
	in       reqstate.LogIn
	o        *LogInOptions
	to       string                // where the options send the user after the log-in
	event    Event                 // the event of the log-in, without an Outcome
	replaced Event                 // the event of the stored log-in that this one replaces; without a User for none
	needed   []string              // the factors that the user has
	counts   bool                  // Config.MaxSessions counts it: it makes a session that lets the user pass
	remember bool                  // begin a series of Config.RememberMe
	cookie   string                // the cookie of that series, once it has begun
	begun    *remember.Remembered  // the series that began in this request, by this log-in or an earlier one
	goesOn   string                // the name of the series that continues, if the log-in renews one
	presents bool                  // the request has a cookie of Config.RememberMe
	former   []remember.Remembered // the series that the browser presents, and that end
	counted  int                   // how many times countSessions ran
	excess   []UserSession         // the sessions over Config.MaxSessions, found when the log-in was stored
	countErr error                 // why excess could not be found
}

// logIn logs in user, with the evidence e, and returns the log-in that was carried out.
func (g *Guard[U]) logIn(r *http.Request, st *reqstate.State, user U, e *evidence, o *LogInOptions) (*logInPlan[U], error) {
	p, err := g.planLogIn(r, st, user, e, o)
	if err == nil {
		err = g.carryOut(r, st, p)
	}
	if err != nil {
		return nil, fmt.Errorf("guard: log in: %w", err)
	}
	if e.state == proved && e.info.Linking { // Authenticate has sent no event of a log-in
		g.emitOf(r, Event{Name: EventLogInSuccess, Outcome: OutcomeSuccess, Strategy: e.strategy, User: p.in.Slot.User})
	}
	return p, nil
}

// planLogIn decides what a log-in changes.
func (g *Guard[U]) planLogIn(r *http.Request, st *reqstate.State, user U, e *evidence, o *LogInOptions) (*logInPlan[U], error) {
	ctx := r.Context()
	id, name, err := g.serialize(ctx, user)
	if err != nil {
		return nil, err
	}
	before, err := st.Slots.Former(ctx, g.cfg.SessionKey)
	if err != nil {
		return nil, err
	}
	p := &logInPlan[U]{user: user, evidence: e, o: o}
	if g.factors != nil {
		if p.needed, err = g.factorsNeeded(ctx, user); err != nil {
			return nil, err
		}
		p.evidence = e.lacking(firstMissing(p.needed, e.factors))
	}
	// A pending log-in lets nobody pass, so it must not end sessions that do. A renewal makes no new
	// session, unless it completes a pending one.
	p.counts = g.cfg.MaxSessions > 0 && p.evidence.missing == "" && (!o.renews || firstMissing(p.needed, factorsOf(before)) != "")
	p.in = g.toStore(r, p, id, name, before.At)
	p.event = Event{Name: EventSessionCreated, Strategy: p.evidence.strategy, User: p.in.Slot.User}
	var stored reqstate.Slot // a log-in of this request that was not stored does not count
	if before.User != nil {
		if stored, err = st.Slots.Standing(ctx, g.cfg.SessionKey); err != nil {
			return nil, err
		}
	}
	switch {
	case stored.User == nil:
	case !g.sameUser(stored.User, id):
		p.replaced = Event{Name: EventSessionExpired, Outcome: OutcomeSuccess, User: slices.Clone(stored.User), Session: g.ref(ctx), Reason: ReasonReplaced}
	case o.renews:
		p.event.Name, p.event.Reason = EventSessionRenewed, ReasonLogInUser
		if o.Reauthenticated || !p.in.Slot.At.Equal(stored.At) { // ReauthenticateUser, or an earlier log-in of the request
			p.event.Reason = ReasonReauthenticated
		}
	}
	if g.cfg.RememberMe != nil && e.state != recalled {
		err = g.planSeries(r, st, p)
	}
	return p, err
}

// toStore returns the log-in to store for p. id and name are those of its user; at is the time of the
// log-in that is there already.
func (g *Guard[U]) toStore(r *http.Request, p *logInPlan[U], id json.RawMessage, name string, at time.Time) reqstate.LogIn {
	e, o := p.evidence, p.o
	in := reqstate.LogIn{
		Key:    g.cfg.SessionKey,
		Name:   name,
		Slot:   reqstate.Slot{User: id},
		Same:   func(user json.RawMessage) bool { return g.sameUser(user, id) },
		Keep:   o.Keep,
		Renews: o.renews,
	}
	switch {
	case e.state == recalled:
		in.NoTime = true
	case o.renews && !o.Reauthenticated:
		in.Slot.At, in.NoTime = at, at.IsZero()
	default:
		in.Slot.At = e.at
	}
	if at := in.Slot.At; len(e.factors) == 1 && !at.IsZero() && e.factors[0].at.UnixMilli() == at.UnixMilli() {
		in.Slot.Factors = rawjson.Quote(e.factors[0].name)
	} else {
		in.Slot.Factors = withFactors(nil, e.factors)
	}
	if g.stamps != nil {
		in.Slot.Stamp = []byte(g.stamps.Stamp(p.user, id))
	}
	if len(e.info.Labels) > 0 {
		in.Labels = g.linkLabels(e.info.Labels)
	}
	if e.series != "" {
		in.Labels = append(in.Labels, g.seriesPrefix()+e.series)
	}
	if o.renews {
		in.Keeps = g.linkPrefix()
	}
	if o.Keep == nil || len(o.Keep) > 0 {
		in.Keep = append([]string{keyReturnTo, "flash"}, o.Keep...)
	}
	if o.Remember != nil {
		if d, ok := o.Remember(r); ok {
			in.MaxAge = &d
		}
	}
	return in
}

// carryOut carries out p. Steps that could not be undone wait until the commit has succeeded. After an
// error nothing that existed before has changed, nothing is pending, and the request has no user.
func (g *Guard[U]) carryOut(r *http.Request, st *reqstate.State, p *logInPlan[U]) error {
	ctx := withRoute(r)
	if err := g.changeSession(r, st, p); err != nil {
		st.Slots.Forget()
		g.clearUser(st)
		g.dropSeries(ctx, p)
		return err
	}
	e := *p.evidence
	if e.state == recalled {
		e = *isRecalled
	} else {
		e.state = loggedIn
	}
	if p.cookie != "" {
		st.SetUser(begunBy[U]{g}, nil, append(slices.Clip(g.begun(st)), *p.begun))
	}
	e.missing = p.evidence.missing
	st.SetUser(g, p.user, &e)
	st.Slots.AfterCommit(g.cfg.SessionKey, func(err error, repeated bool) { g.finishLogIn(ctx, st, p, err, repeated) })
	return nil
}

// finishLogIn does what follows the commit of the log-in p, which ended with err. If a user's log-in was
// repeated, only the last one sends events.
func (g *Guard[U]) finishLogIn(ctx context.Context, st *reqstate.State, p *logInPlan[U], err error, repeated bool) {
	// A recalled log-in that was dropped was only visible to this request.
	if !repeated && !(p.evidence.state == recalled && errors.Is(err, reqstate.ErrDropped)) {
		g.emitOutcome(ctx, p.event, err)
		if p.replaced.User != nil && (err == nil || errors.Is(err, reqstate.ErrReplaced)) {
			g.emit(ctx, p.replaced)
		}
	}
	if g.cfg.RememberMe == nil && !p.counts {
		return
	}
	ctx, cancel := g.afterRequest(ctx)
	defer cancel()
	if err != nil { // so the browser is not remembered, and no session is too many
		g.dropSeries(ctx, p)
		return
	}
	g.replaceSeries(ctx, st, p)
	g.endExcess(ctx, st, p)
}

// afterRequest returns a context for work after a commit, which does not end if the client closes the
// connection.
func (g *Guard[U]) afterRequest(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), g.cfg.Sessions.StoreTimeout())
}

// changeSession stores the log-in, and what belongs to it, in the session.
func (g *Guard[U]) changeSession(r *http.Request, st *reqstate.State, p *logInPlan[U]) (err error) {
	ctx := r.Context()
	if p.remember {
		if err := g.beginSeries(ctx, p); err != nil {
			return err
		}
	}
	if err := st.Slots.LogIn(ctx, p.in); errors.Is(err, reqstate.ErrTooOld) {
		return fmt.Errorf("%w: %w", strategy.ErrUnauthenticated, err)
	} else if err != nil {
		return err
	}
	if g.cfg.Device != nil {
		if err := g.noteDevice(r); err != nil {
			return err
		}
	}
	if o := p.o; o.SuccessFlash != "" || o.SuccessMessage != "" {
		if err := g.addMessages(r, "success", o.SuccessFlash, o.SuccessMessage); err != nil {
			return err
		}
	}
	p.to = p.o.SuccessRedirect
	if p.o.ReturnTo {
		to, err := g.takeReturnTo(r, st, p.evidence)
		if err != nil {
			return err
		}
		if to != "" {
			p.to = to
		}
	}
	if p.counts || p.evidence.state == recalled {
		return g.store(withRoute(r), st, p)
	}
	return nil
}

// store makes the commit count the log-in p, if it counts. It commits at once if the log-in may be refused,
// or if its series has to be checked again.
func (g *Guard[U]) store(ctx context.Context, st *reqstate.State, p *logInPlan[U]) error {
	former := g.ref(ctx)
	if p.counts {
		st.Slots.OnStored(g.cfg.SessionKey, func(ctx context.Context, ref string) error {
			return g.countSessions(ctx, p, former, ref)
		})
	}
	if p.evidence.state != recalled && !(p.counts && g.cfg.RefuseMore) {
		return nil
	}
	s, err := g.cfg.Sessions.Session(ctx)
	if err == nil {
		err = s.Save(ctx)
	}
	if errors.Is(err, ErrTooManySessions) { // sent here, because the refused user is dropped next
		g.emit(ctx, Event{Name: EventForbidden, Outcome: OutcomeFailure, Strategy: p.evidence.strategy,
			User: slices.Clone(p.in.Slot.User), Session: former, Reason: ReasonTooMany})
		return &refusedLogIn{err}
	}
	return err
}
