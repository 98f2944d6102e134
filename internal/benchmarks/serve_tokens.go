package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"time"

	ginjwt "github.com/appleboy/gin-jwt/v2"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/jwtauth/v5"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/extractors"
	"github.com/gofiber/fiber/v3/middleware/keyauth"
	gojwt "github.com/golang-jwt/jwt/v4"
	jwx "github.com/lestrrat-go/jwx/v2/jwt"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/apikey"
	"github.com/seed-6f34412b/passport/strategy/jwt"
)

// Every stack of this file accepts a token signed with secret, with this issuer and audience, or this key,
// which is made up.
const (
	tokenIssuer   = "https://id.example"
	tokenAudience = "https://api.example"
	keyText       = "bench_XpaQgOT3HA4B_xUCPBkBOt2R0lZij7GJ1XGYzl9Qowynt2iFUON"
)

func tokenKeys() *jwt.KeyList {
	return must(jwt.NewKeys(must(jwt.NewSecret("", jwt.HS256, []byte(secret)))))
}

// bearer returns the header line with a token that all of them accept.
func bearer() (string, error) {
	issuer, err := jwt.NewIssuer[jwt.AccessClaims](jwt.IssuerConfig{
		Keys: tokenKeys(), Issuer: tokenIssuer, Audience: []string{tokenAudience}, Lifetime: 24 * time.Hour,
	})
	if err != nil {
		return "", err
	}
	text, err := issuer.Issue(context.Background(), "1", jwt.AccessClaims{})
	return "Authorization: Bearer " + text + "\r\n", err
}

// bySubject finds the user by a token's subject.
func bySubject(subject string) *user {
	if subject == "1" {
		return joe
	}
	return nil
}

// keyHash is the hash of keyText that an application would store.
var keyHash = func() string {
	text, ok := apikey.Parse(keyText)
	if !ok {
		panic("benchmarks: internal error: the API key has another form")
	}
	return text.Hash
}()

// byKeyHash finds the user of an API key by the SHA-256 of its text, for peers that leave this to the
// application.
func byKeyHash(text string) *user {
	sum := sha256.Sum256([]byte(text))
	if hex.EncodeToString(sum[:]) == keyHash {
		return joe
	}
	return nil
}

// tokenApp is this library's guarded page with a strategy that needs no session.
func tokenApp(name string) http.Handler {
	var s strategy.Strategy[*user]
	if name == "passport-jwt" {
		s = must(jwt.New(jwt.Config{Keys: tokenKeys(), Issuer: tokenIssuer, Audience: []string{tokenAudience}},
			func(_ context.Context, claims jwt.AccessClaims) (*user, error) {
				if u := bySubject(claims.Subject); u != nil {
					return u, nil
				}
				return nil, strategy.ErrUnauthenticated
			}))
	} else {
		s = must(apikey.New(apikey.Config{Prefix: "bench"}, func(_ context.Context, id string) (apikey.Key, *user, error) {
			return apikey.Key{ID: id, Hash: keyHash, Owner: "1"}, joe, nil
		}))
	}
	var none serializer.Serializer[*user]
	auth := must(guard.New(guard.Config{Logger: slog.New(slog.DiscardHandler)}, none, s))
	mux := http.NewServeMux()
	mux.Handle("GET /protected", auth.Authenticate(s.Name())(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, ok := auth.User(r.Context()); !ok || u.ID != joe.ID {
			http.Error(w, "nobody", http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, protectedAnswer)
	})))
	return mux
}

// chiApp is go-chi/jwtauth with its Verifier and Authenticator.
func chiApp() http.Handler {
	auth := jwtauth.New("HS256", []byte(secret), nil, jwx.WithIssuer(tokenIssuer), jwx.WithAudience(tokenAudience))
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _, _ := jwtauth.FromContext(r.Context())
		id := 0
		if u := bySubject(token.Subject()); u != nil {
			id = u.ID
		}
		found(w, r, id)
	})
	mux := http.NewServeMux()
	mux.Handle("GET /protected", jwtauth.Verifier(auth)(jwtauth.Authenticator(auth)(page)))
	return mux
}

func ginTokenApp() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	m := must(ginjwt.New(&ginjwt.GinJWTMiddleware{
		Realm: "api", Key: []byte(secret), IdentityKey: "sub", SigningAlgorithm: "HS256",
		IdentityHandler: func(c *gin.Context) any {
			claims := ginjwt.ExtractClaims(c)
			subject, _ := claims["sub"].(string)
			return bySubject(subject)
		},
		Authorizator: func(data any, c *gin.Context) bool {
			u, ok := data.(*user)
			claims := gojwt.MapClaims(ginjwt.ExtractClaims(c))
			return ok && u != nil && claims.VerifyIssuer(tokenIssuer, true) && claims.VerifyAudience(tokenAudience, true)
		},
	}))
	e := gin.New()
	e.GET("/protected", m.MiddlewareFunc(), func(c *gin.Context) {
		u, _ := c.Get("sub")
		found(c.Writer, c.Request, u.(*user).ID)
	})
	return e
}

func fiberKeyApp() *fiber.App {
	app := fiber.New()
	app.Use(keyauth.New(keyauth.Config{
		Extractor: extractors.FromHeader("X-API-Key"),
		Validator: func(c fiber.Ctx, text string) (bool, error) {
			u := byKeyHash(text)
			if u == nil {
				return false, keyauth.ErrMissingOrMalformedAPIKey
			}
			c.Locals(userKey{}, u)
			return true, nil
		},
	}))
	app.Get("/protected", func(c fiber.Ctx) error {
		if u, ok := c.Locals(userKey{}).(*user); !ok || u.ID != joe.ID {
			return c.SendStatus(http.StatusInternalServerError)
		}
		c.Set("Cache-Control", "no-store")
		return c.SendString(protectedAnswer)
	})
	return app
}
