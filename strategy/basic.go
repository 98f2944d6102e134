package strategy

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-6f34412b/passport/internal/norows"
)

// basic is HTTP Basic authentication. It is no CrossSite: a browser adds its credentials to
// every request by itself, whoever caused it.
type basic[U any] struct {
	challenge string
	account   func(string) string
	validate  func(ctx context.Context, userID, password string) (U, error)
}

var _ Strategy[any] = (*basic[any])(nil)
var _ Claimant = (*basic[any])(nil)

// NewBasic returns a strategy of the name "basic" for HTTP Basic authentication, RFC 7617:
// passport-http's BasicStrategy. realm is the text that a browser shows when it asks for
// the password. Unsafe requests from other sites are refused, since browsers add the
// credentials to every request by themselves.
//
// validate says whose credentials they are, as for [NewLocal], with userID in the spelling
// of [AccountName]; the password may be empty. They are valid UTF-8 without control
// characters, and userID has no colon. password.Check.Validate can be used; then every
// request costs a hash. For keys of programs use package apikey: Basic folds their case.
//
// NewBasic panics if validate is nil or realm is not printable ASCII.
func NewBasic[U any](realm string, validate func(ctx context.Context, userID, password string) (U, error)) Strategy[U] {
	return NewBasicWith(realm, nil, validate)
}

// NewBasicWith is [NewBasic] with another function than [AccountName], like
// LocalConfig.Account.
func NewBasicWith[U any](realm string, account func(name string) string, validate func(ctx context.Context, userID, password string) (U, error)) Strategy[U] {
	if validate == nil {
		panic("strategy: new basic: validate is nil")
	}
	if account == nil {
		account = AccountName
	}
	// RFC 7617 §2.1: charset="UTF-8" is the only allowed value.
	return &basic[U]{"Basic realm=" + quoteRealm("new basic", realm) + `, charset="UTF-8"`, account, validate}
}

// Name implements [Strategy].
func (s *basic[U]) Name() string { return "basic" }

// Authenticate implements [Strategy]. Absent, malformed and refused credentials are a Failure with the
// challenge and status 401: RFC 9110 §11.4 asks for that answer to "invalid credentials (e.g., a bad
// password) or partial credentials". Two Authorization headers are a 400, because the field is not a list.
func (s *basic[U]) Authenticate(_ http.ResponseWriter, r *http.Request) (U, error) {
	var nobody U
	sent := readAuthorization(r)
	if sent.repeated {
		return nobody, refused(http.StatusBadRequest, "more than one Authorization header", true)
	}
	if !sent.is("Basic") {
		return nobody, &Failure{Challenge: s.challenge}
	}
	userID, password, ok := parseBasic(sent.token)
	if !ok {
		return nobody, &Failure{Challenge: s.challenge, Reason: "malformed Basic credentials", Malformed: true}
	}
	user, err := s.validate(r.Context(), s.account(userID), password)
	if err != nil {
		return nobody, challenged(norows.Hint(err, validateCure), s.challenge)
	}
	return CheckUser(s.Name(), user)
}

// Account returns the canonical spelling of a user-id.
func (s *basic[U]) Account(name string) string { return s.account(name) }

// Claims implements [Claimant]. The account is the user-id.
func (s *basic[U]) Claims(r *http.Request) (account string, ok bool, err error) {
	sent := readAuthorization(r)
	if sent.repeated || !sent.is("Basic") {
		return "", false, nil
	}
	account, _, ok = parseBasic(sent.token)
	return s.account(account), ok, nil
}

// parseBasic reads basic-credentials. RFC 7617 §2: "The user-id and password MUST
// NOT contain any control characters"; the first colon separates them.
func parseBasic(token string) (userID, password string, ok bool) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil || !utf8.Valid(decoded) {
		return "", "", false
	}
	userID, password, ok = strings.Cut(string(decoded), ":")
	if !ok || strings.ContainsFunc(userID, unicode.IsControl) || strings.ContainsFunc(password, unicode.IsControl) {
		return "", "", false
	}
	return userID, password, true
}
