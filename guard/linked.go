package guard

import (
	"context"
	"fmt"
	"strings"
)

// The labels that a strategy reports (strategy.Info.Labels) belong to the log-in that it made. In the
// session they begin with the guard's key, so that they end with that log-in. A series of Config.RememberMe
// has them too, in the same form, because two guards may keep their series in the same store.

// linkPrefix is the prefix of these labels in the session.
func (g *Guard[U]) linkPrefix() string { return g.cfg.SessionKey + ":link:" }

func (g *Guard[U]) linkLabels(labels []string) []string {
	list := make([]string, len(labels))
	for i, label := range labels {
		list[i] = g.linkPrefix() + label
	}
	return list
}

// unlinkLabels removes the prefix that linkLabels adds.
func (g *Guard[U]) unlinkLabels(labels []string) []string {
	list := make([]string, len(labels))
	for i, label := range labels {
		list[i] = strings.TrimPrefix(label, g.linkPrefix())
	}
	return list
}

// EndLinked ends every log-in of this guard that carries label, by strategy.Info.Labels: what a
// provider calls its session, for which it reports a log-out. Config.RememberMe forgets the
// browsers of these log-ins, also of those whose session is over. It returns how many sessions
// it ended; other guards' log-ins in them end too. An error is an outage: some may live; call
// again. After another log-in has taken the place of the one that brought the label, there is
// nothing to end. Sessions with a label of the application's own, by [session.Session.Link],
// end by [session.Manager.DestroyLinked]. It panics if the guard is stateless.
func (g *Guard[U]) EndLinked(ctx context.Context, label string) (int, error) {
	g.needSessions("EndLinked")
	var err error
	if g.cfg.RememberMe != nil {
		err = g.cfg.RememberMe.ForgetLabel(ctx, g.linkPrefix()+label)
	}
	n := 0
	if err == nil {
		n, err = g.cfg.Sessions.DestroyLinked(ctx, g.linkPrefix()+label)
	}
	e := Event{Name: EventSessionExpired, Outcome: OutcomeSuccess, Reason: ReasonRevoked, Count: n}
	if err != nil {
		err = fmt.Errorf("guard: end linked: %w", err)
		e.Outcome, e.Err = OutcomeError, err
	}
	if n > 0 || err != nil {
		g.emit(ctx, e)
	}
	return n, err
}
