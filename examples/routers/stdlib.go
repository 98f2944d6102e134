package main

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
	"github.com/rs/cors"
)

// NetHTTP is the application on http.ServeMux.
func NetHTTP(a *App) http.Handler {
	h := handlers{a}
	protected := http.NewServeMux()
	protected.HandleFunc("GET /me", h.me)
	protected.HandleFunc("POST /note", h.note)
	protected.HandleFunc("GET /page", h.page)
	protected.HandleFunc("GET /panic", h.panics)
	protected.HandleFunc("GET /events", h.events)
	protected.HandleFunc("GET /socket", h.socket)
	protected.HandleFunc("POST /upload", h.upload)
	protected.Handle("GET /slow", http.TimeoutHandler(http.HandlerFunc(h.slow), Limit, "took too long"))

	mux := http.NewServeMux()
	mux.Handle("/app/", http.StripPrefix("/app", a.Protect(protected)))
	public(a, mux)
	return Around(a, mux)
}

// public registers what is open to everybody.
func public(a *App, mux *http.ServeMux) {
	h := handlers{a}
	mux.Handle("GET /app/hello", a.Auth.Restore(http.HandlerFunc(h.hello)))
	mux.Handle("POST /app/login", a.FormLogIn())
	mux.Handle("POST /app/api/login", a.Auth.Authenticate("local")(a.Auth.LogIn(http.HandlerFunc(h.hello))))
	mux.Handle("POST /app/logout", a.Auth.LogOut(http.RedirectHandler("/app/hello", http.StatusSeeOther)))
}

// Around puts around next what every route needs. The order matters: the recovery from panics is outside of
// the session's Handler, so that a request that panicked changes nothing; CORS is outside of the guards, since
// a preflight has no credentials.
func Around(a *App, next http.Handler) http.Handler {
	crossOrigin := cors.New(cors.Options{AllowedOrigins: []string{a.Origin}, AllowCredentials: true, AllowedHeaders: []string{"Content-Type"}})
	next = crossOrigin.Handler(next)
	next = withoutStreams(gzhttp.GzipHandler, next)
	next = a.AccessLog(next) // and Sessions.Handler
	return recoverer(next)
}

// withoutStreams does not compress streams of events, since that would delay them.
func withoutStreams(compress func(http.Handler) http.HandlerFunc, next http.Handler) http.Handler {
	compressed := compress(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/events") {
			next.ServeHTTP(w, r)
			return
		}
		compressed.ServeHTTP(w, r)
	})
}

// recoverer answers 500 after a panic.
func recoverer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v)
			default:
				slog.ErrorContext(r.Context(), "panic", "value", v)
				http.Error(w, "internal error", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
