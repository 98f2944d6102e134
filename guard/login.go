package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/strategy"
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

	// Keep lists the keys of an anonymous session that the user takes along. Nil means
	// returnTo and flash; empty means none. A session that was another user's is
	// dropped, whatever Keep says. Passport: keepSessionInfo, for all keys.
	Keep []string

	// Remember says how long this session may stay unused, by a "remember me" box for
	// instance; 0 means until the browser closes. ok false, or a nil Remember, leaves
	// the session Config's own. See [session.Session.SetMaxAge].
	Remember func(*http.Request) (maxAge time.Duration, ok bool)

	// RememberMe says whether Config.RememberMe remembers this browser beyond the session,
	// by a "remember me" box for instance. Nil, and false, make it forget whom it
	// remembered before.
	RememberMe func(*http.Request) bool

	sameBrowser bool // remember it if it was
}

func (o *LogInOptions) check(next http.Handler) {
	if err := checkRedirect(o.SuccessRedirect); err != nil {
		panic(fmt.Sprintf("guard: LogInWith: SuccessRedirect %q: %v", o.SuccessRedirect, err))
	}
	if o.SuccessRedirect == "" && next == nil {
		panic("guard: LogInWith: the next handler is nil: pass one, or set SuccessRedirect")
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
// Only credentials count. Where Authenticate did not run before, or found the user by
// "session", the answer is 500, and the log names the missing call: to log in again
// from a session would make every session fresh for [Guard.RequireFresh].
//
// It panics if next is nil or the guard is stateless.
func (g *Guard[U]) LogIn(next http.Handler) http.Handler {
	g.needSessions("LogIn")
	return g.withSession("LogIn", next, &logIn[U]{g: g, next: next})
}

// LogInWith is [Guard.LogIn] with more to say about success. Beside what LogIn
// panics for, it panics if SuccessRedirect is not a local path or an http or https URL.
func (g *Guard[U]) LogInWith(o LogInOptions) func(http.Handler) http.Handler {
	g.needSessions("LogInWith")
	o.Keep = slices.Clone(o.Keep)
	return func(next http.Handler) http.Handler {
		o.check(next)
		if next == nil {
			next = http.NotFoundHandler() // never reached: SuccessRedirect is set
		}
		return g.withSession("LogInWith", next, &logIn[U]{g, o, next})
	}
}

type logIn[U any] struct {
	g    *Guard[U]
	o    LogInOptions
	next http.Handler
}

// ServeHTTP implements [http.Handler].
func (m *logIn[U]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	st := m.g.requestState(w, r)
	to, err := m.logIn(r, st)
	switch {
	case err != nil:
		m.g.refuse(w, r, err)
	case to != "":
		redirect(w, to, http.StatusSeeOther)
	default:
		m.next.ServeHTTP(w, r)
	}
}

// logIn logs in the request's user and says where to go, or "" for the next handler.
func (m *logIn[U]) logIn(r *http.Request, st *reqstate.State) (to string, err error) {
	e := m.g.evidence(st)
	user, _ := m.g.userIn(st)
	switch {
	case e.state == nobody:
		return "", &misuse{"LogIn: no user was found in this request: put Authenticate with a strategy for credentials, other than \"session\" and \"anonymous\", before LogIn"}
	case !e.state.byCredentials():
		return "", &misuse{"LogIn: the user of this request came from the session, not from credentials: put Authenticate with a strategy for credentials before LogIn"}
	}
	return m.g.remember(r, st, user, e, &m.o)
}

// remember has the commit log user in, with what e proves, and returns where o sends
// them. After an error nothing of the log-in is pending, and the request has no user.
func (g *Guard[U]) remember(r *http.Request, st *reqstate.State, user U, e *evidence, o *LogInOptions) (to string, err error) {
	ctx := r.Context()
	id, err := g.serialize(ctx, user)
	if err != nil {
		return "", fmt.Errorf("guard: log in: %w", err)
	}
	in := reqstate.LogIn{
		Key:    g.cfg.SessionKey,
		Slot:   reqstate.Slot{User: id, Factors: withFactors(nil, e.factors)},
		Labels: append([]string{g.label(id)}, e.info.Labels...),
		Keep:   o.Keep,
		NoTime: e.state == recalled,
	}
	if e.state != recalled {
		in.Slot.At = e.at(time.Now())
	}
	if in.Keep == nil {
		in.Keep = []string{keyReturnTo, "flash"}
	}
	if g.stamps != nil {
		in.Slot.Stamp = []byte(g.stamps.Stamp(user, id))
	}
	if o.Remember != nil {
		if d, ok := o.Remember(r); ok {
			in.MaxAge = &d
		}
	}
	if e.state != recalled {
		if err := g.beginSeries(r, st, &in, o); err != nil {
			return "", err
		}
	}
	if to, err = g.prepareLogIn(r, st, in, e, o); err != nil {
		st.Slots.Forget()
		g.clearUser(st)
		g.takeBackSeries(ctx, st, in.Labels, e)
		return "", err
	}
	if e.state == recalled {
		e = isRecalled
	} else {
		e = e.inState(loggedIn)
	}
	g.setUser(st, user, e)
	g.emitCommitted(ctx, st, Event{Name: EventSessionCreated, Strategy: e.strategy, User: id})
	if err := g.keepMaximum(r, st, user, id); err != nil {
		g.takeBackSeries(ctx, st, in.Labels, e)
		return "", err
	}
	return to, nil
}

// prepareLogIn puts the log-in in and what comes with it into the session. What must be stored
// before it is judged is stored at once.
func (g *Guard[U]) prepareLogIn(r *http.Request, st *reqstate.State, in reqstate.LogIn, e *evidence, o *LogInOptions) (to string, err error) {
	ctx := r.Context()
	if err := st.Slots.LogIn(ctx, in); err != nil {
		return "", fmt.Errorf("guard: log in: %w", err)
	}
	if err := g.noteDevice(r); err != nil {
		return "", err
	}
	if err := g.addMessages(r, "success", o.SuccessFlash, o.SuccessMessage); err != nil {
		return "", err
	}
	if o.ReturnTo {
		if to, err = g.takeReturnTo(r, st, e); err != nil {
			return "", err
		}
	}
	if to == "" {
		to = o.SuccessRedirect
	}
	if e.state == recalled || g.cfg.RefuseMore {
		s, err := g.cfg.Sessions.Session(ctx)
		if err == nil {
			err = s.Save(ctx)
		}
		if err != nil {
			return "", fmt.Errorf("guard: log in: %w", err)
		}
	}
	return to, nil
}

// LogInUser logs user in: req.logIn(user), for a handler that registers users or has
// checked credentials itself, and for one that changes the password, which passes the
// new user and so keeps this session while [serializer.WithStamp] ends the others.
// The commit writes it, before the first byte of the response; this request sees the
// user at once. The application vouches for the user: the log-in counts as fresh.
// Factors that the same user proved before stay. Call it from the request's own
// goroutine.
//
// The error is ErrCrossSite for an unsafe request from another site,
// session.ErrNoHandler where neither a middleware of this guard nor the session's
// Handler is around the caller, session.ErrCommitted after the response has started,
// and otherwise an outage. Nobody is logged in then, and what else this request changed
// in the session is dropped. Give it to [Guard.Error]. It
// panics if the guard is stateless.
func (g *Guard[U]) LogInUser(r *http.Request, user U) error {
	g.needSessions("LogInUser")
	st, err := g.stateOf(r, "LogInUser")
	if err != nil {
		return err
	}
	if strategy.NoUser(user) {
		return &misuse{"LogInUser: the user is nil"}
	}
	if !g.evidence(st).state.byCredentials() { // or else Authenticate has asked
		if err := g.sameSite(r); err != nil {
			return err
		}
	}
	e, err := g.vouched(r.Context(), st, user)
	if err != nil {
		return err
	}
	_, err = g.remember(r, st, user, e, &LogInOptions{sameBrowser: true})
	return err
}

// vouched returns the evidence for a user whom the application logs in: what the same user
// proved in this request, or for the log-in that the session remembers.
func (g *Guard[U]) vouched(ctx context.Context, st *reqstate.State, user U) (*evidence, error) {
	before := g.evidence(st)
	if old, ok := g.userIn(st); ok && before.state.byCredentials() && g.same(ctx, old, user) {
		return before, nil
	}
	e := &evidence{state: loggedIn}
	slot, err := st.Slots.Slot(ctx, g.cfg.SessionKey)
	if err != nil {
		return nil, fmt.Errorf("guard: log in: %w", err)
	}
	id, err := g.serialize(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("guard: log in: %w", err)
	}
	if bytes.Equal(slot.User, id) {
		e.factors = factorsOf(slot)
	}
	return e, nil
}

// label is under which all sessions of a user are found.
func (g *Guard[U]) label(id json.RawMessage) string { return g.cfg.SessionKey + ":" + string(id) }

// serialize is the serializer's Serialize, with its result checked.
func (g *Guard[U]) serialize(ctx context.Context, user U) (json.RawMessage, error) {
	id, err := g.users.Serialize(ctx, user)
	if err != nil {
		return nil, err
	}
	switch string(id) {
	case "", "null", "false", `""`:
		return nil, &misuse{fmt.Sprintf("the serializer (%T) returned %q, which means nobody: return the user's id as JSON", g.users, id)}
	}
	if !json.Valid(id) {
		return nil, &misuse{fmt.Sprintf("the serializer (%T) returned something that is not JSON", g.users)}
	}
	return id, nil
}

// same reports whether a and b are the same user to the session.
func (g *Guard[U]) same(ctx context.Context, a, b U) bool {
	if g.users == nil {
		return false
	}
	x, err := g.serialize(ctx, a)
	y, err2 := g.serialize(ctx, b)
	return errors.Join(err, err2) == nil && bytes.Equal(x, y)
}
