package oidc_test

import (
	"context"
	"log"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// Log in with Google, store the user's issuer and subject in the users table, and end sessions when a
// provider reports a log-out.
func Example() {
	type User struct{ ID int }
	findOrCreate := func(_ context.Context, _, _ string) (*User, error) { return &User{1}, nil } // by issuer and subject
	find := func(_ context.Context, id int) (*User, error) { return &User{id}, nil }
	secret := "32 random bytes out of your vault"

	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := session.New(session.Config{Store: memory.Sessions, Codec: session.SecureCookie(secret)})
	if err != nil {
		log.Fatal(err)
	}

	cfg := oidc.Google()
	cfg.ClientID, cfg.ClientSecret = "…apps.googleusercontent.com", "out of your vault"
	cfg.RedirectURL = "https://shop.example/login/google/callback"
	cfg.CookieSecrets = []string{secret}
	google, err := oidc.New(cfg, func(ctx context.Context, id oidc.Identity) (*User, error) {
		return findOrCreate(ctx, id.Issuer, id.Subject)
	})
	if err != nil {
		log.Fatal(err)
	}
	auth, err := guard.New(guard.Config{Sessions: sessions}, serializer.ByID(func(u *User) int { return u.ID }, find), google)
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	login := auth.Authenticate("google")(auth.LogInWith(guard.LogInOptions{ReturnTo: true, SuccessRedirect: "/"})(nil))
	mux.Handle("GET /login/google", login)
	mux.Handle("GET /login/google/callback", login)
	mux.Handle("POST /backchannel-logout", google.BackChannelLogOut(auth))
}
