package session_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// A page asks every minute how long the visitor stays logged in. Such a request does
// not count as use of the session: it must not be what keeps it alive.
func Example_timeout() {
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		panic(err)
	}
	sessions, err := session.New(session.Config{
		Store:        memory.Sessions,
		Codec:        session.SecureCookie("a secret of at least 32 random bytes"),
		IdleTimeout:  15 * time.Minute,
		InsecureHTTP: true, // httptest speaks plain http
	})
	if err != nil {
		panic(err)
	}
	const name session.Key[string] = "name"
	mux := http.NewServeMux()
	mux.Handle("POST /name", sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = name.Set(s, r.FormValue("name"))
		}
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		}
	})))
	mux.Handle("GET /left", sessions.NoRefresh(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		left := time.Until(s.Info().Expires)
		_ = json.NewEncoder(w).Encode(map[string]int{"minutes": int(left.Round(time.Minute).Minutes())})
	})))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/name?name=Joe", nil))
	r := httptest.NewRequest(http.MethodGet, "/left", nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	w = httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Print(w.Body)
	// Output: {"minutes":15}
}
