package guard

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session"
)

// UserSession is one of a user's sessions, for a page that lists them (ASVS 5.0 7.5.2).
// Several sessions that Config.RememberMe made for one browser are one entry. It has no
// secret; pass Ref to [Guard.EndSession]. Its JSON leaves out the times that are zero.
type UserSession struct {
	Ref      string    `json:"ref"`               // as session.Session.Ref
	Device   Device    `json:"device"`            // what Config.Device returned
	LoggedIn time.Time `json:"loggedIn,omitzero"` // when credentials were checked; zero when Node or RememberMe logged in
	Created  time.Time `json:"created,omitzero"`  // when the session began; zero when only Node wrote it
	Seen     time.Time `json:"seen,omitzero"`     // when it was last used, exact to session.Config.RefreshAfter; zero when only Node wrote it
	Deadline time.Time `json:"deadline,omitzero"` // when it ends at the latest; zero when only Node wrote it
	Factors  []string  `json:"factors,omitempty"` // oldest first
	Current  bool      `json:"current"`           // it is the request's own
	Bound    bool      `json:"bound,omitempty"`   // it is bound to the device, see session.DeviceBound
	Pending  bool      `json:"pending,omitempty"` // a factor of Config.Factors is missing: no route accepts it

	labels []string
	began  time.Time // the time by which Config.MaxSessions orders it
	refs   []string  // of all the browser's sessions, including Ref
	key    string    // the same for all sessions of one browser
}

// Sessions returns the sessions in which user is logged in, the latest log-in first. ctx
// may be a request's, whose own session is then the one with Current. It panics if the
// guard is stateless.
//
// It finds them by a label in the store's index. A session that Node made is there once
// this program has written it, which the first request that uses it does; its device is
// not known. The same is true of one whose user Node has replaced under the same id, as
// passport before 0.6 does. If the serializer is a [serializer.Namer], sessions that Node
// made are not found, since only the serializer can name their users. Log-ins that the
// security stamp or AbsoluteTimeout has ended are left out.
func (g *Guard[U]) Sessions(ctx context.Context, user U) ([]UserSession, error) {
	g.needSessions("Sessions")
	id, _, err := g.serialize(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("guard: sessions: %w", err)
	}
	list, err := g.listSessions(ctx, user, id)
	if err != nil {
		return nil, fmt.Errorf("guard: sessions: %w", err)
	}
	return list, nil
}

// listSessions is sessionsOf for the request of ctx, or for none.
func (g *Guard[U]) listSessions(ctx context.Context, user U, id json.RawMessage) ([]UserSession, error) {
	needed, err := g.factorsNeeded(ctx, user)
	if err != nil {
		return nil, err
	}
	return g.sessionsOf(ctx, user, id, needed, g.ref(ctx))
}

// sessionsOf lists the user's sessions, one for each browser, the latest first. current is the Ref of the
// caller's own session.
func (g *Guard[U]) sessionsOf(ctx context.Context, user U, id json.RawMessage, needed []string, current string) ([]UserSession, error) {
	list, err := g.everySession(ctx, user, id, needed, current)
	return byBrowser(list), err
}

// everySession is sessionsOf with all sessions of each browser, in no order.
func (g *Guard[U]) everySession(ctx context.Context, user U, id json.RawMessage, needed []string, current string) ([]UserSession, error) {
	var list []UserSession
	for info, err := range g.cfg.Sessions.Linked(ctx, g.label(id)) {
		if err != nil {
			return nil, err
		}
		raw, _, err := session.Key[json.RawMessage](g.cfg.SessionKey).Of(info)
		if err != nil {
			continue // the session has no such log-in
		}
		slot, ok := reqstate.ParseSlot(raw, info.Created)
		if !ok || !g.sameUser(slot.User, id) || g.stamps != nil && slot.Stamp != nil && string(slot.Stamp) != g.stamps.Stamp(user, slot.User) {
			continue
		}
		s := UserSession{
			Ref: info.Ref, LoggedIn: slot.At, Created: info.Created, Seen: info.Seen, Deadline: info.Deadline, Bound: info.Bound,
			Current: info.Ref == current, labels: info.Labels,
		}
		if device, ok, err := g.deviceKey().Of(info); ok && err == nil && slot.ByGo {
			s.Device = device
		}
		proved := factorsOf(slot)
		for _, f := range proved {
			s.Factors = append(s.Factors, f.name)
		}
		s.Pending = firstMissing(needed, proved) != ""
		s.began, s.refs, s.key = s.Created, []string{s.Ref}, s.Ref
		if s.LoggedIn.After(s.began) { // another guard's log-in began the session earlier
			s.began = s.LoggedIn
		}
		if i := slices.IndexFunc(s.labels, func(l string) bool { return strings.HasPrefix(l, g.seriesPrefix()) }); i >= 0 {
			s.key = s.labels[i]
		}
		list = append(list, s)
	}
	return list, nil
}

// byBrowser merges the sessions with the same key into one entry: the current one, or else the latest. The
// order is the same for every caller: the latest browser first.
func byBrowser(list []UserSession) []UserSession {
	latestFirst := func(a, b UserSession) int {
		return cmp.Or(b.began.Compare(a.began), strings.Compare(b.key, a.key), strings.Compare(b.Ref, a.Ref))
	}
	slices.SortFunc(list, latestFirst)
	var browsers []UserSession
	for _, s := range list {
		i := slices.IndexFunc(browsers, func(b UserSession) bool { return b.key == s.key })
		if i < 0 {
			browsers = append(browsers, s)
			continue
		}
		b := &browsers[i]
		s.began, s.refs = b.began, append(b.refs, s.Ref)
		if s.Current {
			*b = s
		} else {
			b.refs = s.refs
		}
	}
	return browsers
}

// EndSession ends one of user's sessions, by the Ref that [Guard.Sessions] returned, and
// forgets the browser where Config.RememberMe remembers it: all of the browser's sessions
// end. The Ref of an older session of the browser that asks ends that session alone. It
// reports whether there was one: a session that was renewed meanwhile has another Ref.
// ctx may be a request's, and need not be. For all sessions, or all but some, there is
// [Guard.LogOutEverywhere]. An error is an outage. It panics if the guard is stateless.
func (g *Guard[U]) EndSession(ctx context.Context, user U, ref string) (bool, error) {
	g.needSessions("EndSession")
	id, _, err := g.serialize(ctx, user)
	var list []UserSession
	if err == nil {
		list, err = g.listSessions(ctx, user, id)
	}
	if err != nil {
		return false, fmt.Errorf("guard: end session: %w", err)
	}
	for _, s := range list {
		switch {
		case !slices.Contains(s.refs, ref):
			continue
		case s.Current && s.Ref != ref:
			s.Ref, s.refs, s.labels = ref, []string{ref}, nil // the caller's own session stays
		}
		return g.endBrowsers(ctx, id, []UserSession{s}, ReasonRevoked)
	}
	return false, nil
}

// endBrowsers ends all sessions of each entry of list, and the series that could bring them back. It
// reports whether there was one.
func (g *Guard[U]) endBrowsers(ctx context.Context, id json.RawMessage, list []UserSession, reason string) (found bool, err error) {
	counts := make([]int, len(list))
	var refs, ended []string
	for i, s := range list {
		if err == nil {
			counts[i], err = g.forgetSeriesOf(ctx, s.labels)
		}
		refs = append(refs, s.refs...)
	}
	if err == nil {
		ended, err = g.cfg.Sessions.DestroyRefs(ctx, g.label(id), refs...)
	}
	if err != nil {
		err = fmt.Errorf("guard: end session: %w", err)
	}
	for i, s := range list {
		for _, ref := range s.refs {
			if slices.Contains(ended, ref) {
				counts[i]++
			}
		}
		e := Event{Name: EventSessionExpired, Outcome: OutcomeSuccess, User: id, Session: s.Ref, Reason: reason, Count: counts[i]}
		if err != nil {
			e.Outcome, e.Err = OutcomeError, err
		}
		if found = found || counts[i] > 0; counts[i] > 0 || err != nil {
			g.emit(ctx, e)
		}
	}
	return found, err
}
