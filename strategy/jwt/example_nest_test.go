package jwt_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/seed-6f34412b/passport/strategy/jwt"
)

// NestClaims are the claims that Nest's guide signs: { sub: user.userId, username }.
type NestClaims struct {
	jwt.RegisteredClaims
	UserID   json.Number `json:"sub"` // a number in Nest's tokens, which does not fit a string
	Username string      `json:"username"`
}

// The tokens of Nest's guide have the type JWT, a secret, no issuer and no audience. The two Insecure fields
// are for the time of the migration: with JwtModule's signOptions, Nest also sends an issuer and an audience.
func ExampleNew_nest() {
	key, err := jwt.NewSecret("", jwt.HS256, []byte("JWT_SECRET of at least 32 bytes.."))
	if err != nil {
		panic(err)
	}
	keys, err := jwt.NewKeys(key)
	if err != nil {
		panic(err)
	}
	s, err := jwt.New(jwt.Config{
		Keys: keys, Types: []string{"JWT"}, InsecureAnyIssuer: true, InsecureAnyAudience: true,
	}, func(_ context.Context, claims NestClaims) (*Member, error) {
		return &Member{ID: claims.UserID.String()}, nil
	})
	fmt.Println(s.Name(), err)
	// Output: jwt <nil>
}
