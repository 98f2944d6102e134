package main

import (
	"net/http"
	"strings"
)

// devices lists where the user is logged in.
func (a *app) devices(w http.ResponseWriter, r *http.Request) error {
	list, err := a.auth.Sessions(r.Context(), a.current(r))
	if err != nil {
		return err
	}
	return a.show(w, r, "devices", form{}, list)
}

func (a *app) endDevice(w http.ResponseWriter, r *http.Request) error {
	_, err := a.auth.EndSession(r.Context(), a.current(r), formOf(r).Get("ref"))
	return a.done(w, r, err, "/account/devices", "The device is logged out.")
}

func (a *app) endOthers(w http.ResponseWriter, r *http.Request) error {
	return a.done(w, r, a.logOutOthers(r), "/account/devices", "All other devices are logged out.")
}

// logOutOthers ends the user's other sessions.
func (a *app) logOutOthers(r *http.Request) error {
	s, err := a.sessions.Session(r.Context())
	if err == nil {
		_, err = a.auth.LogOutEverywhere(r.Context(), a.current(r), s.Ref())
	}
	return err
}

// deviceName makes "Firefox on Windows" of a User-Agent header, which says whatever its sender likes.
func deviceName(agent string) string {
	first := func(otherwise string, pairs ...string) string {
		for i := 0; i+1 < len(pairs); i += 2 {
			if strings.Contains(agent, pairs[i]) {
				return pairs[i+1]
			}
		}
		return otherwise
	}
	browser := first("A program", "Edg", "Edge", "Firefox/", "Firefox", "Chrome/", "Chrome", "Safari/", "Safari", "Mozilla/", "A browser")
	return browser + first("", "Android", " on Android", "iPhone", " on iPhone", "iPad", " on iPad", "Windows", " on Windows", "Mac OS", " on macOS", "Linux", " on Linux")
}
