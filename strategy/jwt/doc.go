// Package jwt answers: whose token is this?
//
// A [Strategy] authenticates requests by a signed JSON Web Token in the
// Authorization header or in a named cookie: passport-jwt, and the AuthGuard('jwt') of
// Nest's guide. An [Issuer] makes such tokens, and package refresh renews them.
//
//	keys, err := jwt.NewRemoteKeys(jwt.RemoteConfig{
//		URL: "https://id.example/jwks.json", Algorithms: []jwt.Algorithm{jwt.ES256},
//	})
//	tokens, err := jwt.New(jwt.Config{
//		Keys: keys, Issuer: "https://id.example", Audience: []string{"https://api.example"},
//	}, func(ctx context.Context, claims jwt.AccessClaims) (*User, error) {
//		return table.ByID(ctx, claims.Subject)
//	})
//	auth, err := guard.New[*User](guard.Config{}, nil, tokens)
//
// # What is checked
//
// A token passes when all of this holds; there is no switch for the first two.
//
//	form       three parts of strict base64url, at most Config.MaxBytes; no name twice in any
//	           object of header or claims, none that fills a field of another case; no crit, no
//	           b64, not nested, not encrypted
//	signature  by one of Config.Keys. A [Key] is bound to one [Algorithm] when it is
//	           made; the header's alg and kid choose among keys and do nothing else, and
//	           keys inside the header (jwk, jku, x5c, x5u) are not looked at
//	typ        one of Config.Types; at+jwt if there are none (RFC 9068)
//	iss, aud   Config.Issuer, and one of Config.Audience
//	exp        there, and not past; nbf and iat not in the future; all with Config.Leeway
//
// A token of the type at+jwt has every claim that RFC 9068 requires.
//
// # Outages
//
// A token that is refused is 401. If the keys cannot be fetched, the token cannot be checked:
// the error is an outage, and the guard answers 503.
package jwt
