package main

import "net/http"

func (a *app) logInPage(w http.ResponseWriter, r *http.Request) error {
	u, ok := a.auth.User(r.Context()) // also while they act as somebody else
	if !ok {
		return a.show(w, r, nil, "login", form{}, nil)
	}
	if !r.URL.Query().Has("max_age") { // guard.RequireFresh sets it when a user has to log in again
		return done(w, r, nil, "/account", "")
	}
	return a.show(w, r, nil, "login", filled("email", u.Email), nil)
}

// logInFailed answers a log-in that was refused. It does not tell whether the address has an account.
func (a *app) logInFailed(w http.ResponseWriter, r *http.Request, err error) error {
	f := formOf(r).refusedBy(err, "password", "The e-mail address or the password is not right.")
	return a.show(w, r, nil, "login", f, nil)
}
