package main

import (
	"html/template"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// pending is the account that the user has shown, and has not confirmed yet.
const pending session.Key[Account] = "link"

// ask stores the account that the provider has just confirmed, and asks the user whether it is the right
// one.
func ask(sessions *session.Manager, link *guard.Guard[oidc.Identity]) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := link.User(r.Context())
		s, err := sessions.Session(r.Context())
		if err == nil {
			err = pending.Set(s, Account{id.Issuer, id.Subject})
		}
		if err != nil {
			link.Error(w, r, err)
			return
		}
		render(w, confirmPage, id)
	})
}

// confirm connects the account that the user was asked about.
func confirm(sessions *session.Manager, auth *guard.Guard[*User], table *users) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := auth.User(r.Context())
		s, err := sessions.Session(r.Context())
		if err != nil {
			auth.Error(w, r, err)
			return
		}
		account, found, err := pending.Get(s)
		if err == nil && found {
			err = pending.Delete(s) // it is valid once
		}
		switch {
		case err != nil:
			auth.Error(w, r, err)
		case !found:
			http.Error(w, "There is no account to connect. Start again.", http.StatusConflict)
		case !table.connect(u.ID, account):
			http.Error(w, "This account is connected to another user.", http.StatusConflict)
		default:
			http.Redirect(w, r, "/account", http.StatusSeeOther)
		}
	})
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
<form method="post" action="/link/confirm"><button>Connect</button></form>
<p><a href="/account">No</a></p>
</html>
`))
