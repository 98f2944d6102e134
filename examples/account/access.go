package main

import "net/http"

// handler answers a request. Its error is one that [guard.Status] knows, or an outage.
type handler = func(w http.ResponseWriter, r *http.Request) error

// failure answers a log-in that a strategy refused because of err.
type failure = func(w http.ResponseWriter, r *http.Request, err error) error

// public lets everybody pass, and finds the user if there is one.
func (a *app) public(h handler) http.Handler { return a.auth.Restore(a.acting.Allow(a.auth.Handle(h))) }

// user lets users pass, and administrators who act as one. Its pages have no secrets and no lasting changes.
func (a *app) user(h handler) http.Handler {
	return a.auth.RequireAuth(a.acting.Allow(a.auth.Handle(h)))
}

// own lets users pass, but no administrator who acts as one.
func (a *app) own(h handler) http.Handler { return a.acting.RequireSelf(a.auth.Handle(h)) }

// fresh lets the same users pass as own, if they have logged in within the last minutes. It is for every
// change of the ways to log in.
func (a *app) fresh(h handler) http.Handler { return a.auth.RequireFresh(a.freshFor)(a.own(h)) }

// admins lets administrators pass.
func (a *app) admins(h handler) http.Handler {
	return a.auth.RequireIf((*User).Admin)(a.acting.Allow(a.auth.Handle(h)))
}

// mayActAs is for [guard.ActingConfig]: an administrator acts as a user, but not as another administrator.
func mayActAs(admin, u *User) bool { return admin.Admin() && !u.Admin() }

// current returns the user that a page is for: the user of the request, or the one as whom an administrator
// acts. It is nil if nobody is logged in.
func (a *app) current(r *http.Request) *User {
	u, _ := a.acting.User(r.Context())
	return u
}
