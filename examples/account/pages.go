package main

import (
	"bytes"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
)

//go:embed templates static
var files embed.FS

// page is the data of a template.
type page struct {
	User    *User    // the user that the page is for; nil for a visitor
	Admin   *User    // the administrator who acts as User, or nil
	Flashes []string // messages of the request before this one
	Form    form
	Data    any
	Request *http.Request

	Site             string // the site's URL
	Outbox, Provider bool   // there is an /outbox; there is a provider to log in with
}

// Is reports whether the page is at path, for the navigation.
func (p page) Is(path string) bool { return p.Request.URL.Path == path }

// Has reports whether the address has a parameter.
func (p page) Has(param string) bool { return p.Request.URL.Query().Has(param) }

// ReturnTo returns the page's parameter return_to, if it is an address of this site; else "".
func (p page) ReturnTo() string {
	to, _ := guard.SafeReturnTo(p.Request.URL.Query().Get("return_to"))
	return to
}

// parsePages returns the templates by the name of their file, each with the layout around it.
func parsePages() map[string]*template.Template {
	layout := template.New("layout.html").Funcs(template.FuncMap{
		"site": func() string { return siteName }, "input": newInput, "ago": ago,
		"id64": base64.RawURLEncoding.EncodeToString,
	})
	template.Must(layout.ParseFS(files, "templates/layout.html", "templates/parts.html"))
	pages := map[string]*template.Template{}
	for _, name := range must(fs.Glob(files, "templates/*.html")) {
		pages[path.Base(name)] = template.Must(must(layout.Clone()).ParseFS(files, name))
	}
	return pages
}

// show answers with a page, or returns err if it is not nil. The request has a session.
func (a *app) show(w http.ResponseWriter, r *http.Request, err error, name string, f form, data any) error {
	if err != nil {
		return err
	}
	flashes, err := session.FlashesContext(r.Context(), "info")
	if err != nil {
		return err
	}
	admin, _ := a.acting.Actor(r.Context())
	return a.write(w, r, name, page{User: a.current(r), Admin: admin, Flashes: flashes, Form: f, Data: data})
}

// contentPolicy is the Content-Security-Policy: everything is loaded from this site, and nothing is inline. A
// form may also lead to the provider, whose URL is added.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " +
	"img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self' "

func (a *app) write(w http.ResponseWriter, r *http.Request, name string, p page) error {
	p.Request, p.Site, p.Outbox, p.Provider = r, a.url, a.outbox != nil, a.link != nil
	var body bytes.Buffer
	if err := a.pages[name+".html"].Execute(&body, p); err != nil {
		return fmt.Errorf("template %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", contentPolicy+a.issuer)
	h.Set("Cache-Control", "no-store") // the Back button shows nothing after signing out
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	if a.secure() && a.smtp != "" { // not on localhost, where other programs use http
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}
	w.WriteHeader(p.Form.status())
	_, _ = body.WriteTo(w) // the browser may have disconnected
	return nil
}

// done redirects, or returns err if it is not nil. The next page shows text, if there is any.
func done(w http.ResponseWriter, r *http.Request, err error, to, text string) error {
	if err == nil && text != "" {
		err = session.FlashContext(r.Context(), "info", text)
	}
	if err == nil {
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
	return err
}

// errorPage answers a browser whose request was refused: see guard.Config.ErrorPage.
func (a *app) errorPage(w http.ResponseWriter, r *http.Request, p guard.Problem) {
	if p.Type == guard.ProblemFactor { // the second step, and then the page with the form that was sent
		http.Redirect(w, r, p.URL, http.StatusSeeOther)
		return
	}
	// If this fails it has written nothing, and the guard answers.
	_ = a.write(w, r, "error", page{User: a.current(r), Form: form{Status: p.Status}, Data: p})
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

// ago returns how long ago something was, for people. when is a time, or seconds since 1970.
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
