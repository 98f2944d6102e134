package oidc_test

import (
	"database/sql"
	"fmt"
	"html"
	"log"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// Link a GitHub account to the user who is logged in: passport.authorize.
func ExampleNewLinker() {
	var auth *guard.Guard[*User] // the application's own
	db := new(sql.DB)            // the application's pool, of sql.Open
	table, err := oidc.NewSQLTable(oidc.SQLConfig{DB: db})
	if err != nil {
		log.Fatal(err)
	}
	cfg := oidc.GitHub()
	cfg.ClientID, cfg.ClientSecret = "Iv1.…", "out of your vault"
	cfg.RedirectURL = "https://shop.example/link/github"
	cfg.CookieSecrets = []string{"32 random bytes out of your vault"}
	link, err := oidc.NewLinker(oidc.LinkerConfig[*User]{
		Provider: cfg, Users: auth, Owner: func(u *User) string { return fmt.Sprint(u.ID) }, Link: table.Link,
	})
	if err != nil {
		log.Fatal(err)
	}

	ask := auth.Handle(func(w http.ResponseWriter, r *http.Request) error {
		account, _, err := link.Pending(r.Context())
		if err == nil {
			fmt.Fprintf(w, `<form method="post" action="/link/github/confirm">Connect %s?
				<input type="hidden" name="subject" value="%s"><button>Yes</button></form>`,
				html.EscapeString(account.Username), html.EscapeString(account.Subject))
		}
		return err
	})
	confirm := auth.Handle(func(w http.ResponseWriter, r *http.Request) error {
		_, err := link.Confirm(r.Context(), r.PostFormValue("subject")) // oidc.ErrLinked: it is another user's
		if err == nil {
			http.Redirect(w, r, "/account", http.StatusSeeOther)
		}
		return err
	})
	fresh := auth.RequireFresh(10 * time.Minute)
	http.Handle("POST /link/github", fresh(link.Handler(ask))) // from a button on a page of the application
	http.Handle("GET /link/github", fresh(link.Handler(ask)))  // the callback
	http.Handle("POST /link/github/confirm", fresh(confirm))
}
