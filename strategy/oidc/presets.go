package oidc

// The functions below are what is public about providers, as of 2026: fill in
// ClientID, ClientSecret, RedirectURL and CookieSecrets, and pass Google, Microsoft,
// Apple, GitLab, Slack and Twitch to [New], and GitHub, Facebook, X, Discord and
// Spotify to [NewOAuth2] without a function. Any other OpenID provider (Keycloak,
// Auth0, Okta, …) needs only its Issuer.
//
// LinkedIn is missing: its web flow takes no PKCE and returns no nonce, so that
// nothing would tie a code to the log-in for which it was made.

// Google returns the Config for Google, with the user's name and address. Its ID tokens may have the
// issuer without https://; Identity.Issuer always has it. For a refresh token set
// AuthParams access_type=offline and prompt=consent. It has no end_session_endpoint.
//
// https://developers.google.com/identity/openid-connect/openid-connect
func Google() Config {
	return Config{Name: "google", Issuer: "https://accounts.google.com", Scopes: []string{"openid", "email", "profile"}}
}

// Microsoft returns the Config for Entra ID. tenant is the id of one tenant, whose
// Identity.Issuer is fixed; or "organizations", "consumers" or "common", where every tenant
// has an issuer of its own, and validate must decide which may log in. E-mail addresses are
// not verified: whoever runs a tenant writes what they like into them.
//
// https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
func Microsoft(tenant string) Config {
	c := Config{Name: "microsoft", Issuer: "https://login.microsoftonline.com/" + tenant + "/v2.0", Scopes: []string{"openid", "email", "profile"}}
	switch tenant {
	case "common", "organizations":
		c.IssuerTemplate = "https://login.microsoftonline.com/" + tenantMark + "/v2.0"
	case "consumers": // one tenant, whose metadata and tokens have its id
		c.Issuer = "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"
	}
	return c
}

// Apple returns the Config for Sign in with Apple. The client secret is a token that the application
// makes: set SecretFunc to [AppleSecret]. With these scopes it answers by a form only
// (FormPost), and sends the name once, on the very first log-in, in Identity.Posted.
//
// https://developer.apple.com/documentation/signinwithapplerestapi
func Apple() Config {
	return Config{Name: "apple", Issuer: "https://appleid.apple.com", Scopes: []string{"openid", "name", "email"}, FormPost: true}
}

// GitLab returns the Config for gitlab.com; set Issuer for an instance of your own.
//
// https://docs.gitlab.com/integration/openid_connect_provider/
func GitLab() Config {
	return Config{Name: "gitlab", Issuer: "https://gitlab.com", Scopes: []string{"openid", "email", "profile"}}
}

// Slack returns the Config for Sign in with Slack, which takes only https redirect URIs, in development too.
//
// https://docs.slack.dev/authentication/sign-in-with-slack/
func Slack() Config {
	return Config{Name: "slack", Issuer: "https://slack.com", Scopes: []string{"openid", "email", "profile"}}
}

// Twitch returns the Config for Twitch, which puts an address into the ID token only if AuthParams has the
// parameter claims asking for it.
//
// https://dev.twitch.tv/docs/authentication/getting-tokens-oidc/
func Twitch() Config {
	return Config{Name: "twitch", Issuer: "https://id.twitch.tv/oauth2", Scopes: []string{"openid"}}
}

// GitHub returns the Config for GitHub. The subject is the number of the account; the login
// name can be given up and taken by somebody else. The address is the public one, and may
// be missing: ask https://api.github.com/user/emails with scope user:email for others.
// GitHub answers codes that it refuses with status 200, and its answers carry the issuer
// (RFC 9207).
//
// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
func GitHub() Config {
	return Config{ //nolint:gosec // addresses, no secret
		Name: "github", Issuer: "https://github.com/login/oauth",
		AuthURL: "https://github.com/login/oauth/authorize", TokenURL: "https://github.com/login/oauth/access_token",
		Profile: Profile{URL: "https://api.github.com/user", Subject: "id", Email: "email", Name: "name", Username: "login", Picture: "avatar_url"},
	}
}

// Facebook returns the Config for Facebook. The subject is unique to this application. The user can
// withhold the address.
//
// https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow
func Facebook() Config {
	return Config{ //nolint:gosec // addresses, no secret
		Name: "facebook", Issuer: "https://www.facebook.com", Scopes: []string{"public_profile", "email"},
		AuthURL: "https://www.facebook.com/v22.0/dialog/oauth", TokenURL: "https://graph.facebook.com/v22.0/oauth/access_token",
		Profile: Profile{URL: "https://graph.facebook.com/v22.0/me?fields=id,name,email,picture", Subject: "id", Email: "email", Name: "name", Picture: "picture.data.url"},
	}
}

// X returns the Config for X, formerly Twitter. It gives no address. Confidential clients send their
// secret in a header.
//
// https://docs.x.com/resources/fundamentals/authentication/oauth-2-0/authorization-code
func X() Config {
	return Config{ //nolint:gosec // addresses, no secret
		Name: "x", Issuer: "https://x.com", Scopes: []string{"users.read", "tweet.read"}, BasicAuth: true,
		AuthURL: "https://x.com/i/oauth2/authorize", TokenURL: "https://api.x.com/2/oauth2/token",
		Profile: Profile{URL: "https://api.x.com/2/users/me?user.fields=profile_image_url", Subject: "data.id", Name: "data.name", Username: "data.username", Picture: "data.profile_image_url"},
	}
}

// Discord returns the Config for Discord. Ids are strings of numbers over 2^53.
//
// https://discord.com/developers/docs/topics/oauth2
func Discord() Config {
	return Config{ //nolint:gosec // addresses, no secret
		Name: "discord", Issuer: "https://discord.com", Scopes: []string{"identify", "email"},
		AuthURL: "https://discord.com/oauth2/authorize", TokenURL: "https://discord.com/api/oauth2/token",
		Profile: Profile{URL: "https://discord.com/api/users/@me", Subject: "id", Email: "email", EmailVerified: "verified", Name: "global_name", Username: "username"},
	}
}

// Spotify returns the Config for Spotify. E-mail addresses are not verified, as its manual
// says.
//
// https://developer.spotify.com/documentation/web-api/tutorials/code-pkce-flow
func Spotify() Config {
	return Config{ //nolint:gosec // addresses, no secret
		Name: "spotify", Issuer: "https://accounts.spotify.com", Scopes: []string{"user-read-email"}, BasicAuth: true,
		AuthURL: "https://accounts.spotify.com/authorize", TokenURL: "https://accounts.spotify.com/api/token",
		Profile: Profile{URL: "https://api.spotify.com/v1/me", Subject: "id", Email: "email", Name: "display_name"},
	}
}
