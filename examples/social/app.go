package main

import (
	"crypto/rand"
	"html/template"
	"net/http"
	"strconv"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy/oidc"
	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

// The id and secret of this application at the provider. A real provider gives you them.
const (
	clientID     = "social"
	clientSecret = "not a secret: the example's provider knows it" //nolint:gosec // as it says
)

// The routes that are registered with the provider.
const (
	callbackPath    = "/login/example/callback"
	linkPath        = "/link/example"
	confirmPath     = "/link/confirm"
	backChannelPath = "/backchannel-logout"
)

// newApp returns the application.
func newApp(s *site) (http.Handler, error) {
	table := &users{}
	table.add(User{Name: "Joe Foo", Email: exampleEmail, Hash: exampleHash})

	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		return nil, err
	}
	secret := rand.Text() + rand.Text() // a real application keeps one: with another, everyone is logged out
	sessions, err := session.New(session.Config{Store: memory.Sessions, Codec: session.SecureCookie(secret), InsecureHTTP: true})
	if err != nil {
		return nil, err
	}

	// For Google this is oidc.Google(), and four fields of your own.
	provider := oidc.Config{
		Name: "example", Issuer: s.provider, ClientID: clientID, ClientSecret: clientSecret,
		RedirectURL: s.app + callbackPath, CookieSecrets: []string{secret}, Scopes: []string{"profile"}, InsecureHTTP: true,
	}
	example, err := oidc.New(provider, table.byIdentity)
	if err != nil {
		return nil, err
	}
	passwords, err := password.New(password.LookupFunc[*User](table.byEmail), password.Config{})
	if err != nil {
		return nil, err
	}
	local, err := throttle.New(throttle.Config{InsecureHTTP: true}, passwords)
	if err != nil {
		return nil, err
	}
	auth, err := guard.New(guard.Config{Sessions: sessions, LoginURL: "/"},
		serializer.ByID(func(u *User) int { return u.ID }, table.byID), local, example)
	if err != nil {
		return nil, err
	}

	provider.RedirectURL = s.app + linkPath
	link, err := oidc.NewLinker(oidc.LinkerConfig[*User]{
		Provider: provider, Users: auth, Owner: func(u *User) string { return strconv.Itoa(u.ID) }, Link: table.connect,
	})
	if err != nil {
		return nil, err
	}

	home := guard.LogInOptions{ReturnTo: true, SuccessRedirect: "/"}
	mux := http.NewServeMux()
	mux.Handle("POST /login", auth.AuthenticateWith(guard.Options{Strategies: []string{"local"}, FailureRedirect: "/?wrong"})(auth.LogInWith(home)(nil)))
	login := auth.Authenticate("example")(auth.LogInWith(home)(nil))
	mux.Handle("GET /login/example", login)
	mux.Handle("GET "+callbackPath, login)
	start := link.Handler(auth.Handle(ask(link)))
	mux.Handle("POST "+linkPath, start)
	mux.Handle("GET "+linkPath, start) // the callback
	mux.Handle("POST "+confirmPath, auth.RequireAuth(auth.Handle(confirm(link))))
	mux.Handle("POST /logout", auth.LogOut(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, err := example.LogOutURL(r.Context(), oidc.LogOut{ReturnURL: s.app + "/"})
		if err != nil || r.FormValue("everywhere") == "" {
			to = "/" // logged out here, and that is what was asked for, or what can be done
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	})))
	mux.Handle("POST "+backChannelPath, example.BackChannelLogOut(auth))
	mux.Handle("GET /account", auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := auth.User(r.Context())
		render(w, accountPage, u)
	})))
	mux.Handle("GET /{$}", auth.Restore(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := auth.User(r.Context())
		to := guard.ReturnTo(r) // LoginURL's; "" for none
		render(w, page, map[string]any{"User": u, "Wrong": r.URL.Query().Has("wrong"), "Email": exampleEmail, "ReturnTo": to})
	})))
	return mux, nil
}

// render writes a page.
func render(w http.ResponseWriter, t *template.Template, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	if err := t.Execute(w, data); err != nil {
		http.Error(w, "This page does not work.", http.StatusInternalServerError)
	}
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>social</title>
<style>body{font:16px/1.5 sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem}label{display:block}</style>
{{with .User}}
<h1>Hello {{.Name}}</h1>
<p>You are user {{.ID}}{{if .Hash}}, with a password{{end}}{{if .Accounts}}, with an account at the example provider{{end}}.</p>
<p><a href="/account">Your account</a></p>
<form method="post" action="/logout"><button>Log out</button> <button name="everywhere" value="yes">Log out here and at the provider</button></form>
{{else}}
<h1>Who are you?</h1>
{{if .Wrong}}<p>The address or the password is wrong.</p>{{end}}
<form method="post" action="/login?return_to={{.ReturnTo}}">
<label>E-mail <input name="email" value="{{.Email}}" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Log in</button>
</form>
<p>or <a href="/login/example?return_to={{.ReturnTo}}">log in with the example provider</a></p>
{{end}}
</html>
`))
