package oidc_test

import (
	"context"
	"log"

	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// Wrong: the user is found by the provider's e-mail address. At another provider, or in their own tenant,
// somebody else can have the same address, verified or not, and would be logged in as this user. Find users
// by Issuer and Subject, and connect accounts as in the example of NewOAuth2.
func ExampleNew_incorrect() {
	byEmail := func(_ context.Context, _ string) (*User, error) { return &User{}, nil }

	_, err := oidc.New(oidc.Microsoft("common"), func(ctx context.Context, id oidc.Identity) (*User, error) {
		return byEmail(ctx, id.Email)
	})
	if err != nil {
		log.Fatal(err)
	}
}
