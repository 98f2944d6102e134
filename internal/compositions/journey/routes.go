package journey

import (
	"fmt"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
)

// routes are the application.
func (p *process) routes() http.Handler {
	mux := http.NewServeMux()
	for g, auth := range p.guards {
		at := func(path string) string { return fmt.Sprintf("POST /%d/%s", g, path) }
		who := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u, _ := auth.User(r.Context())
			fmt.Fprint(w, u.ID)
		})
		var box guard.LogInOptions
		if p.memory[g] != nil {
			box.RememberMe = func(r *http.Request) bool { return r.FormValue("remember") != "" && p.offers() }
		}
		mux.Handle(at("login"), auth.Authenticate("local")(auth.LogInWith(box)(who)))
		mux.Handle(at("provider"), auth.Authenticate("provider")(auth.LogInWith(box)(who)))
		mux.Handle(at("totp"), auth.Authenticate("totp")(auth.StepUp(who)))
		mux.Handle(at("logout"), auth.LogOut(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Cookie") // as before a request to an upstream: what was presented is taken when it comes
			fmt.Fprint(w, "bye")
		})))
		mux.Handle(at("me"), auth.RequireAuth(who))
		mux.Handle(at("proved"), auth.RequireFactor("totp", 0)(who))
		p.follow(mux, g, auth)
		mux.Handle(at("fresh"), auth.RequireFresh(freshFor)(who))
		mux.Handle(at("password"), auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u, _ := auth.User(r.Context())
			changed := p.shared.tables[g].change(u.ID, func(u *user) { u.Password++ })
			logIn := auth.LogInUser
			if r.FormValue("fresh") == "1" {
				logIn = auth.ReauthenticateUser
			}
			if err := logIn(r, changed); err != nil {
				auth.Error(w, r, err)
				return
			}
			fmt.Fprint(w, u.ID)
		})))
		m := p.managers[g]
		in := func(path string, f func(r *http.Request, s *session.Session) (string, error)) {
			mux.Handle(at(path), m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s, err := m.Session(r.Context())
				text := ""
				if err == nil {
					text, err = f(r, s)
				}
				if err != nil {
					http.Error(w, err.Error(), guard.Status(err))
					return
				}
				fmt.Fprint(w, text)
			})))
		}
		mux.Handle(at("end"), auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u, _ := auth.User(r.Context())
			found, err := auth.EndSession(r.Context(), u, r.FormValue("ref"))
			if err != nil {
				auth.Error(w, r, err)
				return
			}
			fmt.Fprint(w, map[bool]string{true: "found"}[found])
		})))
		in("set", func(r *http.Request, s *session.Session) (string, error) {
			k := session.Key[string](r.FormValue("name"))
			if v := r.FormValue("value"); v != "" {
				return "", k.Set(s, v)
			}
			return "", k.Delete(s)
		})
		in("get", func(r *http.Request, s *session.Session) (string, error) {
			v, _, err := session.Key[string](r.FormValue("name")).Get(s)
			return v, err
		})
		in("renew", func(r *http.Request, s *session.Session) (string, error) { return "", s.Renew(r.Context()) })
		in("regenerate", func(r *http.Request, s *session.Session) (string, error) {
			if err := s.Regenerate(r.Context()); err != nil {
				return "", err
			}
			return "", session.Key[string](r.FormValue("name")).Set(s, r.FormValue("value"))
		})
		in("destroy", func(r *http.Request, s *session.Session) (string, error) { return "", s.Destroy(r.Context()) })
	}
	return mux
}
