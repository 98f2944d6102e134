package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"github.com/seed-6f34412b/passport/strategy/internal/cached"
)

// tenantMark stands for the tenant in Config.IssuerTemplate, as in Microsoft's metadata.
const tenantMark = "{tenantid}"

// metadata is what a provider says of itself (OpenID Connect Discovery §3, RFC 8414 §2).
type metadata struct {
	Issuer        string   `json:"issuer"`
	AuthURL       string   `json:"authorization_endpoint"`
	TokenURL      string   `json:"token_endpoint"`
	KeysURL       string   `json:"jwks_uri"`
	UserInfoURL   string   `json:"userinfo_endpoint"`
	EndSessionURL string   `json:"end_session_endpoint"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	SendsIssuer   bool     `json:"authorization_response_iss_parameter_supported"`
	LogsOut       bool     `json:"backchannel_logout_supported"`
}

// provider is the OpenID provider of one strategy.
type provider struct {
	cfg  *Config
	meta *cached.Value[*metadata]
	keys *cached.Value[[]jose.JSONWebKey]
}

func newProvider(cfg *Config) *provider {
	p := &provider{cfg: cfg}
	rules := cached.Rules{FreshFor: cached.FreshFor, StaleFor: cached.StaleFor, MinInterval: cached.MinInterval, Timeout: cfg.Timeout}
	p.meta, p.keys = cached.New(rules, p.discover), cached.New(rules, p.fetchKeys)
	return p
}

// discover fetches the metadata. OpenID Connect Discovery §4.3: the issuer in it "MUST
// be identical to the Issuer URL that was used as the prefix". With a DiscoveryURL
// the application says itself that what is there may speak for the issuer.
func (p *provider) discover(ctx context.Context) (*metadata, error) {
	at := p.cfg.DiscoveryURL
	if at == "" {
		at = strings.TrimSuffix(p.cfg.Issuer, "/") + "/.well-known/openid-configuration"
	}
	m := new(metadata)
	if err := getJSON(ctx, p.cfg.HTTPClient, at, m); err != nil {
		return nil, fmt.Errorf("discover the provider: %w", err)
	}
	want := p.cfg.Issuer
	if p.cfg.IssuerTemplate != "" {
		want = p.cfg.IssuerTemplate
	}
	if m.Issuer != want {
		return nil, fmt.Errorf("discover the provider: it calls itself %q, not %q: spell Config.Issuer as it does", m.Issuer, want)
	}
	for u, plain := range map[string]bool{m.AuthURL: p.cfg.InsecureHTTP, m.TokenURL: p.cfg.plainBackChannel(), m.KeysURL: p.cfg.plainBackChannel()} {
		if parsed, err := url.Parse(u); err != nil || parsed.Host == "" || parsed.Scheme != "https" && !plain {
			return nil, errors.New("discover the provider: its metadata lacks an endpoint, or has one that is not https")
		}
	}
	return m, nil
}

// client implements backend.
func (p *provider) client(ctx context.Context) (*oauth2.Config, error) {
	m, err := p.meta.Get(ctx)
	if err != nil {
		return nil, err
	}
	// RFC 8414 §2: without the list, the default is client_secret_basic.
	style := oauth2.AuthStyleInParams
	if p.cfg.SecretFunc != nil && (len(m.AuthMethods) == 0 || slices.Contains(m.AuthMethods, "client_secret_basic")) {
		style = oauth2.AuthStyleInHeader
	}
	return p.cfg.oauth2(oauth2.Endpoint{AuthURL: m.AuthURL, TokenURL: m.TokenURL, AuthStyle: style}), nil
}

func (c *Config) oauth2(e oauth2.Endpoint) *oauth2.Config {
	return &oauth2.Config{ClientID: c.ClientID, RedirectURL: c.RedirectURL, Scopes: c.Scopes, Endpoint: e}
}

// params implements backend.
func (p *provider) params(f *flow) []oauth2.AuthCodeOption {
	list := []oauth2.AuthCodeOption{gooidc.Nonce(f.Nonce)}
	if f.MaxAge > 0 {
		list = append(list, oauth2.SetAuthURLParam("max_age", strconv.FormatInt(int64(f.MaxAge/time.Second), 10)))
	}
	if len(p.cfg.ACRValues) > 0 {
		list = append(list, oauth2.SetAuthURLParam("acr_values", strings.Join(p.cfg.ACRValues, " ")))
	}
	return list
}

// checkIssuer implements backend: RFC 9207 §2.4. "If the value does not match the
// expected issuer identifier, clients MUST reject the authorization response"; a
// provider that says that it sends one must have sent it.
func (p *provider) checkIssuer(ctx context.Context, iss string) error {
	m, err := p.meta.Get(ctx)
	switch {
	case err != nil:
		return err
	case iss == "" && m.SendsIssuer:
		return refuse("the answer does not say which provider made it, and this one always does")
	case iss != "" && !p.isIssuer(iss):
		return refuse("the answer was made by another provider")
	}
	return nil
}

// isIssuer reports whether iss is this provider, or a tenant of it.
func (p *provider) isIssuer(iss string) bool {
	if p.cfg.IssuerTemplate == "" {
		return iss == p.cfg.Issuer
	}
	_, ok := p.tenant(iss)
	return ok
}

// tenant returns the tenant in iss, as Config.IssuerTemplate has it.
func (p *provider) tenant(iss string) (string, bool) {
	before, after, _ := strings.Cut(p.cfg.IssuerTemplate, tenantMark)
	t, ok1 := strings.CutPrefix(iss, before)
	t, ok2 := strings.CutSuffix(t, after)
	foreign := strings.ContainsFunc(t, func(c rune) bool {
		return c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
	return t, ok1 && ok2 && t != "" && !foreign
}
