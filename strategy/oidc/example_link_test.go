package oidc_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
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
	cfg.Bind = func(r *http.Request) string { // the account lands with the user who asked for it
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

	save := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := auth.User(r.Context())
		account, _ := link.User(r.Context())
		fmt.Fprintf(w, "user %d is %s at GitHub", user.ID, account.Name)
	})
	http.Handle("GET /link/github", auth.RequireAuth(link.Authenticate("github")(save)))
}
