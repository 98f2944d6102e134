package journey

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
)

// proxy serves a page of an upstream, behind the guard.
func (p *process) proxy(g int) http.Handler {
	auth, names := p.guards[g], slices.Clone(p.names[g])
	if p.memory[g] != nil { // otherwise the cookie is not the program's
		names = append(names, rememberName(g))
	}
	return &httputil.ReverseProxy{
		Transport: auth.ProxyTransport(upstream{names}),
		Rewrite: func(r *httputil.ProxyRequest) {
			u, _ := auth.User(r.In.Context())
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "upstream"
			r.Out.Header.Set("User", strconv.Itoa(u.ID))
		},
	}
}

// routes are handlers by method and path. It is not a ServeMux, because that looks up the source line of
// each Handle, which would be a third of the time of a short journey.
type routes map[string]http.Handler

// Handle adds a handler.
func (m routes) Handle(pattern string, h http.Handler) { m[pattern] = h }

// ServeHTTP implements http.Handler.
func (m routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := m[r.Method+" "+r.URL.Path]
	if h == nil {
		h = http.NotFoundHandler()
	}
	h.ServeHTTP(w, r)
}

// routes returns the application.
func (p *process) routes() http.Handler {
	mux := routes{}
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
		keys := p.passkeys[g]
		mux.Handle(at("challenge"), keys.BeginLogIn(auth))
		mux.Handle(at("passkey"), auth.Authenticate(keys.Name())(auth.LogIn(who)))
		mux.Handle(at("stepup"), auth.Authenticate(keys.Name())(auth.StepUp(who)))
		mux.Handle(at("logout"), auth.LogOut(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Cookie") // as before a request to an upstream: the session package has already read it
			fmt.Fprint(w, "bye")
		})))
		page := auth.RequireAuth
		if p.shared.Factor == 2 {
			page = auth.RequireFactor("totp", 0)
		}
		mux.Handle(at("me"), page(who))
		mux.Handle(fmt.Sprintf("GET /%d/link", g), auth.RequireAuth(who))
		mux.Handle(at("upstream"), auth.RequireAuth(p.proxy(g)))
		mux.Handle(at("api"), p.api.Authenticate("bearer")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u, _ := p.api.User(r.Context())
			fmt.Fprint(w, u.ID)
		})))
		mux.Handle(at("register"), p.managers[g].Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u := p.shared.tables[g].add()
			if err := auth.LogInUser(r, u); err != nil {
				auth.Error(w, r, err)
				return
			}
			fmt.Fprint(w, u.ID)
		})))
		mux.Handle(at("proved"), auth.RequireFactor("totp", 0)(who))
		p.follow(mux, g, auth, who)
		mux.Handle(at("live"), auth.RequireAuth(p.live(auth, who)))
		mux.Handle(at("fresh"), auth.RequireFresh(freshFor)(who))
		mux.Handle(at("admin"), auth.Require(func(_ *http.Request, u *user) error {
			if u.Role != admin {
				return guard.ErrForbidden
			}
			return nil
		})(who))
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
		if p.shared.binds() {
			path, h := m.DeviceBound()
			mux.Handle("POST "+path, h)
		}
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
		in("flash", func(r *http.Request, s *session.Session) (string, error) {
			return "", s.Flash("info", r.FormValue("text"))
		})
		in("flashes", func(_ *http.Request, s *session.Session) (string, error) {
			list, err := s.Flashes("info")
			return strings.Join(list, " "), err
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
