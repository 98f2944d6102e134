package jwt

import (
	"errors"
	"fmt"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"
)

// typeAccess is the typ of an access token (RFC 9068 §2.1).
const typeAccess = "at+jwt"

// knownClaims are the claims whose meaning this package knows.
var knownClaims = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "auth_time"}

// claimsCheck checks what a [Config] requires of a token's claims.
type claimsCheck struct {
	validator *gojwt.Validator
}

func newClaimsCheck(cfg Config) claimsCheck {
	options := []gojwt.ParserOption{gojwt.WithExpirationRequired(), gojwt.WithIssuedAt(), gojwt.WithLeeway(cfg.Leeway)}
	if !cfg.InsecureAnyIssuer {
		options = append(options, gojwt.WithIssuer(cfg.Issuer))
	}
	if !cfg.InsecureAnyAudience {
		options = append(options, gojwt.WithAudience(cfg.Audience...))
	}
	return claimsCheck{gojwt.NewValidator(options...)}
}

// verified is what this package needs from the claims of a token whose signature was verified.
type verified struct {
	claims     object
	registered *gojwt.RegisteredClaims
	authTime   time.Time // zero when the token does not say
}

// check returns an error with a fixed text, or one that names a claim, never a value.
func (c claimsCheck) check(typ string, payload []byte) (verified, error) {
	o, err := parseObject(payload)
	if err != nil {
		return verified{}, fmt.Errorf("claims: %w", err)
	}
	if name, found := o.misspelt(knownClaims...); found {
		return verified{}, fmt.Errorf("claims: %q differs from a known claim by its case only", name)
	}
	registered, err := registeredIn(o)
	if err != nil {
		return verified{}, err
	}
	if err := c.validator.Validate(registered); err != nil {
		return verified{}, fmt.Errorf("claims: %w", err)
	}
	auth, ok := o.date("auth_time")
	if !ok {
		return verified{}, errWrongType("auth_time")
	}
	if typ == typeAccess {
		if err := checkAccess(o, registered); err != nil {
			return verified{}, err
		}
	}
	if auth == nil {
		return verified{claims: o, registered: registered}, nil
	}
	return verified{o, registered, auth.Time}, nil
}

// registeredIn reads the claims of RFC 7519 §4.1, and checks their types. A sub may also be
// a number, as in the tokens of Nest's guide: the application's claims type decides, and
// RegisteredClaims does not accept one.
func registeredIn(o object) (*gojwt.RegisteredClaims, error) {
	var r gojwt.RegisteredClaims
	for _, c := range []struct {
		name string
		to   *string
	}{{"iss", &r.Issuer}, {"sub", &r.Subject}, {"jti", &r.ID}} {
		value, ok := o.text(c.name)
		if number := c.name == "sub" && o.isNumber(c.name); !ok && !number {
			return nil, errWrongType(c.name)
		}
		*c.to = value
	}
	for _, c := range []struct {
		name string
		to   **NumericDate
	}{{"exp", &r.ExpiresAt}, {"nbf", &r.NotBefore}, {"iat", &r.IssuedAt}} {
		at, ok := o.date(c.name)
		if !ok {
			return nil, errWrongType(c.name)
		}
		*c.to = at
	}
	aud, ok := o.texts("aud")
	if !ok {
		return nil, errWrongType("aud")
	}
	r.Audience = aud
	return &r, nil
}

// checkAccess asks for the claims that RFC 9068 §2.2 requires. The validator asked for
// iss, exp and aud, unless it was told not to.
func checkAccess(o object, r *gojwt.RegisteredClaims) error {
	for _, name := range []string{"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} {
		if o[name] == nil {
			return fmt.Errorf("claims: %s is missing, which RFC 9068 requires of at+jwt", name)
		}
	}
	client, _ := o.text("client_id")
	for _, c := range []struct{ name, value string }{{"iss", r.Issuer}, {"sub", r.Subject}, {"client_id", client}, {"jti", r.ID}} {
		if c.value == "" {
			return errWrongType(c.name)
		}
	}
	if _, ok := o.text("scope"); !ok {
		return errWrongType("scope")
	}
	return nil
}

func errWrongType(claim string) error {
	return errors.New("claims: " + claim + " has the wrong type, or is empty")
}
