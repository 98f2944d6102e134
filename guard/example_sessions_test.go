package guard_test

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
)

// A page that lists a user's sessions, and the buttons on it: this one, and all others.
func ExampleGuard_Sessions() {
	auth := newClub(slog.New(slog.DiscardHandler), func(c *guard.Config) { c.Device = guard.ClientDevice() })
	mux := http.NewServeMux()
	own := func(do func(w http.ResponseWriter, r *http.Request, user *Member) error) http.Handler {
		return auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, _ := auth.User(r.Context())
			if err := do(w, r, user); err != nil {
				auth.Error(w, r, err)
			}
		}))
	}
	list := func(w http.ResponseWriter, r *http.Request, user *Member) error {
		sessions, err := auth.Sessions(r.Context(), user)
		if err != nil {
			return err
		}
		return json.NewEncoder(w).Encode(sessions)
	}
	mux.Handle("GET /sessions", own(list))
	mux.Handle("POST /sessions/{ref}/end", own(func(w http.ResponseWriter, r *http.Request, user *Member) error {
		if _, err := auth.EndSession(r.Context(), user, r.PathValue("ref")); err != nil {
			return err
		}
		return list(w, r, user)
	}))
	mux.Handle("POST /sessions/end-others", own(func(_ http.ResponseWriter, r *http.Request, user *Member) error {
		sessions, err := auth.Sessions(r.Context(), user)
		if err != nil {
			return err
		}
		for _, s := range sessions {
			if s.Current {
				_, err = auth.LogOutEverywhere(r.Context(), user, s.Ref)
			}
		}
		return err
	}))
}
