package oidc_test

import (
	"context"
	"fmt"
	"html"
	"log"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// Connect a GitHub account to the user who is logged in: passport.authorize. The second
// guard's user is the account; it has no LogIn, so the session stays as it is.
func ExampleNewOAuth2_link() {
	type GitHubAccount struct{ Number, Name string }
	var auth *guard.Guard[*User] // the application's own

	cfg := oidc.GitHub()
	cfg.ClientID, cfg.ClientSecret = "Iv1.…", "out of your vault"
	cfg.RedirectURL = "https://shop.example/link/github"
	cfg.CookieSecrets = []string{"32 random bytes out of your vault"}
	cfg.Bind = func(r *http.Request) string { // only the user who asked for it can complete it
		user, _ := auth.User(r.Context())
		return fmt.Sprint(user.ID)
	}
	github, err := oidc.NewOAuth2(cfg, nil, func(_ context.Context, id oidc.Identity) (GitHubAccount, error) {
		return GitHubAccount{id.Subject, id.Username}, nil
	})
	if err != nil {
		log.Fatal(err)
	}
	link, err := guard.New(guard.Config{}, nil, github)
	if err != nil {
		log.Fatal(err)
	}

	const pending session.Key[GitHubAccount] = "github"
	ask := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		account, _ := link.User(r.Context())
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = pending.Set(s, account)
		}
		if err != nil {
			auth.Error(w, r, err)
			return
		}
		fmt.Fprintf(w, `<form method="post" action="/link/github/confirm">Connect %s?<button>Yes</button></form>`, html.EscapeString(account.Name))
	})
	connect := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := auth.User(r.Context())
		s, err := session.FromContext(r.Context())
		if err != nil {
			auth.Error(w, r, err)
			return
		}
		if account, ok, err := pending.Get(s); ok && err == nil {
			fmt.Fprintf(w, "user %d is %s at GitHub", user.ID, account.Name)
		}
	})
	start := auth.RequireAuth(link.Authenticate("github")(ask))
	http.Handle("POST /link/github", start) // from a button on a page of the application
	http.Handle("GET /link/github", start)  // the callback
	http.Handle("POST /link/github/confirm", auth.RequireAuth(connect))
}
