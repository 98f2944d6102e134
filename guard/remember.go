package guard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

// A series of Config.RememberMe is of one log-in in one browser. The sessions that it
// makes carry its label, so that a log-out which ends the series finds all of them, also
// one that another request is just making.

// seriesPrefix begins the labels of series. No user's JSON does.
func (g *Guard[U]) seriesPrefix() string { return g.cfg.SessionKey + ":series:" }

// isMine reports whether this guard began the series of rem.
func (g *Guard[U]) isMine(rem remember.Remembered) bool {
	return strings.HasPrefix(rem.User, g.cfg.SessionKey+":")
}

// begunBy is the key in the request's State of the series that log-ins of g began: whatever the request
// decides of its user afterwards, a log-in that was stored keeps its own.
type begunBy[U any] struct{ g *Guard[U] }

func (g *Guard[U]) begun(st *reqstate.State) []remember.Remembered {
	u, _ := st.User(begunBy[U]{g})
	list, _ := u.More.([]remember.Remembered)
	return list
}

// planSeries notes for the log-in p what the browser presents of Config.RememberMe, and whether it
// is to be remembered.
func (g *Guard[U]) planSeries(r *http.Request, st *reqstate.State, p *logInPlan[U]) (err error) {
	came, o := asItCame(r, st), p.o
	p.presents = g.cfg.RememberMe.Presented(came)
	if p.former, err = g.cfg.RememberMe.Find(came); err != nil {
		return err
	}
	user := g.label(p.in.Slot.User)
	for _, rem := range g.begun(st) {
		if rem.User == user && st.Slots.Carries(r.Context(), g.seriesPrefix()+rem.Series) { // or else its log-in was dropped
			p.begun = &rem // its cookie goes out with this answer, unless this log-in replaces it
			p.former, p.presents = append([]remember.Remembered{rem}, p.former...), true
		}
	}
	p.remember = o.RememberMe != nil && o.RememberMe(r) ||
		o.sameBrowser && slices.ContainsFunc(p.former, func(rem remember.Remembered) bool { return rem.User == user })
	return nil
}

// beginSeries begins a series for the log-in p. Nobody gets its cookie
// before the log-in is stored.
func (g *Guard[U]) beginSeries(ctx context.Context, p *logInPlan[U]) error {
	user := g.label(p.in.Slot.User)
	if p.in.Renews || p.begun != nil { // the log-in is the one that made the browser's series, which goes on
		if i := slices.IndexFunc(p.former, func(rem remember.Remembered) bool { return rem.User == user }); i >= 0 {
			p.goesOn = p.former[i].Series
			p.in.Labels = append(p.in.Labels, g.seriesPrefix()+p.goesOn)
			return nil
		}
	}
	rem, cookie, err := g.cfg.RememberMe.Remember(ctx, user, p.in.Slot.User, p.in.Slot.Stamp, g.linkLabels(p.evidence.info.Labels)...)
	if err != nil {
		return err
	}
	p.cookie, p.begun = cookie.String(), &rem
	p.in.Labels = append(p.in.Labels, g.seriesPrefix()+rem.Series)
	return nil
}

// dropSeries ends the series of a log-in that failed.
func (g *Guard[U]) dropSeries(ctx context.Context, p *logInPlan[U]) {
	if p.cookie != "" {
		_ = g.cfg.RememberMe.ForgetSeries(ctx, p.begun.Series) // nobody has got its cookie
	}
}

// replaceSeries ends, after the log-in p was stored, the series that the browser
// presented, and the sessions that they made: another log-in has taken their place. The
// series of a log-in that was renewed goes on: a log-out meanwhile, which knows no other,
// has ended it, and a new one would undo that. Its token is another one where the stamp is:
// a copy of the cookie is no better than the sessions that the change has ended.
func (g *Guard[U]) replaceSeries(ctx context.Context, st *reqstate.State, p *logInPlan[U]) {
	kept := false
	for _, rem := range p.former {
		var err error
		if rem.Series != p.goesOn {
			err = g.endSeriesOf(ctx, rem, g.ref(ctx))
		} else {
			var next *http.Cookie
			next, kept, err = g.cfg.RememberMe.Update(ctx, rem, p.in.Slot.User, p.in.Slot.Stamp)
			kept = kept || err != nil // the browser is asked again when its session is over
			if next != nil {
				p.cookie = next.String()
			}
		}
		if err != nil {
			g.emit(ctx, Event{Name: EventError, Outcome: OutcomeError, User: p.in.Slot.User, Err: fmt.Errorf("guard: log in: %w", err)})
		}
	}
	switch {
	case p.cookie != "":
		st.Slots.AddCookie(p.cookie)
	case p.presents && !kept:
		st.Slots.AddCookie(g.cfg.RememberMe.Gone().String())
	}
}

// endSeriesOf ends the series of rem and, if it is this guard's, the sessions that it
// made, except the one of that Ref.
func (g *Guard[U]) endSeriesOf(ctx context.Context, rem remember.Remembered, exceptRef string) error {
	if err := g.cfg.RememberMe.ForgetSeries(ctx, rem.Series); err != nil {
		return err
	}
	if !g.isMine(rem) {
		return nil
	}
	_, err := g.cfg.Sessions.DestroyLinked(ctx, g.seriesPrefix()+rem.Series, exceptRef)
	return err
}

// asItCame returns r with the cookies that the browser sent. Something inside of the session's
// Handler may have changed them since (S6).
func asItCame(r *http.Request, st *reqstate.State) *http.Request {
	came := r.WithContext(r.Context())
	came.Header = http.Header{"Cookie": {st.Slots.Cookies()}}
	return came
}

// mayRecall reports whether there may be a cookie of Config.RememberMe. It is cheap, for most visitors have none.
func (g *Guard[U]) mayRecall(st *reqstate.State) bool {
	return g.cfg.RememberMe != nil && strings.Contains(st.Slots.Cookies(), g.remembers)
}

// recallUser logs the visitor in whom a cookie of Config.RememberMe remembers. The error is
// errNobody when there is none.
func (g *Guard[U]) recallUser(r *http.Request, st *reqstate.State) (U, error) {
	var none U
	m := g.cfg.RememberMe
	if !g.mayRecall(st) {
		return none, errNobody
	}
	came := asItCame(r, st)
	if !m.Presented(came) {
		return none, errNobody
	}
	rem, cookie, err := m.Recall(came)
	if theft, ok := errors.AsType[*remember.CookieTheft](err); ok {
		if err := g.endAfterTheft(withRoute(r), theft.Remembered); err != nil {
			return none, err
		}
	}
	if errors.Is(err, strategy.ErrUnauthenticated) {
		st.Slots.AddCookie(m.Gone().String())
		return none, errNobody
	}
	if err != nil {
		return none, fmt.Errorf("guard: recall: %w", err)
	}
	st.Slots.AddCookie(cookie.String())
	user, err := g.logInRecalled(r, st, rem)
	if _, pending := errors.AsType[*Insufficient](err); !pending && errors.Is(err, strategy.ErrUnauthenticated) {
		st.Slots.AddCookie(m.Gone().String())
	}
	return user, err
}

// logInRecalled makes a session for what was remembered.
func (g *Guard[U]) logInRecalled(r *http.Request, st *reqstate.State, rem remember.Remembered) (U, error) {
	var none U
	ctx := withRoute(r)
	if !g.isMine(rem) {
		return none, errNobody
	}
	slot := reqstate.Slot{User: rem.ID, Stamp: rem.Stamp}
	user, ended, err := g.userOfSlot(ctx, slot)
	if err == nil && ended != "" {
		g.emit(ctx, Event{Name: EventSessionExpired, Outcome: OutcomeSuccess, Strategy: strategy.NameRemember, User: slot.User, Reason: ended})
		if err = g.cfg.RememberMe.ForgetSeries(ctx, rem.Series); err == nil {
			return none, errNobody
		}
	}
	if err != nil {
		return none, fmt.Errorf("guard: recall: %w", err)
	}
	e := isRecalled.inState(recalled)
	e.factors = []factor{{strategy.NameRemember, time.Now()}}
	e.series, e.info.Labels = rem.Series, g.unlinkLabels(rem.Labels)
	done, err := g.logIn(r, st, user, e, &LogInOptions{})
	if err != nil {
		return none, err
	}
	if err := g.stillRemembered(r, st, rem); err != nil {
		return none, err
	}
	g.endEarlier(ctx, st, slot.User, rem)
	g.emit(ctx, Event{Name: EventLogInSuccess, Outcome: OutcomeSuccess, Strategy: strategy.NameRemember, User: slot.User, Session: g.ref(ctx)})
	return user, done.evidence.insufficient()
}

// endEarlier ends, after a commit that stored the session, those that the browser had before it came
// back: it has lost their cookies. Those made since the token changed stay, for they
// answer requests that the browser sent at once, and it keeps the cookie of one of them.
func (g *Guard[U]) endEarlier(ctx context.Context, st *reqstate.State, user json.RawMessage, rem remember.Remembered) {
	user = slices.Clone(user)
	st.Slots.AfterCommit(g.cfg.SessionKey, func(err error, _ bool) {
		if errors.Is(err, reqstate.ErrDropped) { // another site's link: SameSite may have kept the cookie of one of them back
			return
		}
		ctx, cancel := g.afterRequest(ctx)
		defer cancel()
		label, current := g.seriesPrefix()+rem.Series, g.ref(ctx)
		for info, err := range g.cfg.Sessions.Linked(ctx, label) {
			if err == nil && info.Ref != current && info.Created.Before(rem.Rotated) { // ours may be as old as another guard's log-in
				_, err = g.cfg.Sessions.DestroyRefs(ctx, label, info.Ref)
			}
			if err != nil {
				g.emit(ctx, Event{Name: EventError, Outcome: OutcomeError, User: user, Err: fmt.Errorf("guard: recall: %w", err)})
				return
			}
		}
	})
}

// stillRemembered asks again, after the log-in was stored, whether its series goes on. A
// log-out that ended it before does so here; one that ends it later finds the session by
// its label.
func (g *Guard[U]) stillRemembered(r *http.Request, st *reqstate.State, rem remember.Remembered) error {
	ctx := r.Context()
	valid, err := g.cfg.RememberMe.Valid(ctx, rem)
	if valid {
		return nil
	}
	g.clearUser(st)
	out := st.Slots.LogOut(ctx, g.cfg.SessionKey)
	if err := cmp.Or(err, out); err != nil {
		return fmt.Errorf("guard: recall: %w", err)
	}
	return errNobody
}

// endAfterTheft ends all sessions and series of the user whose cookie somebody copied.
// The series go first, so that none of them makes another session. That of the cookie is marked until
// all is done: if something fails, the next request with the cookie finds the theft again.
func (g *Guard[U]) endAfterTheft(ctx context.Context, rem remember.Remembered) error {
	if !g.isMine(rem) {
		return nil
	}
	n, err := 0, g.cfg.RememberMe.MarkStolen(ctx, rem.Series)
	if err == nil {
		err = g.cfg.RememberMe.ForgetUser(ctx, rem.User)
	}
	if err == nil {
		n, err = g.cfg.Sessions.DestroyLinked(ctx, rem.User)
	}
	if err == nil {
		err = g.cfg.RememberMe.ForgetSeries(ctx, rem.Series)
	}
	e := Event{Name: EventTokenReuse, Outcome: OutcomeFailure, Strategy: strategy.NameRemember, User: rem.ID, Reason: ReasonTheft, Count: n}
	if err != nil {
		err = fmt.Errorf("guard: recall: %w", err)
		e.Outcome, e.Err = OutcomeError, err
	}
	g.emit(ctx, e)
	return err
}

// endSeries ends the series that the request presents, at a log-out, and every session
// that they made but the request's own, which the log-out ends itself. The series go first, so that
// none of them makes another session, and their sessions are found by name alone: a log-out that
// is tried again after an outage in between finds the series gone.
func (g *Guard[U]) endSeries(r *http.Request, st *reqstate.State) error {
	ended, cookie, err := g.cfg.RememberMe.Forget(asItCame(r, st))
	for _, rem := range ended {
		if err == nil && (rem.User == "" || g.isMine(rem)) {
			_, err = g.cfg.Sessions.DestroyLinked(r.Context(), g.seriesPrefix()+rem.Series, g.ref(r.Context()))
		}
	}
	if err != nil {
		return fmt.Errorf("guard: log out: %w", err)
	}
	if cookie != nil {
		st.Slots.AfterCommit("", func(err error, _ bool) {
			if err == nil {
				st.Slots.AddCookie(cookie.String())
			}
		})
	}
	return nil
}

// forgetSeriesOf ends the series among labels, and the sessions that they made.
func (g *Guard[U]) forgetSeriesOf(ctx context.Context, labels []string) (ended int, err error) {
	if g.cfg.RememberMe == nil {
		return 0, nil
	}
	for _, label := range labels {
		name, ok := strings.CutPrefix(label, g.seriesPrefix())
		if !ok {
			continue
		}
		if err := g.cfg.RememberMe.ForgetSeries(ctx, name); err != nil {
			return ended, err
		}
		n, err := g.cfg.Sessions.DestroyLinked(ctx, label)
		ended += n
		if err != nil {
			return ended, err
		}
	}
	return ended, nil
}
