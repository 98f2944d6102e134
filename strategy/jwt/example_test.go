package jwt_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy/jwt"
)

type Member struct{ ID string }

// An API that issues its own tokens and accepts them.
func Example() {
	secret := make([]byte, 32) // from a vault, in a real program
	_, _ = rand.Read(secret)
	key, err := jwt.NewSecret("", jwt.HS256, secret)
	if err != nil {
		panic(err)
	}
	keys, err := jwt.NewKeys(key)
	if err != nil {
		panic(err)
	}
	const self = "https://api.example"
	issuer, err := jwt.NewIssuer[jwt.AccessClaims](jwt.IssuerConfig{Keys: keys, Issuer: self, Audience: []string{self}})
	if err != nil {
		panic(err)
	}
	tokens, err := jwt.New(jwt.Config{Keys: keys, Issuer: self, Audience: []string{self}},
		func(_ context.Context, claims jwt.AccessClaims) (*Member, error) {
			return &Member{ID: claims.Subject}, nil // a look-up, in a real program
		})
	if err != nil {
		panic(err)
	}
	auth, err := guard.New[*Member](guard.Config{Logger: silent}, nil, tokens)
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /me", auth.Authenticate("jwt")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		member, _ := auth.User(r.Context())
		fmt.Fprint(w, "member ", member.ID)
	})))

	token, err := issuer.Issue(context.Background(), "42", jwt.AccessClaims{})
	if err != nil {
		panic(err)
	}
	for _, header := range []string{"Bearer " + token, ""} {
		r := httptest.NewRequest(http.MethodGet, "/me", nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"), w.Result().Header.Get("Content-Type"))
	}
	// Output:
	// 200  text/plain; charset=utf-8
	// 401 Bearer realm="api" application/problem+json
}
