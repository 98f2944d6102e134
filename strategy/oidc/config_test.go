package oidc_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-6f34412b/passport/strategy/oidc"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

func TestEveryMistakeIsNamedAtOnce(t *testing.T) {
	_, err := oidc.New[*User](oidc.Config{
		Name: "a.b", Issuer: "http://op.example?x", ClientSecret: "x", SecretFunc: func(context.Context) (string, error) { return "", nil },
		RedirectURL: "/callback", CookieSecrets: []string{"short"}, Scopes: []string{"a b"}, AuthParams: map[string]string{"state": "x"},
		MaxAge: time.Millisecond, Algorithms: []string{"HS512"}, IssuerTemplate: "x", BasicAuth: true, Timeout: -1, LogInTimeout: 2 * time.Hour,
		Once: (*throttle.MemoryCounter)(nil),
	}, nil)
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		`Name "a.b"`, `Issuer "http://op.example?x" is not https`, "has a query", "ClientID is empty", "exclude each other", `RedirectURL "/callback"`,
		"CookieSecrets[0] has 5 bytes", `Scopes: "a b"`, `AuthParams: "state"`, "MaxAge is 1ms", `Algorithms: "HS512"`, `IssuerTemplate "x"`,
		"are for NewOAuth2", "Timeout is -1ns", "LogInTimeout is 2h", "validate is nil", "Once is a nil pointer",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if !strings.HasPrefix(line, "oidc: ") {
			t.Errorf("got the line %q, want it to begin with oidc:", line)
		}
	}
}

func TestMistakesOneByOne(t *testing.T) {
	for _, row := range []struct {
		name string
		edit func(*oidc.Config)
		want string
	}{
		{"a name of the guard's own", func(c *oidc.Config) { c.Name = "session" }, "Name"},
		{"a long name", func(c *oidc.Config) { c.Name = strings.Repeat("x", 33) }, "Name"},
		{"no issuer", func(c *oidc.Config) { c.Issuer = "" }, "Issuer is empty"},
		{"an issuer with a password", func(c *oidc.Config) { c.Issuer = "https://a:b@op.example" }, "Issuer"},
		{"an issuer without a host", func(c *oidc.Config) { c.Issuer = "https:///x" }, "Issuer"},
		{"a redirect with a fragment", func(c *oidc.Config) { c.RedirectURL += "#x" }, "RedirectURL"},
		{"a redirect to an app", func(c *oidc.Config) { c.RedirectURL = "shop:/callback" }, "RedirectURL"},
		{"a redirect over http", func(c *oidc.Config) { c.RedirectURL = "http://app.example/" }, "InsecureHTTP"},
		{"an outage that hangs for an hour", func(c *oidc.Config) { c.Timeout = time.Hour }, "Timeout is 1h0m0s"},
		{"the name of remembered log-ins", func(c *oidc.Config) { c.Name = "remember" }, `Name "remember"`},
		{"a short cookie secret", func(c *oidc.Config) { c.CookieSecrets = []string{"short"} }, "CookieSecrets[0] has 5 bytes"},
		{"an hour and more at the provider", func(c *oidc.Config) { c.LogInTimeout = 2 * time.Hour }, "LogInTimeout is 2h0m0s"},
		{"a parameter of this package's", func(c *oidc.Config) { c.AuthParams = map[string]string{"redirect_uri": "https://evil.example"} }, "AuthParams"},
		{"a password in the redirect", func(c *oidc.Config) { c.RedirectURL = "https://joe:x@app.example/" }, "RedirectURL"},
		{"a symmetric signature", func(c *oidc.Config) { c.Algorithms = []string{"HS384"} }, "Algorithms"},
		{"a client secret that is too short to be a key", func(c *oidc.Config) { c.Algorithms = []string{"HS256"} }, "ClientSecret has 23 bytes: it needs 32"},
		{"no client secret to be a key", func(c *oidc.Config) { c.Algorithms, c.ClientSecret = []string{"HS256"}, "" }, "ClientSecret has 0 bytes"},
		{"metadata over http", func(c *oidc.Config) { c.DiscoveryURL = "http://op.internal/metadata" }, "DiscoveryURL"},
		{"metadata at a path", func(c *oidc.Config) { c.DiscoveryURL = "/metadata" }, "DiscoveryURL"},
		{"a second callback over http", func(c *oidc.Config) { c.RedirectURLs = []string{"http://shop.example/callback"} }, "RedirectURLs[0]"},
		{"a second callback over http, with a back channel over http", func(c *oidc.Config) {
			c.RedirectURLs, c.InsecureBackChannel = []string{"http://shop.example/callback"}, true
		}, "RedirectURLs[0]"},
		{"two callbacks at one host", func(c *oidc.Config) { c.RedirectURLs = []string{"https://APP.example:443/callback"} }, "another callback has this host"},
		{"no cookie secret", func(c *oidc.Config) { c.CookieSecrets = nil }, "CookieSecrets is empty"},
		{"an empty scope", func(c *oidc.Config) { c.Scopes = []string{""} }, "Scopes"},
		{"no signature at all", func(c *oidc.Config) { c.Algorithms = []string{"none"} }, "Algorithms"},
		{"a negative age", func(c *oidc.Config) { c.MaxAge = -time.Second }, "MaxAge"},
		{"a token endpoint", func(c *oidc.Config) { c.TokenURL = "https://op.example/token" }, "NewOAuth2"},
		{"a profile", func(c *oidc.Config) { c.Profile.URL = "https://op.example/me" }, "NewOAuth2"},
	} {
		t.Run(row.name, func(t *testing.T) {
			cfg := config(newProvider(t, issuer))
			row.edit(&cfg)
			_, err := oidc.New(cfg, newWorld(t).validate)
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one mistake with %q in it", err, row.want)
			}
		})
	}
	for _, row := range []struct {
		name string
		edit func(*oidc.Config)
		want string
	}{
		{"no issuer", func(c *oidc.Config) { c.Issuer = "" }, "Issuer is empty"},
		{"no endpoints", func(c *oidc.Config) { c.AuthURL = "" }, "AuthURL is empty"},
		{"a token endpoint over http", func(c *oidc.Config) { c.TokenURL = "http://op.example/token" }, "TokenURL"},
		{"openid", func(c *oidc.Config) { c.Scopes = []string{"openid"} }, "use New"},
		{"max age", func(c *oidc.Config) { c.MaxAge = time.Hour }, "for New"},
		{"metadata", func(c *oidc.Config) { c.DiscoveryURL = "https://op.example/metadata" }, "for New"},
		{"userinfo", func(c *oidc.Config) { c.UserInfo = true }, "for New"},
		{"no subject", func(c *oidc.Config) { c.Profile.Subject = "" }, "Profile has no Subject"},
		{"no profile URL", func(c *oidc.Config) { c.Profile.URL = "" }, "Profile.URL is empty"},
	} {
		t.Run("OAuth2: "+row.name, func(t *testing.T) {
			cfg := plainConfig(newProvider(t, issuer))
			row.edit(&cfg)
			_, err := oidc.NewOAuth2(cfg, nil, same)
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one mistake with %q in it", err, row.want)
			}
		})
	}
	if _, err := oidc.NewOAuth2[*User](plainConfig(newProvider(t, issuer)), nil, nil); err == nil || !strings.Contains(err.Error(), "validate is nil") {
		t.Errorf("got %v, want validate named", err)
	}
}

func TestTheConfigIsCopied(t *testing.T) {
	op := newProvider(t, issuer)
	cfg := config(op)
	cfg.Scopes, cfg.AuthParams = []string{"openid", "email"}, map[string]string{"prompt": "login"}
	s, err := oidc.New(cfg, newWorld(t).validate)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Scopes[1], cfg.AuthParams["prompt"], cfg.CookieSecrets[0] = "changed", "changed", "changed"
	if to := redirectOf(t, s, newWorld(t).open(), "/"); strings.Contains(to, "changed") {
		t.Errorf("got %q, want nothing that was changed after New", to)
	}
}

func TestNothingSecretIsPrinted(t *testing.T) {
	w := newWorld(t)
	w.loggedIn()
	id := w.identity()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("id", "id", id, "tokens", id.Tokens, "strategy", w.strategy)
	kept, err := json.Marshal(id)
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("%v %+v %#v %s %v %+v %#v", id, id, id, id.Tokens, w.strategy, w.strategy, w.strategy) + log.String() + string(kept) + w.logged()
	for _, secret := range []string{id.Tokens.Access, id.Tokens.Refresh, id.Tokens.ID, clientSecret, cookieSecret} {
		if strings.Contains(printed, secret) {
			t.Errorf("%q is printed", secret)
		}
	}
	if !strings.Contains(printed, subject) {
		t.Error("the identity does not print at all")
	}
	if got := id.Tokens.OAuth2(); got.AccessToken != "access-1" || got.RefreshToken != "refresh-1" || !got.Valid() {
		t.Errorf("got %v, want the tokens for golang.org/x/oauth2", got)
	}
}

func TestPresetsNeedOnlyWhatIsPrivate(t *testing.T) {
	fill := func(c oidc.Config) oidc.Config {
		c.ClientID, c.ClientSecret, c.RedirectURL, c.CookieSecrets = "id", "secret", callback, []string{cookieSecret}
		return c
	}
	names := map[string]bool{}
	for _, c := range []oidc.Config{
		oidc.Google(), oidc.Microsoft("common"), oidc.Apple(), oidc.GitLab(), oidc.Slack(), oidc.Twitch(),
	} {
		if _, err := oidc.New(fill(c), newWorld(t).validate); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		names[c.Name] = true
	}
	for _, c := range []oidc.Config{oidc.GitHub(), oidc.Facebook(), oidc.X(), oidc.Discord(), oidc.Spotify()} {
		if _, err := oidc.NewOAuth2(fill(c), nil, same); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		names[c.Name] = true
	}
	if len(names) != 11 {
		t.Errorf("got %d names, want 11 different ones", len(names))
	}
}

func TestMicrosoftTenants(t *testing.T) {
	for tenant, want := range map[string][2]string{
		"common":        {"https://login.microsoftonline.com/common/v2.0", "https://login.microsoftonline.com/{tenantid}/v2.0"},
		"organizations": {"https://login.microsoftonline.com/organizations/v2.0", "https://login.microsoftonline.com/{tenantid}/v2.0"},
		"consumers":     {"https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", ""},
		"72f988bf":      {"https://login.microsoftonline.com/72f988bf/v2.0", ""},
	} {
		if c := oidc.Microsoft(tenant); c.Issuer != want[0] || c.IssuerTemplate != want[1] {
			t.Errorf("%s: got %q and %q, want %q", tenant, c.Issuer, c.IssuerTemplate, want)
		}
	}
}

func TestAppleSecretIsASignedToken(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if _, err := oidc.AppleSecret("TEAM", "KEY", "com.example.shop", bytes.ReplaceAll(file, []byte("\n"), []byte(`\n`))); err != nil {
		t.Errorf("a file with its line breaks spelled: %v", err)
	}
	secretFunc, err := oidc.AppleSecret("TEAM", "KEY", "com.example.shop", file)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := secretFunc(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(secret, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := jws.Verify(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Iss, Sub, Aud string
		Iat, Exp      int64
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		t.Fatal(err)
	}
	if c.Iss != "TEAM" || c.Sub != "com.example.shop" || c.Aud != "https://appleid.apple.com" || c.Exp-c.Iat != 300 || jws.Signatures[0].Header.KeyID != "KEY" {
		t.Errorf("got %+v under key %q, want what Apple asks for", c, jws.Signatures[0].Header.KeyID)
	}
}

func TestAppleSecretRefusesOtherKeys(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ed)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, team string
		key        []byte
		want       string
	}{
		{"no team", "", nil, "team id"},
		{"no PEM", "TEAM", []byte("x"), "not PEM"},
		{"no key in it", "TEAM", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), "P-256"},
		{"another kind of key", "TEAM", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), "P-256"},
	} {
		if _, err := oidc.AppleSecret(row.team, "KEY", "id", row.key); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q in it", row.name, err, row.want)
		}
	}
}
