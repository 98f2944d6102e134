package main

import (
	"errors"
	"html/template"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// handler answers a request, or returns an error for the guard to answer.
type handler = func(w http.ResponseWriter, r *http.Request) error

// ask asks the user whether the account that the provider has just confirmed is the right one.
func ask(link *oidc.Linker[*User]) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, _, err := link.Pending(r.Context())
		if err == nil {
			render(w, confirmPage, id)
		}
		return err
	}
}

// confirm connects the account that the user was asked about.
func confirm(link *oidc.Linker[*User]) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		linked, err := link.Confirm(r.Context(), r.PostFormValue("subject"))
		switch {
		case errors.Is(err, oidc.ErrLinked):
			http.Error(w, "This account is connected to another user.", http.StatusConflict)
		case err != nil:
			return err
		case !linked:
			http.Error(w, "There is no account to connect. Start again.", http.StatusConflict)
		default:
			http.Redirect(w, r, "/account", http.StatusSeeOther)
		}
		return nil
	}
}

var accountPage = template.Must(template.New("account").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>account</title>
<h1>The account of {{.Name}}</h1>
{{if .Accounts}}<p>It has an account at the example provider.</p>
{{else}}<form method="post" action="/link/example"><button>Connect an account at the example provider</button></form>
{{end}}<p><a href="/">Home</a></p>
</html>
`))

var confirmPage = template.Must(template.New("confirm").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>confirm</title>
<h1>Connect this account?</h1>
<p>The example provider says that you are {{.Name}}. From now on, whoever is {{.Name}} there can log in as you here.</p>
<form method="post" action="/link/confirm"><input type="hidden" name="subject" value="{{.Subject}}"><button>Connect</button></form>
<p><a href="/account">No</a></p>
</html>
`))
