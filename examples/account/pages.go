package main

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy/onetime"
)

//go:embed templates static mails
var files embed.FS

// page is the data of a template.
type page struct {
	User    *User    // the user that the page is for; nil for a visitor
	Admin   *User    // the administrator who acts as User, or nil
	Flashes []string // messages of the request before this one
	Form    form
	Data    any
	Request *http.Request

	Site     string  // the site's URL
	Outbox   *outbox // nil with -smtp
	Provider bool    // there is a provider to log in with
}

// parsePages returns the templates by name, each with the layout around it.
func parsePages() map[string]*template.Template {
	layout := template.New("layout.html").Funcs(template.FuncMap{
		"site": func() string { return siteName }, "input": input, "returnTo": guard.ReturnTo,
		"ago": humanize.Time, "unix": func(seconds int64) time.Time { return time.Unix(seconds, 0) },
		"mailed": onetime.Address,
	})
	template.Must(layout.ParseFS(files, "templates/layout.html", "templates/parts.html"))
	pages := map[string]*template.Template{}
	for _, file := range must(fs.Glob(files, "templates/*.html")) {
		name := strings.TrimSuffix(path.Base(file), ".html")
		pages[name] = template.Must(must(layout.Clone()).ParseFS(files, file))
	}
	return pages
}

// show answers with a page, or returns err if it is not nil.
func (a *app) show(w http.ResponseWriter, r *http.Request, err error, name string, f form, data any) error {
	p := page{
		User: a.current(r), Form: f, Data: data, Request: r,
		Site: a.url, Outbox: a.outbox, Provider: a.link != nil,
	}
	p.Admin, _ = a.acting.Actor(r.Context())
	if err == nil && name != "error" { // which is shown in an outage, too
		p.Flashes, err = session.FlashesContext(r.Context(), "info")
	}
	var body bytes.Buffer
	if err == nil {
		err = a.pages[name].Execute(&body, p)
	}
	if err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store") // the Back button shows nothing after signing out
	if f.Status == 0 && len(f.Errors) > 0 {
		f.Status = http.StatusUnprocessableEntity
	}
	w.WriteHeader(max(f.Status, http.StatusOK))
	_, _ = body.WriteTo(w) // the browser may have disconnected
	return nil
}

// plain returns the handler that shows a page without data. That of a mailed link does not use its token up,
// since mail scanners open links; the page's button does.
func (a *app) plain(name string) handler {
	return func(w http.ResponseWriter, r *http.Request) error { return a.show(w, r, nil, name, form{}, nil) }
}

// done redirects, or returns err if it is not nil. The next page shows text, if there is any.
func done(w http.ResponseWriter, r *http.Request, err error, to, text string) error {
	if err == nil && text != "" {
		err = session.FlashContext(r.Context(), "info", text)
	}
	if err == nil {
		http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // to is ours, or of guard.ReturnTo
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
	_ = a.show(w, r, nil, "error", form{Status: p.Status}, p)
}

// secured sets the headers of all answers. Everything is loaded from this site, and nothing is inline; a form
// may also lead to the provider.
func (a *app) secured(next http.Handler) http.Handler {
	const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " +
		"img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self' "
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy+a.issuer)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		if a.secure() && a.smtp != "" { // not on localhost, where other programs use http
			h.Set("Strict-Transport-Security", "max-age=63072000")
		}
		if strings.HasPrefix(r.URL.Path, "/static/") {
			h.Set("Cache-Control", "max-age=60")
		}
		next.ServeHTTP(w, r)
	})
}
