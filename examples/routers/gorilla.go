package main

import (
	"net/http"

	gorilla "github.com/gorilla/handlers"
	"github.com/gorilla/mux"
)

// Gorilla is the application on gorilla/mux.
func Gorilla(a *App) http.Handler {
	h := handlers{a}
	r := mux.NewRouter()
	r.Use(a.AccessLog) // and Sessions.Handler

	app := r.PathPrefix("/app").Subrouter()
	app.Handle("/hello", a.Auth.Restore(http.HandlerFunc(h.hello))).Methods(http.MethodGet)
	app.Handle("/login", a.FormLogIn()).Methods(http.MethodPost)
	app.Handle("/api/login", a.Auth.Authenticate("local")(a.Auth.LogIn(http.HandlerFunc(h.hello)))).Methods(http.MethodPost)
	app.Handle("/logout", a.Auth.LogOut(http.RedirectHandler("/app/hello", http.StatusSeeOther))).Methods(http.MethodPost)

	streams := app.NewRoute().Subrouter() // not compressed
	streams.Use(a.Protect)
	streams.HandleFunc("/events", h.events).Methods(http.MethodGet)
	streams.HandleFunc("/socket", h.socket).Methods(http.MethodGet)

	members := app.NewRoute().Subrouter()
	members.Use(gorilla.CompressHandler, a.Protect)
	members.HandleFunc("/me", h.me).Methods(http.MethodGet)
	members.HandleFunc("/note", h.note).Methods(http.MethodPost)
	members.HandleFunc("/page", h.page).Methods(http.MethodGet)
	members.HandleFunc("/panic", h.panics).Methods(http.MethodGet)
	members.HandleFunc("/upload", h.upload).Methods(http.MethodPost)
	members.Handle("/slow", http.TimeoutHandler(http.HandlerFunc(h.slow), Limit, "took too long")).Methods(http.MethodGet)

	// gorilla/mux runs middlewares only for routes that match. So what answers preflights, and what recovers
	// from panics of the session's Handler too, goes around the router.
	crossOrigin := gorilla.CORS(gorilla.AllowedOrigins([]string{a.Origin}), gorilla.AllowCredentials(),
		gorilla.AllowedMethods([]string{"GET", "POST"}), gorilla.AllowedHeaders([]string{"Content-Type"}))
	return gorilla.RecoveryHandler()(crossOrigin(r))
}
