// Package oidc answers: who does another site say sent this request?
//
// It logs users in with an OpenID provider (Google, Microsoft, Keycloak, …) or, where
// a provider has no OpenID Connect, with plain OAuth 2.0 (GitHub). [New] and
// [NewOAuth2] make strategies for a guard:
//
//	cfg := oidc.Google()
//	cfg.ClientID, cfg.ClientSecret = id, secret
//	cfg.RedirectURL = "https://shop.example/login/google/callback"
//	cfg.CookieSecrets = []string{cookieSecret}
//	google, err := oidc.New(cfg, func(ctx context.Context, id oidc.Identity) (*User, error) {
//		return users.FindOrCreate(ctx, id.Issuer, id.Subject)
//	})
//	auth, err := guard.New(guard.Config{Sessions: sessions}, serializer, google)
//
//	login := auth.Authenticate("google")(auth.LogInWith(guard.LogInOptions{ReturnTo: true, SuccessRedirect: "/"})(nil))
//	mux.Handle("GET /login/google", login)
//	mux.Handle("GET /login/google/callback", login)
//
// One strategy serves both routes. A request without an answer of the provider is
// sent there (a [strategy.Redirect]); one that carries an answer is the callback.
//
// # What is checked
//
// There is one flow, the authorization code with PKCE (S256), and no switch to leave
// a check out. State, nonce and code verifier are random, made for one log-in, and
// lie in an encrypted cookie of their own, so that starting a log-in writes nothing to
// a store, and a log-in can end only in the browser that began it. The cookie is
// bound to the provider and is used up by the first answer. The answer's issuer is
// checked (RFC 9207); the redirect URI is one fixed string; the ID token is verified
// in full (OpenID Connect Core §3.1.3.7). See the tests, which are named after the
// sections of RFC 9700 and the other standards.
//
// A user is (issuer, subject), never an e-mail address: providers let addresses
// change hands, and not all verify them.
//
// # What is answered
//
// An answer that is forged, replayed, expired or refused is a refusal, and the reason
// goes to the operator's log. A provider that cannot be reached, is slow, or answers
// nonsense is an outage: guards answer 503, and nobody is logged in or out. All of the
// provider's work for one request is bounded by Config.Timeout.
//
// Metadata and keys are fetched again after ten minutes; the old ones serve meanwhile. While they cannot be
// fetched, they serve for six hours more; after that a log-in is a 503.
//
// # Tokens
//
// The tokens go to the application's validate function and nowhere else: the session
// keeps none.
//
// # Linking
//
// To connect a further provider to a user who is logged in, which is Passport's
// authorize, use a second guard without LogIn, whose user is the account:
//
//	link, err := guard.New(guard.Config{}, nil, githubAccount) // a *oidc.OAuth2Strategy[Account]
//	mux.Handle("/link/github", auth.RequireAuth(link.Authenticate("github")(save)))
//
// with Config.Bind returning the logged-in user's id, so that the account lands with
// the user who asked for it.
package oidc
