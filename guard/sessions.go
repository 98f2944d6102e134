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
// It has no secret in it; Ref is what [Guard.EndSession] takes.
type UserSession struct {
	Ref      string    `json:"ref"`               // as session.Session.Ref
	Device   Device    `json:"device"`            // what Config.Device noted
	LoggedIn time.Time `json:"loggedIn"`          // when credentials were checked; zero when Node or RememberMe logged in
	Created  time.Time `json:"created"`           // when the session began; zero when only Node wrote it
	Seen     time.Time `json:"seen"`              // when it was last used, exact to session.Config.RefreshAfter; zero when only Node wrote it
	Deadline time.Time `json:"deadline"`          // when it ends at the latest; zero when only Node wrote it
	Factors  []string  `json:"factors,omitempty"` // oldest first
	Current  bool      `json:"current"`           // it is the request's own

	labels []string
}

// Sessions returns the sessions in which user is logged in, the latest log-in first. ctx
// may be a request's, whose own session is then the one with Current. It panics if the
// guard is stateless.
//
// It finds them by a label in the store's index. A session that Node made is there once
// this program has written it, which the first request that uses it does; its device is
// not known. The same goes for one whose user was replaced by Node under the same id, as
// passport before 0.6 does. Log-ins that the security stamp has ended are left out.
func (g *Guard[U]) Sessions(ctx context.Context, user U) ([]UserSession, error) {
	g.needSessions("Sessions")
	id, err := g.serialize(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("guard: sessions: %w", err)
	}
	list, err := g.sessionsOf(ctx, user, id)
	if err != nil {
		return nil, fmt.Errorf("guard: sessions: %w", err)
	}
	return list, nil
}

func (g *Guard[U]) sessionsOf(ctx context.Context, user U, id json.RawMessage) ([]UserSession, error) {
	stamp := ""
	if g.stamps != nil {
		stamp = g.stamps.Stamp(user, id)
	}
	current := g.ref(ctx)
	var list []UserSession
	for info, err := range g.cfg.Sessions.Linked(ctx, g.label(id)) {
		if err != nil {
			return nil, err
		}
		raw, _, err := session.Key[json.RawMessage](g.cfg.SessionKey).Of(info)
		if err != nil {
			continue // not what a log-in looks like
		}
		slot, ok := reqstate.ParseSlot(raw)
		if !ok || string(slot.User) != string(id) || g.stamps != nil && slot.Stamp != nil && string(slot.Stamp) != stamp {
			continue
		}
		s := UserSession{
			Ref: info.Ref, LoggedIn: slot.At, Created: info.Created, Seen: info.Seen, Deadline: info.Deadline,
			Current: info.Ref == current, labels: info.Labels,
		}
		if device, ok, err := deviceKey.Of(info); ok && err == nil {
			s.Device = device
		}
		for _, f := range factorsOf(slot) {
			s.Factors = append(s.Factors, f.name)
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b UserSession) int { return -oldestFirst(a, b) })
	return list, nil
}

// oldestFirst is an order that is the same for everybody who asks.
func oldestFirst(a, b UserSession) int {
	return cmp.Or(a.began().Compare(b.began()), strings.Compare(a.Ref, b.Ref))
}

// began is when s counts from, for Config.MaxSessions.
func (s *UserSession) began() time.Time {
	if s.LoggedIn.IsZero() {
		return s.Created
	}
	return s.LoggedIn
}

// EndSession ends one of user's sessions, by the Ref that [Guard.Sessions] returned, and
// forgets the browser where Config.RememberMe remembers it. It reports whether there
// was one: a session that was renewed meanwhile has another Ref. It needs no request.
// For all sessions, or all but some, there is [Guard.LogOutEverywhere]. An error is an
// outage. It panics if the guard is stateless.
func (g *Guard[U]) EndSession(ctx context.Context, user U, ref string) (bool, error) {
	g.needSessions("EndSession")
	id, err := g.serialize(ctx, user)
	var list []UserSession
	if err == nil {
		list, err = g.sessionsOf(ctx, user, id)
	}
	if err != nil {
		return false, fmt.Errorf("guard: end session: %w", err)
	}
	for _, s := range list {
		if s.Ref == ref {
			return g.endSession(ctx, id, s, ReasonRevoked)
		}
	}
	return false, nil
}

// endSession ends s and what could bring it back.
func (g *Guard[U]) endSession(ctx context.Context, id json.RawMessage, s UserSession, reason string) (bool, error) {
	err := g.forgetSeriesOf(ctx, s.labels, s.Ref)
	ended := false
	if err == nil {
		ended, err = g.cfg.Sessions.DestroyRef(ctx, g.label(id), s.Ref)
	}
	e := Event{Name: EventSessionExpired, Outcome: OutcomeSuccess, User: id, Session: s.Ref, Reason: reason, Count: 1}
	if err != nil {
		err = fmt.Errorf("guard: end session: %w", err)
		e.Outcome, e.Err = OutcomeError, err
	}
	if ended || err != nil {
		g.emit(ctx, e)
	}
	return ended, err
}
