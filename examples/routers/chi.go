package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/cors"
)

// Chi is the application on chi.
func Chi(a *App) http.Handler {
	h := handlers{a}
	r := chi.NewRouter()
	r.Use(middleware.Recoverer) // outside of the session's Handler: a panic changes nothing
	r.Use(a.AccessLog)          // and Sessions.Handler
	r.Use(cors.Handler(cors.Options{AllowedOrigins: []string{a.Origin}, AllowCredentials: true, AllowedHeaders: []string{"Content-Type"}}))
	r.Use(middleware.Compress(5, "text/plain", "text/html", "application/json"))

	r.Route("/app", func(r chi.Router) {
		r.With(a.Auth.Restore).Get("/hello", h.hello)
		r.Method(http.MethodPost, "/login", a.FormLogIn())
		r.With(a.Auth.Authenticate("local"), a.Auth.LogIn).Post("/api/login", h.hello)
		r.With(a.Auth.LogOut).Post("/logout", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/app/hello", http.StatusSeeOther)
		})
		r.Group(func(r chi.Router) {
			r.Use(a.Protect)
			r.Get("/me", h.me)
			r.Post("/note", h.note)
			r.Get("/page", h.page)
			r.Get("/panic", h.panics)
			r.Get("/events", h.events)
			r.Get("/socket", h.socket)
			r.Post("/upload", h.upload)
			r.With(middleware.Timeout(Limit)).Get("/slow", h.slow)
		})
	})
	return r
}
