package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// LogInEnded is the cause of a context of [Guard.Watch] whose log-in has ended. It matches
// strategy.ErrUnauthenticated.
type LogInEnded struct {
	// Reason is one of
	//
	//	ReasonLogOut    a log-out, in this process or another
	//	ReasonRevoked   LogOutEverywhere, EndSession, EndLinked, Config.MaxSessions: also a log-out at a provider
	//	ReasonReplaced  another log-in took its place in the browser
	//	ReasonStamp     the security stamp changed, as with a new password
	//	ReasonUserGone  serializer.ErrUserGone
	//	ReasonIdle      session.Config.IdleTimeout
	//	ReasonAbsolute  session.Config.AbsoluteTimeout
	//	ReasonGone      one of these, or Node: the store does not know the session any more
	//
	// If another process ended it, or several things did at once, the reason may be
	// ReasonGone. That the log-in is over is certain; the reason is for people to read.
	Reason string
}

// Error implements error.
func (e *LogInEnded) Error() string { return "guard: the log-in has ended: " + e.Reason }

// Is reports whether target is strategy.ErrUnauthenticated.
func (e *LogInEnded) Is(target error) bool { return target == strategy.ErrUnauthenticated }

var (
	errWatchStateless = errors.New("guard: watch: a stateless guard has no log-in that could end: set Config.Sessions, or end the work when the credentials expire")
	errWatchProved    = errors.New("guard: watch: the user was found by the credentials of this request and has no session: log them in first, with LogIn or LogInUser")
)

// Watch returns a context that ends when the log-in of the request's user ends: for a stream
// of events, a WebSocket, a long poll, or work in the background. ctx is the request's, or
// derived from it.
//
//	ctx, err := auth.Watch(r.Context())
//	if err != nil {
//		auth.Error(w, r, err)
//		return
//	}
//
// [context.Cause] then returns a [*LogInEnded] that says why, or the cause of ctx if that has ended, or
// the error by which a log-in of this request could not be stored.
// It ends with a log-out in any process, with the session, when the user is gone or the
// security stamp changes, and at the log-in's deadlines. It does not end with a renewal or a
// log-in of the same user that keeps the session, nor during an outage of the store.
//
// If the store is a [session.Notifier], that is a moment after the end. Every
// [session.Config].WatchInterval all watched sessions are read again, many at a time: that
// finds users who are gone, new stamps, and what Node ended. Watching does not count as use: a
// session with nothing but an open stream expires, unless it is one of [Guard.WatchAsUse].
//
// It costs one read of the store at its beginning, some hundred bytes, and no goroutine; a
// process has four for all of them, which end after the last. End ctx when the work is done, as
// net/http does when the handler returns. For work that outlives its request pass a context of
// [context.WithoutCancel] with a cancel function of its own.
//
// The error matches strategy.ErrUnauthenticated where nobody is logged in, and
// session.ErrNoHandler where no middleware of this guard is around the caller; it says so where
// the guard is stateless or the user has no session; any other is an outage. A user of
// guardtest.WithUser has no log-in: the context ends with ctx alone.
func (g *Guard[U]) Watch(ctx context.Context) (context.Context, error) { return g.watch(ctx, false) }

// WatchAsUse is [Guard.Watch] for a stream that counts as use of the session while it is open,
// such as a game or a call: the idle timeout does not run meanwhile. The absolute timeout still
// ends the session. It costs one write of the store in each tenth of the idle timeout.
//
// A page that stays open keeps its user logged in. No cookie is sent: with
// [session.Config].Rolling only requests renew it.
func (g *Guard[U]) WatchAsUse(ctx context.Context) (context.Context, error) {
	return g.watch(ctx, true)
}

func (g *Guard[U]) watch(ctx context.Context, use bool) (context.Context, error) {
	if g.cfg.Sessions == nil {
		return nil, errWatchStateless
	}
	st := reqstate.Of(ctx, g.owner)
	if st == nil || st.Slots == nil {
		return nil, fmt.Errorf("guard: watch: %w", session.ErrNoHandler)
	}
	u, known := st.User(g)
	if e, ours := u.More.(*evidence); ours && e.state == proved {
		return nil, errWatchProved
	} else if known && u.More == nil && u.Value != nil {
		return ctx, nil // guardtest.WithUser
	}
	if _, ok := g.User(ctx); !ok {
		return nil, errNobody
	}
	watched, err := st.Slots.Watch(ctx, g.cfg.SessionKey, g.watcher, use)
	if err != nil {
		return nil, fmt.Errorf("guard: watch: %w", err)
	}
	if watched == nil {
		return nil, errNobody
	}
	return watched, nil
}

// watcher is a guard as a reqstate.Watcher.
type watcher[U any] struct{ g *Guard[U] }

// Check implements [reqstate.Watcher].
func (w *watcher[U]) Check(ctx context.Context, slot reqstate.Slot) (cause, err error) {
	defer func() {
		if p := recover(); p != nil { // the application's serializer panicked, and this is no request's goroutine
			err = fmt.Errorf("guard: watch: the serializer panicked: %v", p)
		}
	}()
	_, reason, err := w.g.userOfSlot(ctx, slot)
	if err != nil || reason == "" {
		return nil, err
	}
	return w.Cause(reason), nil
}

// Same implements [reqstate.Watcher]. If the application's [serializer.Namer] panics, the ids count as
// different.
func (w *watcher[U]) Same(a, b json.RawMessage) (same bool) {
	defer func() {
		if recover() != nil {
			same = false
		}
	}()
	return w.g.sameUser(a, b)
}

// Cause implements [reqstate.Watcher].
func (w *watcher[U]) Cause(reason string) error { return &LogInEnded{reason} }
