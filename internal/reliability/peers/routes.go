package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// app is what a program does with its sessions, with any library.
type app interface {
	user(r *http.Request) (string, bool)
	logIn(w http.ResponseWriter, r *http.Request, user string) error
	logOut(w http.ResponseWriter, r *http.Request) error
	// change changes a value with edit, calls work, and saves the session.
	change(w http.ResponseWriter, r *http.Request, key string, edit func(string) string, work func()) error
	renew(w http.ResponseWriter, r *http.Request, work func()) error
	data(r *http.Request) map[string]string
}

// routes returns the scenarios' program.
func routes(a app) http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, err error) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, "ok")
	}
	guarded := func(next func(http.ResponseWriter, *http.Request)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if _, ok := a.user(r); !ok {
				http.Error(w, "nobody", http.StatusUnauthorized)
				return
			}
			next(w, r)
		}
	}
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) { answer(w, a.logIn(w, r, r.URL.Query().Get("user"))) })
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) { answer(w, a.logOut(w, r)) })
	mux.HandleFunc("GET /me", guarded(func(w http.ResponseWriter, r *http.Request) {
		user, _ := a.user(r)
		fmt.Fprint(w, user)
	}))
	mux.HandleFunc("GET /live", guarded(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	mux.HandleFunc("POST /renew", guarded(func(w http.ResponseWriter, r *http.Request) { answer(w, a.renew(w, r, work(r))) }))
	mux.HandleFunc("POST /set", guarded(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		answer(w, a.change(w, r, q.Get("key"), func(string) string { return q.Get("value") }, work(r)))
	}))
	mux.HandleFunc("POST /add", guarded(func(w http.ResponseWriter, r *http.Request) {
		answer(w, a.change(w, r, "n", func(old string) string {
			n, _ := strconv.Atoi(old) // no value means 0
			return strconv.Itoa(n + 1)
		}, work(r)))
	}))
	mux.HandleFunc("GET /data", guarded(func(w http.ResponseWriter, r *http.Request) { _ = json.NewEncoder(w).Encode(a.data(r)) }))
	return mux
}

// work is what the handler does after the change, for as long as the request says.
func work(r *http.Request) func() {
	hold, _ := strconv.Atoi(r.URL.Query().Get("hold"))
	return func() { time.Sleep(time.Duration(hold) * time.Microsecond) }
}
