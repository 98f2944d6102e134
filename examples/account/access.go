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

// handler answers a request, or returns why it cannot: an error that [guard.Status] knows, or an outage.
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

// user lets users pass, and an administrator who acts as one: for what is neither secret nor for good.
func (a *app) user(h handler) http.Handler { return a.auth.RequireAuth(a.auth.Handle(a.acting(h))) }

// own lets users pass who are themselves.
func (a *app) own(h handler) http.Handler { return a.notActing(a.auth.Handle(h)) }

// fresh lets users pass who are themselves and have logged in a short while ago: for every change of how
// somebody gets in.
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

// An administrator who acts as a user stays logged in as themselves: the session says as whom they act, and
// only the pages behind user and public look at it. So nothing that is fresh, or a factor, is ever the
// user's.
const actsAs session.Key[string] = "actsAs"

type actingKey struct{}

// errActing answers what an administrator may not do in somebody's name.
var errActing = fmt.Errorf("an administrator acts as somebody else: %w", guard.ErrForbidden)

// actsFor returns the id of the user as whom an administrator acts, "" for none.
func (a *app) actsFor(r *http.Request) (string, error) {
	u, ok := a.auth.User(r.Context())
	if !ok || !u.Admin() {
		return "", nil
	}
	id, _, err := actsAs.GetContext(r.Context())
	return id, err
}

// acting finds the user as whom an administrator acts.
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

// notActing lets users pass who are no administrators that act as somebody else.
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

// current returns whom a page is for: the user of the request, or as whom an administrator acts; nil for
// nobody.
func (a *app) current(r *http.Request) *User {
	if u, ok := r.Context().Value(actingKey{}).(*User); ok {
		return u
	}
	u, _ := a.auth.User(r.Context())
	return u
}
