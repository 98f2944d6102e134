package jwt

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/strictjson"
)

// Config says which tokens a Strategy accepts. Keys, Issuer and Audience must be set.
type Config struct {
	// Keys are the keys of the issuer. passport-jwt: secretOrKey, secretOrKeyProvider.
	Keys Keys

	// Issuer is the iss of its tokens, compared byte for byte. passport-jwt: issuer.
	Issuer string

	// Audience lists the names of this program: the aud of a token must have one of them.
	// passport-jwt: audience.
	Audience []string

	// Types are the accepted values of the header's typ, so that a token made for
	// another purpose is not taken for an access token (RFC 8725 §3.11). Case and a
	// leading "application/" do not count. An empty string accepts a token without typ.
	// Nil means at+jwt (RFC 9068); tokens of jsonwebtoken, and so of Nest, have "JWT".
	Types []string

	// Leeway is how much the issuer's clock may differ, for exp, nbf and iat. Zero means
	// 30 seconds, negative none; at most 5 minutes. passport-jwt: clockTolerance.
	Leeway time.Duration

	// Cookie is the name of a cookie that holds the token. Empty means that the token is in
	// the Authorization header. A strategy reads one of the two: browsers add cookies by
	// themselves, so the guard must refuse cross-site requests with a cookie, and need not
	// with a header. The name starts with __Host- or __Secure-. passport-jwt: jwtFromRequest.
	Cookie string

	// InsecureCookieName allows a Cookie without the prefix, which plain http and any
	// subdomain can set.
	InsecureCookieName bool

	// InsecureAnyIssuer accepts tokens of any issuer, or without one, if a key fits.
	InsecureAnyIssuer bool

	// InsecureAnyAudience accepts tokens that were made for other programs.
	InsecureAnyAudience bool

	// MaxBytes is the longest token that is accepted. Zero means 16 KiB; at most 1 MiB,
	// which is what net/http accepts for all headers together.
	MaxBytes int

	// Realm is the realm of the challenge, in printable ASCII; empty means "api".
	Realm string

	// Name is the strategy's name; empty means "jwt".
	Name string
}

const (
	defaultLeeway   = 30 * time.Second
	maxLeeway       = 5 * time.Minute
	defaultMaxBytes = 16 << 10
	mostBytes       = 1 << 20
	maxTries        = 16 // signatures that are computed for one token at most
)

// Strategy authenticates by a JSON Web Token: passport-jwt's Strategy. It is made by
// [New] and safe for concurrent use.
type Strategy[U any] struct {
	name   string
	cookie string
	bearer strategy.Strategy[U]
}

var _ strategy.Strategy[any] = (*Strategy[any])(nil)
var _ strategy.CrossSite = (*Strategy[any])(nil)
var _ strategy.Claimant = (*Strategy[any])(nil)

// New returns a strategy that accepts the tokens that cfg describes. The error names
// every mistake at once.
//
// validate returns the user of the claims. When it is called, the signature and the
// registered claims have been checked. Its errors mean what they mean to
// [strategy.NewBearer]: [strategy.ErrUnauthenticated] refuses, such as when the
// subject is gone; [strategy.InsufficientScope] is 403; any other error is an outage.
// It must be safe for concurrent use. passport-jwt: verify; Nest: JwtStrategy.validate.
//
// Names of claims are case-sensitive (RFC 7519 §4): a token whose "ROLES" would fill the field "roles" of C,
// which encoding/json allows, is refused. A type with an UnmarshalJSON of its own decides for itself.
//
// [strategy.Report] gets the claims as Detail, and auth_time as At. A token does not prove
// that its user is there now, so one without auth_time is never fresh.
func New[C Claims, U any](cfg Config, validate func(ctx context.Context, claims C) (U, error)) (*Strategy[U], error) {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("jwt: new: "+format, args...))
	}
	cfg.complete(wrong)
	if validate == nil {
		wrong("validate is nil: pass the function that finds the user of the claims")
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	check, shape := newVerifier(cfg), strictjson.ShapeOf(reflect.TypeFor[C]())
	accept := func(ctx context.Context, text string) (U, error) {
		var nobody U
		payload, facts, err := check.verify(ctx, text)
		if err != nil {
			return nobody, err
		}
		if err := shape.Check(strictjson.Object(facts.claims)); err != nil {
			return nobody, refused("claims: " + err.Error())
		}
		claims, err := decode[C](payload, &facts)
		if err != nil {
			return nobody, err
		}
		info := strategy.Info{At: facts.authTime, Detail: claims}
		user, err := validate(strategy.WithInfo(ctx, &info), claims) // its own Report counts
		if err == nil {
			strategy.Report(ctx, info)
		}
		return user, err
	}
	return &Strategy[U]{cfg.Name, cfg.Cookie, strategy.NewBearer(cfg.Realm, accept)}, nil
}

// complete fills in what is left out and reports what is wrong.
func (c *Config) complete(wrong func(string, ...any)) {
	c.Audience, c.Types = slices.Clone(c.Audience), slices.Clone(c.Types)
	if strategy.IsNilUser(c.Keys) {
		wrong("Keys is nil: pass NewKeys, NewRemoteKeys or a KeysFunc")
	}
	switch {
	case c.Issuer == "" && !c.InsecureAnyIssuer:
		wrong("Issuer is empty: name the issuer, or set InsecureAnyIssuer")
	case c.Issuer != "" && c.InsecureAnyIssuer:
		wrong("Issuer is set and InsecureAnyIssuer too: leave one out")
	}
	switch {
	case len(c.Audience) == 0 && !c.InsecureAnyAudience:
		wrong("Audience is empty: name this program as the issuer does, or set InsecureAnyAudience")
	case len(c.Audience) != 0 && c.InsecureAnyAudience:
		wrong("Audience is set and InsecureAnyAudience too: leave one out")
	case slices.Contains(c.Audience, ""):
		wrong("Audience has an empty name: leave it out")
	}
	if len(c.Types) == 0 {
		c.Types = []string{typeAccess}
	}
	for i, typ := range c.Types {
		c.Types[i] = mediaType(typ)
	}
	if c.Leeway > maxLeeway {
		wrong("Leeway is %v: set the clocks right and give at most %v", c.Leeway, maxLeeway)
	}
	if c.Leeway == 0 {
		c.Leeway = defaultLeeway
	}
	c.Leeway = max(c.Leeway, 0)
	if c.MaxBytes < 0 || c.MaxBytes > mostBytes {
		wrong("MaxBytes is %d: give a number of bytes, at most %d, or 0 for 16 KiB", c.MaxBytes, mostBytes)
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultMaxBytes
	}
	c.completeCookie(wrong)
	if c.Realm == "" {
		c.Realm = "api"
	}
	if strings.ContainsFunc(c.Realm, func(r rune) bool { return r < ' ' || r > '~' }) {
		wrong("Realm is not printable ASCII: choose another")
	}
	if c.Name == "" {
		c.Name = "jwt"
	}
	if strategy.ReservedName(c.Name) {
		wrong("Name %q is reserved: choose another", c.Name)
	}
}

func (c *Config) completeCookie(wrong func(string, ...any)) {
	if c.Cookie == "" {
		if c.InsecureCookieName {
			wrong("InsecureCookieName is set without Cookie: leave it out")
		}
		return
	}
	if (&http.Cookie{Name: c.Cookie}).Valid() != nil { //nolint:gosec // only the name is looked at
		wrong("Cookie %q is no cookie name: use letters, digits and dashes", c.Cookie)
	}
	if !c.InsecureCookieName && !strings.HasPrefix(c.Cookie, "__Host-") && !strings.HasPrefix(c.Cookie, "__Secure-") {
		wrong("Cookie %q can be set by other sites: call it __Host-%s, or set InsecureCookieName", c.Cookie, c.Cookie)
	}
}

// Name implements [strategy.Strategy].
func (s *Strategy[U]) Name() string { return s.name }

// AllowCrossSite implements [strategy.CrossSite]: true for tokens in the header, false
// for those in a cookie, which a browser sends along whoever caused the request.
func (s *Strategy[U]) AllowCrossSite(*http.Request) bool { return s.cookie == "" }

// ForPrograms implements [strategy.ForPrograms]: true for tokens in the header, false for
// those in a cookie, which is a browser's log-in.
func (s *Strategy[U]) ForPrograms() bool { return s.cookie == "" }

// CookieNames returns Config.Cookie, or nothing for tokens in the header, for guard.Guard.ProxyTransport.
func (s *Strategy[U]) CookieNames() []string {
	if s.cookie == "" {
		return nil
	}
	return []string{s.cookie}
}

// Authenticate implements [strategy.Strategy]. Its refusals from the header are those of
// [strategy.NewBearer]; those from a cookie are 401 and have no challenge, since
// no scheme of WWW-Authenticate asks for one.
func (s *Strategy[U]) Authenticate(w http.ResponseWriter, r *http.Request) (U, error) {
	if s.cookie == "" {
		return s.bearer.Authenticate(w, r)
	}
	var nobody U
	sent := r.CookiesNamed(s.cookie)
	switch len(sent) {
	case 0:
		return nobody, &strategy.Failure{}
	case 1:
	default:
		return nobody, refused("the cookie is there twice")
	}
	inHeader := r.WithContext(r.Context())
	inHeader.Header = http.Header{"Authorization": {"Bearer " + sent[0].Value}}
	user, err := s.bearer.Authenticate(w, inHeader)
	return user, withoutChallenge(err)
}

// Claims implements [strategy.Claimant]: no name, since nothing is known of a token before
// its signature is checked.
func (s *Strategy[U]) Claims(r *http.Request) (account string, ok bool, err error) {
	if s.cookie != "" {
		return "", len(r.CookiesNamed(s.cookie)) > 0, nil
	}
	c, _ := strategy.Ability[strategy.Claimant](s.bearer) // NewBearer's is one
	return c.Claims(r)
}

// withoutChallenge turns a refusal of NewBearer's into one for a cookie.
func withoutChallenge(err error) error {
	var f *strategy.Failure
	if !errors.As(err, &f) || f.Challenge == "" {
		return err
	}
	plain := *f
	plain.Challenge = ""
	if plain.Status == http.StatusBadRequest { // a cookie cannot be repaired by whoever sent it
		plain.Status = 0
	}
	return &plain
}

// refused returns a refusal that NewBearer's strategy gives its challenge.
func refused(reason string) *strategy.Failure { return &strategy.Failure{Reason: "jwt: " + reason} }
