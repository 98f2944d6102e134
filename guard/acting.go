package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// ErrActing is the error of [Acting.RequireSelf] for a user who acts as another one. The answer is 403, and
// it matches [ErrForbidden].
var ErrActing = fmt.Errorf("guard: the user acts as another one: %w", ErrForbidden)

// ActingConfig is what [NewActing] needs.
type ActingConfig[U any] struct {
	// May reports whether actor may act as user; required. It is asked at each request, so that a role that
	// was taken away is gone at once. It must be safe for concurrent use.
	//
	//	func(actor, user *User) bool { return actor.Admin && !user.Admin }
	May func(actor, user U) bool
	// Audit stores that actor begins to act as user, or stops: what is ActingBegan or ActingStopped, for people
	// to read in a table that also has what the actor did meanwhile. If it returns an error, that is the error of
	// Begin or Stop, and the user neither begins nor stops. Nil stores nothing. It must be safe for
	// concurrent use.
	Audit func(ctx context.Context, actor, user U, what string) error
}

// What an actor did, for ActingConfig.Audit.
const (
	ActingBegan   = "began to act as the user"
	ActingStopped = "stopped acting as the user"
)

// Acting lets some users, such as administrators, act as another user, to see what that one sees. The
// session stays the actor's: [Guard.User], a fresh log-in, the factors and the log-out are the actor's own,
// and events name the actor. Only what asks [Acting.User] in place of Guard.User has the other user:
//
//	mux.Handle("GET /orders", auth.RequireAuth(acting.Allow(orders)))   // acting.User: the other one
//	mux.Handle("POST /password", acting.RequireSelf(changePassword))    // refused while the user acts
//	mux.Handle("POST /act", admins(auth.Handle(func(w http.ResponseWriter, r *http.Request) error {
//		user, err := users.byID(r.Context(), r.FormValue("id"))
//		if err == nil {
//			err = acting.Begin(r, user)
//		}
//		return err
//	})))
//
// It is made by [NewActing] and safe for concurrent use.
type Acting[U any] struct {
	g   *Guard[U]
	cfg ActingConfig[U]
}

// NewActing returns every mistake at once.
func NewActing[U any](g *Guard[U], cfg ActingConfig[U]) (*Acting[U], error) {
	var mistakes []error
	if g == nil || g.cfg.Sessions == nil || g.users == nil {
		mistakes = append(mistakes, errors.New("guard: new acting: the guard is nil or has no sessions: "+
			"give the one that logs users in"))
	}
	if cfg.May == nil {
		mistakes = append(mistakes, errors.New("guard: new acting: May is nil: say who may act as whom"))
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	return &Acting[U]{g, cfg}, nil
}

// acts is what the session keeps: who acts as whom, by their ids. The actor is in it since Node's
// keepSessionInfo keeps it when another user logs in.
type acts struct {
	Actor string `json:"actor"`
	User  string `json:"user"`
}

// key is where the session keeps it. Each guard of a session has its own.
func (a *Acting[U]) key() session.Key[acts] { return session.Key[acts](a.g.cfg.SessionKey + ".acting") }

// find returns the user as whom the user of the request acts. ok is false if that user acts as nobody.
func (a *Acting[U]) find(ctx context.Context) (actor, user U, ok bool, err error) {
	if actor, ok = a.g.User(ctx); !ok {
		return actor, user, false, nil
	}
	s, err := a.g.cfg.Sessions.Session(ctx)
	if err != nil {
		return actor, user, false, err
	}
	kept, ok, err := a.key().Get(s)
	if err != nil || !ok {
		return actor, user, false, err
	}
	id, _, err := a.g.serialize(ctx, actor)
	if err != nil || !a.g.sameUser(id, json.RawMessage(kept.Actor)) {
		return actor, user, false, err
	}
	user, err = a.g.users.Deserialize(ctx, json.RawMessage(kept.User))
	if err == nil {
		user, err = strategy.CheckUser("acting", user)
	}
	gone := errors.Is(err, serializer.ErrUserGone)
	if err != nil && !gone {
		return actor, user, false, err
	}
	if gone || !a.cfg.May(actor, user) { // a role that comes back later must not make the actor act again
		return actor, user, false, a.key().Delete(s)
	}
	return actor, user, true, nil
}

// Begin makes the request's user act as another one, from the next request on. The error is [ErrForbidden] if
// ActingConfig.May says no, and matches [strategy.ErrUnauthenticated] if nobody is logged in. Any other is an
// outage. For who acts as that user already it does nothing. For who acts as another one it begins with
// [Acting.Stop].
func (a *Acting[U]) Begin(r *http.Request, user U) error {
	ctx := r.Context()
	actor, before, ok, err := a.find(ctx)
	if err != nil {
		return fmt.Errorf("guard: begin to act: %w", err)
	}
	if _, known := a.g.User(ctx); !known {
		return fmt.Errorf("guard: begin to act: %w", errNobody)
	}
	if strategy.IsNilUser(user) || !a.cfg.May(actor, user) {
		return fmt.Errorf("guard: begin to act: %w", ErrForbidden)
	}
	if ok && a.g.equalUsers(ctx, before, user) {
		return nil
	}
	actorID, _, err1 := a.g.serialize(ctx, actor)
	userID, _, err2 := a.g.serialize(ctx, user)
	s, err3 := a.g.cfg.Sessions.Session(ctx)
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("guard: begin to act: %w", err)
	}
	if ok {
		if err := a.stop(ctx, actor, before); err != nil {
			return err
		}
	}
	if err := a.audit(ctx, actor, user, ActingBegan); err != nil {
		return err
	}
	if err := a.key().Set(s, acts{string(actorID), string(userID)}); err != nil {
		return fmt.Errorf("guard: begin to act: %w", err)
	}
	return nil
}

// Stop ends it. For who acts as nobody it does nothing. Its error is an outage. It saves the session before
// it calls ActingConfig.Audit, so that nobody acts after the end that was audited. What ends it too, without
// the audit: a log-out, a user who is gone, and ActingConfig.May.
func (a *Acting[U]) Stop(r *http.Request) error {
	ctx := r.Context()
	actor, user, ok, err := a.find(ctx)
	if err != nil {
		return fmt.Errorf("guard: stop to act: %w", err)
	}
	if !ok {
		return nil
	}
	return a.stop(ctx, actor, user)
}

// stop is Stop for an actor who acts as user.
func (a *Acting[U]) stop(ctx context.Context, actor, user U) error {
	s, err := a.g.cfg.Sessions.Session(ctx)
	if err != nil {
		return fmt.Errorf("guard: stop to act: %w", err)
	}
	kept, _, err := a.key().Pop(s)
	if err == nil {
		err = s.Save(ctx)
	}
	if err != nil {
		err = fmt.Errorf("guard: stop to act: %w", err)
	} else {
		err = a.audit(ctx, actor, user, ActingStopped)
	}
	if err != nil { // the next Stop tries again
		_ = a.key().Set(s, kept) // a session that has ended keeps nothing
	}
	return err
}

func (a *Acting[U]) audit(ctx context.Context, actor, user U, what string) error {
	if a.cfg.Audit == nil {
		return nil
	}
	if err := a.cfg.Audit(ctx, actor, user, what); err != nil {
		return fmt.Errorf("guard: audit of acting: %w", err)
	}
	return nil
}

// Allow lets every request pass, and finds for [Acting.User] as whom its user acts, at the cost of one
// Deserialize. Put it behind a middleware of the guard that finds the user, such as [Guard.RequireAuth] or
// [Guard.Restore]: before one it finds nobody, and the handler serves the actor. It panics if next is nil.
func (a *Acting[U]) Allow(next http.Handler) http.Handler {
	if next == nil {
		panic("guard: Acting.Allow: the handler is nil")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, user, ok, err := a.find(r.Context())
		if err != nil {
			a.g.refuse(w, r, err)
			return
		}
		if ok {
			r = r.WithContext(context.WithValue(r.Context(), actingKey{a}, user))
		}
		next.ServeHTTP(w, r)
	})
}

// RequireSelf is [Guard.RequireAuth] for users who act as nobody else; the others get [ErrActing]. It is for
// what is secret, and for what changes how the user logs in. It panics if next is nil.
func (a *Acting[U]) RequireSelf(next http.Handler) http.Handler {
	if next == nil {
		panic("guard: Acting.RequireSelf: the handler is nil")
	}
	return a.g.Require(func(r *http.Request, _ U) error {
		_, _, ok, err := a.find(r.Context())
		if err == nil && ok {
			err = ErrActing
		}
		return err
	})(next)
}

// actingKey is the key of a user in a request's context: as whom the request's user acts.
type actingKey struct{ acting any }

// User returns the user whom a page is for: behind [Acting.Allow] the one as whom the request's user acts,
// otherwise that of [Guard.User].
func (a *Acting[U]) User(ctx context.Context) (user U, ok bool) {
	if user, ok = ctx.Value(actingKey{a}).(U); ok {
		return user, true
	}
	return a.g.User(ctx)
}

// Actor returns the request's user if that one acts as another, for a banner on the page. ok is false for
// everybody else, and outside of [Acting.Allow].
func (a *Acting[U]) Actor(ctx context.Context) (actor U, ok bool) {
	if _, ok = ctx.Value(actingKey{a}).(U); !ok {
		return actor, false
	}
	return a.g.User(ctx)
}
