package main

import (
	"fmt"
	"maps"
	"net/http"

	"github.com/boj/redistore"
	"github.com/gorilla/sessions"
)

// gorillaApp follows gorilla's documentation: a handler saves the session when it is done, and a negative
// MaxAge deletes it. gorilla cannot change the id of a session, so the log-in and the renewal delete it and
// save a new one.
type gorillaApp struct{ store *redistore.RediStore }

func withGorilla(redisAddr string) (http.Handler, error) {
	st, err := redistore.NewRediStore(10, "tcp", redisAddr, "", "", []byte("a made-up secret of 32 bytes or more"))
	if err != nil {
		return nil, err
	}
	st.Options = &sessions.Options{Path: "/", MaxAge: 86400, HttpOnly: true}
	return routes(gorillaApp{st}), nil
}

func (a gorillaApp) session(r *http.Request) *sessions.Session {
	s, _ := a.store.Get(r, "session") // after an error, which means a bad cookie, there is a new session
	return s
}

func (a gorillaApp) user(r *http.Request) (string, bool) {
	user, ok := a.session(r).Values[userKey].(string)
	return user, ok
}

// replace deletes the session and saves values under a new id.
func (a gorillaApp) replace(w http.ResponseWriter, r *http.Request, values map[any]any) error {
	s := a.session(r)
	if !s.IsNew {
		s.Options.MaxAge = -1
		if err := s.Save(r, w); err != nil {
			return err
		}
		w.Header().Del("Set-Cookie")
	}
	s.ID, s.Options.MaxAge, s.Values = "", 86400, values
	return s.Save(r, w)
}

func (a gorillaApp) logIn(w http.ResponseWriter, r *http.Request, user string) error {
	return a.replace(w, r, map[any]any{userKey: user})
}

func (a gorillaApp) logOut(w http.ResponseWriter, r *http.Request) error {
	s := a.session(r)
	s.Options.MaxAge = -1
	return s.Save(r, w)
}

func (a gorillaApp) change(w http.ResponseWriter, r *http.Request, key string, edit func(string) string, work func()) error {
	s := a.session(r)
	old, _ := s.Values[key].(string)
	s.Values[key] = edit(old)
	work()
	return s.Save(r, w)
}

func (a gorillaApp) renew(w http.ResponseWriter, r *http.Request, work func()) error {
	values := maps.Clone(a.session(r).Values)
	work()
	return a.replace(w, r, values)
}

func (a gorillaApp) data(r *http.Request) map[string]string {
	values := map[string]string{}
	for key, v := range a.session(r).Values {
		values[fmt.Sprint(key)] = fmt.Sprint(v)
	}
	return values
}
