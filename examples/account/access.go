package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
)

// handler answers a request. Its error is one that [guard.Status] knows, or an outage.
type handler = func(w http.ResponseWriter, r *http.Request) error

// failure answers a log-in that a strategy refused because of err.
type failure = func(w http.ResponseWriter, r *http.Request, err error)

// refused returns h for [guard.Options].
func (a *app) refused(h func(w http.ResponseWriter, r *http.Request, err error) error) failure {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		answer := func(w http.ResponseWriter, r *http.Request) error { return h(w, r, err) }
		a.auth.Handle(answer).ServeHTTP(w, r)
	}
}

// public lets everybody pass, and finds the user if there is one.
func (a *app) public(h handler) http.Handler { return a.auth.Restore(a.auth.Handle(a.acting(h))) }

// user lets users pass, and administrators who act as one. Its pages have no secrets and no lasting changes.
func (a *app) user(h handler) http.Handler { return a.auth.RequireAuth(a.auth.Handle(a.acting(h))) }

// own lets users pass, but no administrator who acts as one.
func (a *app) own(h handler) http.Handler { return a.notActing(a.auth.Handle(h)) }

// fresh lets the same users pass as own, if they have logged in within the last minutes. It is for every
// change of the ways to log in.
func (a *app) fresh(h handler) http.Handler {
	return a.auth.RequireFresh(a.freshFor)(a.notActing(a.auth.Handle(h)))
}

// admins lets administrators pass.
func (a *app) admins(h handler) http.Handler {
	return a.auth.Require(func(_ *http.Request, u *User) error {
		if !u.Admin() {
			return guard.ErrForbidden
		}
		return nil
	})(a.auth.Handle(a.acting(h)))
}

// actsAs is the id of the user as whom an administrator acts. The administrator stays logged in as
// themselves, and only handlers behind public, user and admins use this value. So a fresh log-in or a second
// factor is always the administrator's own.
const actsAs session.Key[string] = "actsAs"

type actingKey struct{}

// errActing is the error for what an administrator may not do while they act as a user.
var errActing = fmt.Errorf("an administrator acts as somebody else: %w", guard.ErrForbidden)

// actsFor returns the id of the user as whom an administrator acts, or "".
func (a *app) actsFor(r *http.Request) (string, error) {
	u, ok := a.auth.User(r.Context())
	if !ok || !u.Admin() {
		return "", nil
	}
	id, _, err := actsAs.GetContext(r.Context())
	return id, err
}

// acting adds the user as whom an administrator acts to the request's context, for current.
func (a *app) acting(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, err := a.actsFor(r)
		if id != "" && err == nil {
			var u *User
			if u, err = a.users.byID(r.Context(), id); err == nil {
				r = r.WithContext(context.WithValue(r.Context(), actingKey{}, u))
			} else if errors.Is(err, serializer.ErrUserGone) {
				_, _, err = actsAs.PopContext(r.Context())
			}
		}
		if err != nil {
			return err
		}
		return h(w, r)
	}
}

// notActing lets users pass, but no administrator who acts as somebody else.
func (a *app) notActing(next http.Handler) http.Handler {
	return a.auth.RequireAuth(a.auth.Handle(func(w http.ResponseWriter, r *http.Request) error {
		id, err := a.actsFor(r)
		if err == nil && id != "" {
			err = errActing
		}
		if err == nil {
			next.ServeHTTP(w, r)
		}
		return err
	}))
}

// current returns the user that a page is for: the user of the request, or the one as whom an administrator
// acts. It is nil if nobody is logged in.
func (a *app) current(r *http.Request) *User {
	if u, ok := r.Context().Value(actingKey{}).(*User); ok {
		return u
	}
	u, _ := a.auth.User(r.Context())
	return u
}
