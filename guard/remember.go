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
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

// A series of Config.RememberMe belongs to one log-in in one browser. The sessions that it makes have its
// label, so that a log-out that ends the series finds all of them, including one that another request is
// just making.

// seriesPrefix is the prefix of the labels of series. No user's label begins with it.
func (g *Guard[U]) seriesPrefix() string { return g.cfg.SessionKey + ":series:" }

// isMine reports whether this guard began the series of rem.
func (g *Guard[U]) isMine(rem remember.Remembered) bool {
	return strings.HasPrefix(rem.User, g.cfg.SessionKey+":")
}

// begunBy is the key, in the request's State, of the series begun by log-ins of g. A stored log-in keeps
// its series, whatever the request decides about its user later.
type begunBy[U any] struct{ g *Guard[U] }

func (g *Guard[U]) begun(st *reqstate.State) []remember.Remembered {
	u, _ := st.User(begunBy[U]{g})
	list, _ := u.More.([]remember.Remembered)
	return list
}

// planSeries records in the log-in p which series of Config.RememberMe the browser presents, and whether it
// is to be remembered.
func (g *Guard[U]) planSeries(r *http.Request, st *reqstate.State, p *logInPlan[U]) (err error) {
	came, o := asItCame(r, st), p.o
	p.presents = g.cfg.RememberMe.Presented(came)
	if p.former, err = g.cfg.RememberMe.Find(came); err != nil {
		return err
	}
	user := g.label(p.in.Slot.User)
	for _, rem := range g.begun(st) {
		if rem.User == user && st.Slots.Carries(r.Context(), g.seriesPrefix()+rem.Series) { // otherwise its log-in was dropped
			p.begun = &rem // the response has its cookie, unless this log-in replaces it
			p.former, p.presents = append([]remember.Remembered{rem}, p.former...), true
		}
	}
	p.remember = o.RememberMe != nil && o.RememberMe(r) ||
		o.sameBrowser && slices.ContainsFunc(p.former, func(rem remember.Remembered) bool { return rem.User == user })
	return nil
}

// beginSeries begins a series for the log-in p. Its cookie is not sent before the log-in is stored.
func (g *Guard[U]) beginSeries(ctx context.Context, p *logInPlan[U]) error {
	user := g.label(p.in.Slot.User)
	if p.in.Renews || p.begun != nil { // the log-in belongs to the browser's series, which continues
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
		_ = g.cfg.RememberMe.ForgetSeries(ctx, p.begun.Series) // its cookie was not sent
	}
}

// replaceSeries ends, after the log-in p was stored, the series that the browser presented, and the
// sessions that they made, because another log-in replaced them. The series of a renewed log-in continues:
// a log-out meanwhile may have ended it, and a new series would undo that log-out. If the stamp changed, it
// gets a new token, so that a copy of the cookie ends like the sessions that the change has ended.
func (g *Guard[U]) replaceSeries(ctx context.Context, st *reqstate.State, p *logInPlan[U]) {
	kept := false
	for _, rem := range p.former {
		var err error
		if rem.Series != p.goesOn {
			err = g.endSeriesOf(ctx, rem, g.ref(ctx))
		} else {
			var next *http.Cookie
			next, kept, err = g.cfg.RememberMe.Update(ctx, rem, p.in.Slot.User, p.in.Slot.Stamp)
			kept = kept || err != nil // the cookie is checked again when the session is over
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

// endSeriesOf ends the series of rem and, if this guard began it, the sessions that it made, except the one
// with that Ref.
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

// asItCame returns r with the cookies that the browser sent. A handler inside the session's Handler may
// have changed them since (S6).
func asItCame(r *http.Request, st *reqstate.State) *http.Request {
	came := r.WithContext(r.Context())
	came.Header = http.Header{"Cookie": {st.Slots.Cookies()}}
	return came
}

// mayRecall reports whether there may be a cookie of Config.RememberMe. It is cheap, because most visitors
// have none.
func (g *Guard[U]) mayRecall(st *reqstate.State) bool {
	return g.cfg.RememberMe != nil && strings.Contains(st.Slots.Cookies(), g.remembers)
}

// recallUser logs in the visitor whom a cookie of Config.RememberMe remembers. The error is errNobody if
// there is no such cookie.
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

// logInRecalled makes a session for a remembered user.
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

// endEarlier ends, after a commit that stored the session, the sessions that the browser had before and
// whose cookies it has lost. Those made since the token changed stay: they belong to requests that the
// browser sent at the same time, and it keeps the cookie of one of them.
func (g *Guard[U]) endEarlier(ctx context.Context, st *reqstate.State, user json.RawMessage, rem remember.Remembered) {
	user = slices.Clone(user)
	st.Slots.AfterCommit(g.cfg.SessionKey, func(err error, _ bool) {
		// After a link from another site: because of SameSite the browser may not have sent the cookie of
		// one of them.
		if errors.Is(err, reqstate.ErrDropped) {
			return
		}
		ctx, cancel := g.afterRequest(ctx)
		defer cancel()
		_, err = g.cfg.Sessions.DestroyLinkedFunc(ctx, g.seriesPrefix()+rem.Series, func(i session.Info) bool {
			return i.Created.Before(rem.Rotated)
		}, g.ref(ctx)) // our own may be as old as another guard's log-in
		if err != nil {
			g.emit(ctx, Event{Name: EventError, Outcome: OutcomeError, User: user, Err: fmt.Errorf("guard: recall: %w", err)})
		}
	})
}

// stillRemembered checks again, after the log-in was stored, that its series still exists. A log-out that
// ended it before is found here; one that ends it later finds the session by its label.
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

// endAfterTheft ends all sessions and series of a user whose cookie was copied. The series end first, so
// that none of them makes another session. That of the cookie stays marked until everything is done: if
// something fails, the next request with the cookie detects the theft again.
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

// endSeries ends, at a log-out, the series that the request presents, and every session that they made
// except the request's own, which the log-out ends itself. The series end first, so that none of them makes
// another session. Their sessions are found by the name of the series alone, because a log-out that is
// repeated after an outage finds the series gone.
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

// forgetSeriesOf ends the series named by labels, and the sessions that they made.
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
