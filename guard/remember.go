package guard

import (
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

// beginSeries ends the series that the request presents, since another log-in takes
// their place, and begins one for the log-in in if that is wanted: by the options, or,
// where the application logs the same user in again, because there was one.
func (g *Guard[U]) beginSeries(r *http.Request, st *reqstate.State, in *reqstate.LogIn, o *LogInOptions) error {
	m := g.cfg.RememberMe
	if m == nil {
		return nil
	}
	who := g.label(in.Slot.User)
	ended, cookie, err := m.Forget(r)
	if err != nil {
		return fmt.Errorf("guard: log in: %w", err)
	}
	wanted := o.RememberMe != nil && o.RememberMe(r) ||
		o.sameBrowser && slices.ContainsFunc(ended, func(rem remember.Remembered) bool { return rem.User == who })
	if wanted {
		var rem remember.Remembered
		if rem, cookie, err = m.Remember(r.Context(), who, in.Slot.Stamp); err != nil {
			return fmt.Errorf("guard: log in: %w", err)
		}
		in.Labels = append(in.Labels, g.seriesPrefix()+rem.Series)
		g.takeBackUnlessCommitted(r.Context(), st, rem.Series)
	}
	if cookie != nil {
		st.AddCookie(cookie.String())
	}
	return nil
}

// takeBackSeries ends the series that beginSeries began, among labels, for a log-in that
// failed: its cookie would log the user in after all. A recalled user's series stays.
func (g *Guard[U]) takeBackSeries(ctx context.Context, st *reqstate.State, labels []string, e *evidence) {
	for _, label := range labels {
		name, ok := strings.CutPrefix(label, g.seriesPrefix())
		if !ok || e.state == recalled {
			continue
		}
		st.AddCookie(g.cfg.RememberMe.Gone().String())
		_ = g.cfg.RememberMe.ForgetSeries(ctx, name) // nobody has got its cookie
	}
}

// takeBackUnlessCommitted ends the series of that name if the log-in that began it is not stored.
func (g *Guard[U]) takeBackUnlessCommitted(ctx context.Context, st *reqstate.State, name string) {
	st.AfterCommit(func(err error) {
		if err == nil {
			return
		}
		st.AddCookie(g.cfg.RememberMe.Gone().String())
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.cfg.Sessions.StoreTimeout())
		defer cancel()
		_ = g.cfg.RememberMe.ForgetSeries(ctx, name) // nobody has got its cookie
	})
}

// recall logs the visitor in whom a cookie of Config.RememberMe remembers. The error is
// errNobody when there is none.
func (g *Guard[U]) recall(r *http.Request, st *reqstate.State) (U, error) {
	var none U
	m := g.cfg.RememberMe
	if m == nil || !m.Presented(r) {
		return none, errNobody
	}
	ctx := r.Context()
	rem, cookie, err := m.Recall(r)
	if theft, ok := errors.AsType[*remember.CookieTheft](err); ok {
		if err := g.endAfterTheft(ctx, theft.Remembered); err != nil {
			return none, err
		}
	}
	if errors.Is(err, strategy.ErrUnauthenticated) {
		st.AddCookie(m.Gone().String())
		return none, errNobody
	}
	if err != nil {
		return none, fmt.Errorf("guard: recall: %w", err)
	}
	st.AddCookie(cookie.String())
	user, err := g.recalled(r, st, rem)
	if errors.Is(err, strategy.ErrUnauthenticated) {
		st.AddCookie(m.Gone().String())
	}
	return user, err
}

// recalled makes a session for what was remembered.
func (g *Guard[U]) recalled(r *http.Request, st *reqstate.State, rem remember.Remembered) (U, error) {
	var none U
	ctx := r.Context()
	id, mine := strings.CutPrefix(rem.User, g.cfg.SessionKey+":")
	if !mine {
		return none, errNobody
	}
	slot := reqstate.Slot{User: json.RawMessage(id), Stamp: rem.Stamp}
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
	e.info.Labels = []string{g.seriesPrefix() + rem.Series}
	if _, err := g.remember(r, st, user, e, &LogInOptions{}); err != nil {
		return none, err
	}
	if err := g.stillRemembered(r, st, rem); err != nil {
		return none, err
	}
	g.emit(ctx, Event{Name: EventLogInSuccess, Outcome: OutcomeSuccess, Strategy: strategy.NameRemember, User: slot.User, Session: g.ref(ctx)})
	return user, nil
}

// stillRemembered asks again, after prepareLogIn has stored the session, whether its series goes on. A
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
	if err := firstError(err, out); err != nil {
		return fmt.Errorf("guard: recall: %w", err)
	}
	return errNobody
}

// endAfterTheft ends all sessions and series of the user whose cookie somebody copied.
// The sessions first: if that fails, nothing has changed, and the next request with the
// cookie finds the theft again. And once more, for what the thief began in between.
func (g *Guard[U]) endAfterTheft(ctx context.Context, rem remember.Remembered) error {
	id, mine := strings.CutPrefix(rem.User, g.cfg.SessionKey+":")
	if !mine {
		return nil
	}
	n, err := g.cfg.Sessions.DestroyLinked(ctx, rem.User)
	if err == nil {
		err = g.cfg.RememberMe.ForgetUser(ctx, rem.User)
	}
	if err == nil {
		var more int
		more, err = g.cfg.Sessions.DestroyLinked(ctx, rem.User)
		n += more
	}
	e := Event{Name: EventTokenReuse, Outcome: OutcomeFailure, Strategy: strategy.NameRemember, User: json.RawMessage(id), Reason: ReasonTheft, Count: n}
	if err != nil {
		err = fmt.Errorf("guard: recall: %w", err)
		e.Outcome, e.Err = OutcomeError, err
	}
	g.emit(ctx, e)
	return err
}

// endSeries ends the series that the request presents, at a log-out, and every session
// that they made but the request's own, which the log-out ends itself.
func (g *Guard[U]) endSeries(r *http.Request, st *reqstate.State) error {
	m := g.cfg.RememberMe
	if m == nil {
		return nil
	}
	ended, cookie, err := m.Forget(r)
	for _, rem := range ended {
		if err == nil && strings.HasPrefix(rem.User, g.cfg.SessionKey+":") {
			_, err = g.cfg.Sessions.DestroyLinked(r.Context(), g.seriesPrefix()+rem.Series, g.ref(r.Context()))
		}
	}
	if err != nil {
		return fmt.Errorf("guard: log out: %w", err)
	}
	if cookie != nil {
		st.AfterCommit(func(err error) {
			if err == nil {
				st.AddCookie(cookie.String())
			}
		})
	}
	return nil
}

// forgetSeriesOf ends the series among labels, and the sessions that they made but one.
func (g *Guard[U]) forgetSeriesOf(ctx context.Context, labels []string, exceptRef string) error {
	if g.cfg.RememberMe == nil {
		return nil
	}
	for _, label := range labels {
		name, ok := strings.CutPrefix(label, g.seriesPrefix())
		if !ok {
			continue
		}
		if err := g.cfg.RememberMe.ForgetSeries(ctx, name); err != nil {
			return err
		}
		if _, err := g.cfg.Sessions.DestroyLinked(ctx, label, exceptRef); err != nil {
			return err
		}
	}
	return nil
}
