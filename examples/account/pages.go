package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy/passkey"
)

//go:embed templates static
var files embed.FS

// page is what a template gets.
type page struct {
	User    *User    // whose page it is; nil for a visitor
	Admin   *User    // who acts as User; nil for nobody
	Flashes []string // what the request before this one has to say
	Form    form
	Data    any
	Request *http.Request
	App     *app
}

// Is reports whether the page is at path, for the navigation.
func (p page) Is(path string) bool { return p.Request.URL.Path == path }

// ReturnTo is where the page was asked to lead; "" for nowhere.
func (p page) ReturnTo() string {
	to, _ := guard.SafeReturnTo(p.Request.URL.Query().Get("return_to"))
	return to
}

// Has reports whether the address has a parameter.
func (p page) Has(param string) bool { return p.Request.URL.Query().Has(param) }

// Outbox reports whether mails can be looked at.
func (p page) Outbox() bool { return p.App.smtp == "" }

// Site is the site's address.
func (p page) Site() string { return p.App.url }

// Provider reports whether there is another site to log in with.
func (p page) Provider() bool { return p.App.link != nil }

// parsePages returns the templates by name, each with the layout around it.
func parsePages() (map[string]*template.Template, error) {
	funcs := template.FuncMap{"site": func() string { return siteName }, "input": newInput, "ago": ago, "device": deviceName, "passkeyID": func(c passkey.Credential) string { return id64(c.ID) }}
	layout, err := template.New("layout.html").Funcs(funcs).ParseFS(files, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	list, err := files.ReadDir("templates")
	pages := map[string]*template.Template{}
	for _, f := range list {
		t, err := template.Must(layout.Clone()).ParseFS(files, "templates/"+f.Name())
		if err != nil {
			return nil, err
		}
		pages[strings.TrimSuffix(f.Name(), ".html")] = t
	}
	return pages, err
}

// show answers with a page, for a request whose session is known.
func (a *app) show(w http.ResponseWriter, r *http.Request, name string, f form, data any) error {
	s, err := a.sessions.Session(r.Context())
	if err != nil {
		return err
	}
	flashes, err := s.Flashes("info")
	if err != nil {
		return err
	}
	p := page{User: a.current(r), Flashes: flashes, Form: f, Data: data}
	if u, ok := a.auth.User(r.Context()); ok && u != p.User {
		p.Admin = u
	}
	return a.write(w, r, name, p)
}

// contentPolicy is the Content-Security-Policy: everything comes from here, and nothing is inline. A form may
// lead to the provider, whose address is added.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self' "

func (a *app) write(w http.ResponseWriter, r *http.Request, name string, p page) error {
	p.Request, p.App = r, a
	var body bytes.Buffer
	if err := a.pages[name].Execute(&body, p); err != nil {
		return fmt.Errorf("template %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", contentPolicy+a.issuer)
	h.Set("Cache-Control", "no-store") // the Back button shows nothing after signing out
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	if a.secure() && a.smtp != "" { // not on localhost, where other programs speak http
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}
	w.WriteHeader(p.Form.status())
	_, _ = body.WriteTo(w) // the browser may have gone
	return nil
}

// done says on the next page what was done, unless err says that it was not.
func (a *app) done(w http.ResponseWriter, r *http.Request, err error, to, text string) error {
	if err != nil {
		return err
	}
	s, err := a.sessions.Session(r.Context())
	if err == nil {
		err = s.Flash("info", text)
	}
	return onTo(w, r, err, to)
}

// onTo sends a browser on, unless err says why not.
func onTo(w http.ResponseWriter, r *http.Request, err error, to string) error {
	if err == nil {
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
	return err
}

// fail answers a request that failed because of err.
func (a *app) fail(w http.ResponseWriter, r *http.Request, err error) {
	if guard.Status(err) >= http.StatusInternalServerError {
		slog.ErrorContext(r.Context(), "a page failed", "route", r.Pattern, "error", err)
	}
	if !a.explained(w, r, err) {
		a.auth.Error(w, r, err)
	}
}

// errorPage is for guard.Config.Error. Where it writes nothing the guard answers: programs, and browsers that
// have to log in first.
func (a *app) errorPage(w http.ResponseWriter, r *http.Request, err error) { a.explained(w, r, err) }

// explained answers a browser with a page that says what went wrong, and reports whether it did.
func (a *app) explained(w http.ResponseWriter, r *http.Request, err error) bool {
	problem, asks := guard.ProblemOf(err), r.Method == http.MethodGet || r.Method == http.MethodHead
	if !strings.Contains(r.Header.Get("Accept"), "text/html") || problem.Status < 400 || asks && problem.Status == http.StatusUnauthorized {
		return false
	}
	kind := problem.Type[strings.LastIndex(problem.Type, "#")+1:]
	if errors.Is(err, errActing) {
		kind = "Acting"
	}
	return a.write(w, r, "error", page{User: a.current(r), Form: form{Status: problem.Status}, Data: map[string]any{"Kind": kind, "Text": problem.Detail}}) == nil
}

// static serves the style sheet and the scripts.
func static() http.Handler {
	next := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// ago says when something was, for people: of seconds since 1970, or a time.
func ago(when any) string {
	t, ok := when.(time.Time)
	if seconds, is := when.(int64); is {
		t, ok = time.Unix(seconds, 0), seconds > 0
	}
	switch d := time.Since(t); {
	case !ok || t.IsZero():
		return "never"
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return t.Format("2 January 2006")
}
