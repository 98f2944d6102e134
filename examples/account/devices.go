package main

import "net/http"

// devices lists where the user is logged in.
func (a *app) devices(w http.ResponseWriter, r *http.Request) error {
	list, err := a.auth.Sessions(r.Context(), a.current(r))
	return a.show(w, r, err, "devices", form{}, list)
}

func (a *app) endDevice(w http.ResponseWriter, r *http.Request) error {
	_, err := a.auth.EndSession(r.Context(), a.current(r), formOf(r).Get("ref"))
	return done(w, r, err, "/account/devices", "The device is logged out.")
}

func (a *app) endOthers(w http.ResponseWriter, r *http.Request) error {
	_, err := a.auth.LogOutOthers(r.Context(), a.current(r))
	return done(w, r, err, "/account/devices", "All other devices are logged out.")
}
