package oidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/bounded"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

// Config says how a strategy talks to its provider. [New] needs Issuer, ClientID,
// RedirectURL and CookieSecrets; [NewOAuth2] needs AuthURL and TokenURL too. Functions
// such as [Google] and [GitHub] return it filled in as far as it is public. It is
// copied and can be used again.
type Config struct {
	// Name is the strategy's name, of letters, digits, "-" and "_". Empty means "oidc"
	// or "oauth2". It is part of the cookie's name.
	Name string

	// Issuer is the provider's identifier, exactly as its tokens and its metadata spell
	// it. New finds everything else below it, at /.well-known/openid-configuration.
	// NewOAuth2 only puts it into Identity.Issuer. passport-openidconnect: issuer.
	Issuer string

	// DiscoveryURL is the address of the metadata where it is not below Issuer: a Keycloak
	// that has another name inside of a cluster, a policy of Azure AD B2C. What is there must
	// name Issuer all the same. Empty means Issuer with /.well-known/openid-configuration
	// after it. Only for New.
	DiscoveryURL string

	// ClientID is the id of this application at the provider.
	ClientID string

	// ClientSecret is this application's password at the provider. Empty makes a public
	// client, which has only PKCE.
	ClientSecret string

	// SecretFunc, if set, returns the client secret for one log-in, in place of
	// ClientSecret: for secrets that expire, such as [AppleSecret]. Its error is an
	// outage. It must be safe for concurrent use.
	SecretFunc func(context.Context) (string, error)

	// RedirectURL is this application's callback, exactly as it is registered with the
	// provider. passport-oauth2: callbackURL.
	RedirectURL string

	// RedirectURLs are the callbacks at further hosts of this application, each registered
	// with the provider. A log-in that starts at the host of one of them comes back to it,
	// and all others to RedirectURL. The host is that of the request, so a proxy must pass
	// it on; a host that is in none of them is never sent to the provider.
	RedirectURLs []string

	// CookieSecrets encrypt and sign the cookie of a log-in under way. The first is
	// used, all are accepted; each has at least 32 bytes. They may be those of the
	// session: the keys are derived for this purpose and provider. To replace one while
	// several processes run: {old, new} everywhere, then {new, old}, then {new}; or a log-in
	// that began at one of them may not end at another.
	CookieSecrets []string

	// Scopes is what to ask for. New always adds "openid". passport-oauth2: scope.
	Scopes []string

	// AuthParams are further parameters of the authorization request, such as
	// prompt=login, login_hint or access_type=offline. Those that this package sets
	// itself are refused.
	AuthParams map[string]string

	// FormPost has the provider send its answer by a form (response_mode=form_post),
	// which keeps the code out of its own redirect. The callback takes POST then, and
	// sends the browser on to itself by GET with the answer encrypted, since only then
	// do browsers send SameSite=Lax cookies. Apple requires it for names and addresses.
	FormPost bool

	// Bind, if set, returns what the log-in is bound to besides the browser, such as the
	// id of the logged-in user for whom an account is linked. Start and callback must
	// agree. Such a log-in starts by a POST, or by a GET of which the browser says that a
	// page of this application caused it. "" binds to nothing. The event of a bound one is
	// guard.EventAccountProved; guard.EventLogInSuccess is sent where guard.LogIn follows.
	Bind func(*http.Request) string

	// MaxAge makes the provider ask for credentials again if it last did so longer ago; the
	// ID token is checked for it. It has whole seconds. Zero asks for nothing, unless the
	// log-in starts with the parameter max_age, which guard.RequireFresh adds. Only for New.
	// OpenID Connect Core §3.1.2.1: max_age.
	MaxAge time.Duration

	// ACRValues are the authentication contexts to ask for, and one of them must be in
	// the ID token. Empty asks for none. Only for New. Core §3.1.2.1: acr_values.
	ACRValues []string

	// Algorithms are the signatures to accept on ID tokens, out of RS256, RS384, RS512,
	// PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA. Empty means those of them that the
	// provider announces, or RS256. HS256, whose key is the client secret, is accepted only
	// where it is listed here, whatever the provider announces: LINE signs with it. The
	// secret must have 32 bytes then, and be secret: who has it can log in as anyone. Only
	// for New.
	Algorithms []string

	// TrustedAudiences are other client ids that an ID token may name besides ClientID.
	// Only for New.
	TrustedAudiences []string

	// IssuerTemplate is for providers with a shared endpoint for many tenants: the
	// issuer with "{tenantid}" where each token has its tenant. See [Microsoft]. The
	// application decides which tenants may log in. Only for New.
	IssuerTemplate string

	// UserInfo asks the userinfo endpoint too, for claims that are not in the ID token. The
	// answer may be JSON or a signed token (Core §5.3.2). Only for New.
	UserInfo bool

	// AuthURL and TokenURL are the provider's endpoints. Only for NewOAuth2.
	AuthURL, TokenURL string

	// BasicAuth sends the client secret in a header, not in the form. New finds out by
	// itself. Only for NewOAuth2.
	BasicAuth bool

	// Profile says where the user's profile is, if NewOAuth2 gets no function for it.
	Profile Profile

	// HTTPClient talks to the provider: its Transport and Timeout are used. Redirects
	// are not followed, and answers over 1 MiB are refused. Nil means a client of its
	// own on http.DefaultTransport.
	HTTPClient *http.Client

	// Timeout bounds what one request waits for the provider in all. Zero means 5 s; at
	// most a minute.
	Timeout time.Duration

	// LogInTimeout is how long a user may take at the provider. Zero means 10 minutes.
	LogInTimeout time.Duration

	// Once remembers what must not be used twice: states, and the ids of log-out
	// tokens. Nil keeps them in this process; the processes of one program share one of
	// package store. Starting a log-in does not ask it.
	Once strategy.Counter

	// Logger gets a line for each back-channel log-out, and for what operators should repair.
	// Nil means slog.Default(). No token, code or secret is logged.
	Logger *slog.Logger

	// InsecureBackChannel allows http for what only this program asks for: the metadata, the
	// keys, the tokens and the profile. It is for a provider in the same cluster; whoever
	// can change what is sent between the two can log in as anyone.
	InsecureBackChannel bool

	// InsecureHTTP allows http URLs and a cookie without the Secure attribute. It is
	// for development on loopback.
	InsecureHTTP bool
}

const (
	defaultTimeout      = 5 * time.Second
	defaultLogInTimeout = 10 * time.Minute
	minSecret           = 32
	algHS256            = "HS256"
)

// algorithms are the signatures that are accepted unless Config.Algorithms lists others. None
// of them is symmetric, since a client secret is not a key of the provider's; "none" is not
// among them.
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// ownParams are the parameters of an authorization request that no application sets.
var ownParams = []string{
	"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce",
	"code_challenge", "code_challenge_method", "max_age", "acr_values", "request", "request_uri",
}

// mistakes collects what is wrong with a Config.
type mistakes []error

func (m *mistakes) add(format string, args ...any) {
	*m = append(*m, fmt.Errorf("oidc: Config."+format, args...))
}

// complete makes c a copy, fills in what is common to New and NewOAuth2, and adds the
// mistakes in it to bad.
func (c *Config) complete(bad *mistakes, name string) {
	if c.Name == "" {
		c.Name = name
	}
	if !validName(c.Name) || strategy.ReservedName(c.Name) {
		bad.add("Name %q: use 1 to 32 letters, digits, - and _, and none of the guard's own names", c.Name)
	}
	if c.ClientID == "" {
		bad.add("ClientID is empty: the provider gives one when the application is registered")
	}
	if c.SecretFunc != nil && c.ClientSecret != "" {
		bad.add("ClientSecret and SecretFunc exclude each other: set one of them")
	}
	c.checkRedirects(bad)
	if slices.Contains(c.Algorithms, algHS256) && len(c.ClientSecret) < minHS256 && c.SecretFunc == nil {
		bad.add("Algorithms: HS256 takes the client secret as its key, and ClientSecret has %d bytes: it needs %d (RFC 7518 §3.2)", len(c.ClientSecret), minHS256)
	}
	if len(c.CookieSecrets) == 0 {
		bad.add("CookieSecrets is empty: give at least one secret of 32 random bytes")
	}
	for i, s := range c.CookieSecrets {
		if len(s) < minSecret {
			bad.add("CookieSecrets[%d] has %d bytes: use at least %d random ones", i, len(s), minSecret)
		}
	}
	for _, s := range c.Scopes {
		if s == "" || strings.ContainsAny(s, " \t\r\n\"\\") {
			bad.add("Scopes: %q is no scope (RFC 6749 §3.3): write one a string", s)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(c.AuthParams)) {
		if slices.Contains(ownParams, p) {
			bad.add("AuthParams: %q is set by this package: use the field for it, if there is one", p)
		}
	}
	for _, d := range []struct {
		field string
		value *time.Duration
		zero  time.Duration
	}{{"Timeout", &c.Timeout, defaultTimeout}, {"LogInTimeout", &c.LogInTimeout, defaultLogInTimeout}} {
		if *d.value == 0 {
			*d.value = d.zero
		}
		if *d.value < time.Millisecond {
			bad.add("%s is %v: give a positive time, or 0 for %v", d.field, *d.value, d.zero)
		}
	}
	if c.Timeout > time.Minute {
		bad.add("Timeout is %v: in an outage every log-in would hang as long: give at most a minute, or 0 for %v", c.Timeout, defaultTimeout)
	}
	if c.LogInTimeout > time.Hour {
		bad.add("LogInTimeout is %v: an hour is the most for a log-in under way", c.LogInTimeout)
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Once == nil {
		c.Once = new(throttle.MemoryCounter)
	} else if strategy.IsNilUser(c.Once) {
		bad.add("Once is a nil pointer: give a Counter, or nil for a MemoryCounter")
	}
	c.Once = bounded.Counter(c.Once)
	c.Scopes, c.AuthParams = slices.Clone(c.Scopes), maps.Clone(c.AuthParams)
	c.ACRValues, c.Algorithms = slices.Clone(c.ACRValues), slices.Clone(c.Algorithms)
	c.TrustedAudiences, c.RedirectURLs = slices.Clone(c.TrustedAudiences), slices.Clone(c.RedirectURLs)
	if secret := c.ClientSecret; secret != "" && c.SecretFunc == nil {
		// A func prints as an address.
		c.SecretFunc = func(context.Context) (string, error) { return secret, nil }
	}
	c.ClientSecret = ""
	c.HTTPClient = boundedClient(c.HTTPClient, c.plainBackChannel())
}

// completeOpenID returns the mistakes that concern New alone.
func (c *Config) completeOpenID(bad *mistakes) {
	c.checkURL(bad, "Issuer", c.Issuer, c.plainBackChannel())
	if c.DiscoveryURL != "" {
		c.checkURL(bad, "DiscoveryURL", c.DiscoveryURL, c.plainBackChannel())
	}
	if strings.ContainsAny(c.Issuer, "?#") {
		bad.add("Issuer %q has a query or a fragment (OpenID Connect Discovery §3 forbids them)", c.Issuer)
	}
	if c.AuthURL != "" || c.TokenURL != "" || c.BasicAuth || c.Profile != (Profile{}) {
		bad.add("AuthURL, TokenURL, BasicAuth and Profile are for NewOAuth2: New finds them below Issuer")
	}
	if c.MaxAge < 0 || c.MaxAge%time.Second != 0 {
		bad.add("MaxAge is %v: give whole seconds, or 0 to ask for nothing", c.MaxAge)
	}
	for _, a := range c.Algorithms {
		if a != algHS256 && !slices.Contains(algorithms, a) {
			bad.add("Algorithms: %q is not accepted: choose from %s and HS256", a, strings.Join(algorithms, ", "))
		}
	}
	if c.IssuerTemplate != "" && strings.Count(c.IssuerTemplate, tenantMark) != 1 {
		bad.add("IssuerTemplate %q: write %s once, where the tenant stands", c.IssuerTemplate, tenantMark)
	}
	if !slices.Contains(c.Scopes, "openid") {
		c.Scopes = append([]string{"openid"}, c.Scopes...)
	}
}

// completeOAuth2 returns the mistakes that concern NewOAuth2 alone.
func (c *Config) completeOAuth2(bad *mistakes) {
	if c.Issuer == "" {
		bad.add("Issuer is empty: name the provider, like https://discord.com, so that its subjects are told from others'")
	}
	c.checkURL(bad, "AuthURL", c.AuthURL, c.InsecureHTTP)
	c.checkURL(bad, "TokenURL", c.TokenURL, c.plainBackChannel())
	if c.DiscoveryURL != "" {
		bad.add("DiscoveryURL is for New: plain OAuth 2.0 has no discovery that this package uses")
	}
	if c.MaxAge != 0 || len(c.ACRValues)+len(c.Algorithms)+len(c.TrustedAudiences) > 0 || c.IssuerTemplate != "" || c.UserInfo {
		bad.add("MaxAge, ACRValues, Algorithms, TrustedAudiences, IssuerTemplate and UserInfo are for New: plain OAuth 2.0 has no ID token")
	}
	if slices.Contains(c.Scopes, "openid") {
		bad.add("Scopes has \"openid\": use New for an OpenID provider, or leave it out")
	}
}

// plainBackChannel reports whether this program may talk to the provider without TLS.
func (c *Config) plainBackChannel() bool { return c.InsecureHTTP || c.InsecureBackChannel }

// checkRedirects wants https callbacks, each at a host of its own.
func (c *Config) checkRedirects(bad *mistakes) {
	c.checkURL(bad, "RedirectURL", c.RedirectURL, c.InsecureHTTP)
	hosts := []string{hostOf(c.RedirectURL)}
	for i, u := range c.RedirectURLs {
		c.checkURL(bad, fmt.Sprintf("RedirectURLs[%d]", i), u, c.InsecureHTTP)
		if host := hostOf(u); slices.Contains(hosts, host) {
			bad.add("RedirectURLs[%d] %q: another callback has this host: give one for each", i, u)
		} else {
			hosts = append(hosts, host)
		}
	}
}

// checkURL wants an absolute https URL without a fragment, RFC 9700 §2.6; plain allows http.
func (*Config) checkURL(bad *mistakes, field, value string, plain bool) {
	u, err := url.Parse(value)
	switch {
	case value == "":
		bad.add("%s is empty: give an https URL", field)
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		bad.add("%s %q: want an absolute https URL without a fragment", field, value)
	case u.Scheme == "http" && !plain:
		bad.add("%s %q is not https: use https, or InsecureHTTP for development on loopback", field, value)
	}
}

func validName(name string) bool {
	return len(name) > 0 && len(name) <= 32 && !strings.ContainsFunc(name, func(c rune) bool {
		return c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
}

// err returns all mistakes as one error, or nil.
func (m *mistakes) err() error { return errors.Join(*m...) }
