// Package oidc answers: who is this user, according to another site?
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
//	home := guard.LogInOptions{ReturnTo: true, SuccessRedirect: "/"}
//	login := auth.Authenticate("google")(auth.LogInWith(home)(nil))
//	mux.Handle("GET /login/google", login)
//	mux.Handle("GET /login/google/callback", login)
//
// One strategy serves both routes. A request without an answer of the provider is
// sent there (a [strategy.Redirect]); one that carries an answer is the callback.
//
// # What is checked
//
// There is one flow, the authorization code with PKCE (S256), and no check can be turned
// off. State, nonce and code verifier are random and made for one log-in. They are in an
// encrypted cookie of their own: starting a log-in writes nothing to a store, and a log-in
// can end only in the browser that began it. The cookie is bound to the provider, and the
// first answer uses it up. The answer's issuer is checked (RFC 9207), the redirect URI is
// one fixed string, and the ID token is verified in full (OpenID Connect Core §3.1.3.7).
// The tests are named after the sections of RFC 9700 and the other standards.
//
// A user is (issuer, subject), never an e-mail address: providers let addresses
// change hands, and not all verify them. [SQLTable] keeps which of them is which user
// of the application.
//
// # What is answered
//
// An answer that is forged, replayed, expired or refused is a refusal, and the reason
// goes to the operator's log. A provider that cannot be reached, is slow, or sends
// invalid answers is an outage: guards answer 503, and nobody is logged in or out.
// Config.Timeout limits all requests to the provider for one request of a browser.
//
// Metadata and keys are fetched again after ten minutes, and the old ones are used meanwhile.
// If they cannot be fetched, the old ones are used for six more hours; after that a log-in is
// answered 503.
//
// # Tokens
//
// The tokens are passed to the application's validate function only; the session stores
// none.
//
// # Where a log-in may start
//
// On a page of the application, by a link or a form, or in the address bar. A link or a
// redirect on another site, which could choose the return_to, starts none: it is refused
// with guard.ErrCrossSite, and the browser shows a page that asks whether to continue.
// Browsers say which it is in Sec-Fetch-Site; a request without that header and without
// Referer is allowed. That page also comes if LoginURL is the start of a log-in and a
// visitor follows another site's link to a guarded page.
//
// # Fresh log-ins
//
// guard.RequireFresh sends browsers to LoginURL with the parameter max_age. If that is
// the start of a log-in, the provider is asked for credentials that fresh, and its answer
// is checked. A log-in page of yours passes the parameter on, as it does return_to.
//
// # Linking
//
// A [Linker] links a further account to a user who is logged in: Passport's authorize. Its users
// confirm whose account it is, on a page of the application. It is a second guard without
// LogIn, whose user is the account, and Config.Bind, so that the account is linked to the user
// who asked for it. A log-in with Bind starts by a POST, or by a GET that a page of the
// application caused, as the browser says. examples/account and examples/social have all of it.
package oidc
