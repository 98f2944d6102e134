package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/oauth2"

	"github.com/seed-6f34412b/passport/strategy"
)

// OAuth2Strategy logs users in with a provider that has OAuth 2.0 without OpenID
// Connect: passport-oauth2's Strategy. It is made by [NewOAuth2] and safe for
// concurrent use.
//
// OAuth 2.0 says what an application may do, and not who the user is. That is in a profile,
// which the application reads with the access token. If a provider has OpenID Connect, use
// [New]: an ID token is made for this application and this log-in.
type OAuth2Strategy[U any] struct {
	*core
	validate func(context.Context, Identity) (U, error)
}

var _ strategy.Strategy[any] = (*OAuth2Strategy[any])(nil)
var _ strategy.CrossSite = (*OAuth2Strategy[any])(nil)

// NewOAuth2 returns a strategy for a provider without OpenID Connect.
//
// fetch asks the provider who the user is. Its client adds the access token, and limits time
// and size. fetch must set Identity.Subject to what the provider never gives to anyone else:
// a number, not a user name or an address. An
// error is an outage unless it wraps [strategy.ErrUnauthenticated]. Nil reads
// cfg.Profile. validate is as for [New]. Both must be safe for concurrent use. The
// error of NewOAuth2 names every mistake in cfg at once.
func NewOAuth2[U any](cfg Config, fetch func(ctx context.Context, client *http.Client) (Identity, error), validate func(ctx context.Context, id Identity) (U, error)) (*OAuth2Strategy[U], error) {
	var bad mistakes
	cfg.complete(&bad, "oauth2")
	cfg.completeOAuth2(&bad)
	if fetch == nil {
		fetch = cfg.Profile.fetch
		if cfg.Profile.Subject == "" {
			bad.add("Profile has no Subject, and there is no function: say where the user's profile is")
		}
		cfg.checkURL(&bad, "Profile.URL", cfg.Profile.URL, cfg.plainBackChannel())
	}
	if validate == nil {
		bad = append(bad, errNoValidate)
	}
	if err := bad.err(); err != nil {
		return nil, err
	}
	c, err := newCore(cfg)
	if err != nil {
		return nil, err
	}
	c.backend = &plain{&c.cfg, fetch}
	return &OAuth2Strategy[U]{c, validate}, nil
}

// Name implements [strategy.Strategy].
func (s *OAuth2Strategy[U]) Name() string { return s.cfg.Name }

// Authenticate implements [strategy.Strategy]. It does what [Strategy.Authenticate]
// does, as far as there is no ID token.
func (s *OAuth2Strategy[U]) Authenticate(w http.ResponseWriter, r *http.Request) (U, error) {
	return authenticate(s.core, s.validate, w, r)
}

// AllowCrossSite implements [strategy.CrossSite]. It returns true for the callback,
// whose state says who began it.
func (s *OAuth2Strategy[U]) AllowCrossSite(r *http.Request) bool { return s.isCallback(r) }

// plain is the backend without OpenID Connect.
type plain struct {
	cfg   *Config
	fetch func(context.Context, *http.Client) (Identity, error)
}

func (p *plain) client(context.Context) (*oauth2.Config, error) {
	style := oauth2.AuthStyleInParams
	if p.cfg.BasicAuth {
		style = oauth2.AuthStyleInHeader
	}
	return p.cfg.oauth2(oauth2.Endpoint{AuthURL: p.cfg.AuthURL, TokenURL: p.cfg.TokenURL, AuthStyle: style}), nil
}

func (p *plain) params(*flow) []oauth2.AuthCodeOption { return nil }

// checkIssuer compares the issuer if the answer has one: RFC 9207 is for OAuth 2.0 too.
func (p *plain) checkIssuer(_ context.Context, iss string) error {
	if iss != "" && iss != p.cfg.Issuer {
		return refuse("the answer was made by another provider")
	}
	return nil
}

func (p *plain) identify(ctx context.Context, _ *flow, token *oauth2.Token) (Identity, []string, error) {
	id, err := p.fetch(ctx, withToken(p.cfg.HTTPClient, token))
	if err != nil {
		return id, nil, fmt.Errorf("ask who the user is: %w", err)
	}
	if id.Subject == "" {
		return id, nil, errors.New("ask who the user is: the profile has no subject")
	}
	id.Issuer = p.cfg.Issuer
	return id, nil, nil
}

// withToken returns client with an access token added to every request. oauth2.NewClient
// would follow redirects, and send the token along to wherever they lead.
func withToken(client *http.Client, token *oauth2.Token) *http.Client {
	c := *client
	c.Transport = &oauth2.Transport{Base: client.Transport, Source: oauth2.StaticTokenSource(token)}
	return &c
}

// Profile says where a provider without OpenID Connect has the user's profile, and
// which members of it mean what. A member of an inner object is written with a dot:
// data.id. Empty names are left out.
type Profile struct {
	URL           string
	Subject       string // a string or a number that is never given to anyone else
	Email         string
	EmailVerified string
	Name          string
	Username      string
	Picture       string
}

// fetch reads the profile.
func (p Profile) fetch(ctx context.Context, client *http.Client) (id Identity, err error) {
	if err := getJSON(ctx, client, p.URL, &id.Claims); err != nil {
		return id, err
	}
	text := func(path string) string {
		var s string
		if v := id.Claims.at(path); json.Unmarshal(v, &s) != nil {
			return ""
		}
		return s
	}
	id.Email, id.Name, id.Username, id.Picture = text(p.Email), text(p.Name), text(p.Username), text(p.Picture)
	id.EmailVerified = id.Email != "" && string(id.Claims.at(p.EmailVerified)) == "true"
	if id.Subject = text(p.Subject); id.Subject == "" {
		// A number is kept digit for digit: a float64 would make two users one.
		var n json.Number
		if v := id.Claims.at(p.Subject); len(v) > 0 && v[0] != '"' && json.Unmarshal(v, &n) == nil {
			id.Subject = n.String()
		}
	}
	return id, nil
}

// at returns the member at the end of a dotted path, or nil.
func (c Claims) at(path string) json.RawMessage {
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		return c[name]
	}
	var inner Claims
	if json.Unmarshal(c[name], &inner) != nil {
		return nil
	}
	return inner.at(rest)
}
