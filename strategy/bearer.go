package strategy

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/internal/norows"
)

// bearer is a token in the Authorization header.
type bearer[U any] struct {
	challenge string
	validate  func(ctx context.Context, token string) (U, error)
}

var _ Strategy[any] = (*bearer[any])(nil)
var _ Claimant = (*bearer[any])(nil)
var _ CrossSite = (*bearer[any])(nil)
var _ ForPrograms = (*bearer[any])(nil)

// NewBearer returns a strategy of the name "bearer" for a token in the Authorization
// header, RFC 6750 §2.1: passport-http-bearer's Strategy. Tokens in a form or in the query
// string (§2.2, §2.3), which that one takes, are not read: URLs are logged, and a form can
// be posted by any site. Its refusals are a [*Failure] as §3.1 asks:
//
//	401                             no credentials, or of another scheme
//	400  error="invalid_request"    a malformed or repeated header
//	401  error="invalid_token"      validate refused the token
//	403  error="insufficient_scope" validate returned InsufficientScope
//
// validate says whose token it is, as for [NewLocal]; the token has the characters that
// RFC 6750 allows. For a valid token without the needed scope it returns
// [InsufficientScope]. NewBearer panics if validate is nil or realm is not printable
// ASCII.
func NewBearer[U any](realm string, validate func(ctx context.Context, token string) (U, error)) Strategy[U] {
	if validate == nil {
		panic("strategy: new bearer: validate is nil")
	}
	return &bearer[U]{"Bearer realm=" + quoteRealm("new bearer", realm), validate}
}

// Name implements [Strategy].
func (s *bearer[U]) Name() string { return "bearer" }

// AllowCrossSite implements [CrossSite]. It returns true: a browser never adds a
// token by itself.
func (s *bearer[U]) AllowCrossSite(*http.Request) bool { return true }

// ForPrograms implements [ForPrograms]. It returns true: a token is issued, not typed.
func (s *bearer[U]) ForPrograms() bool { return true }

// Authenticate implements [Strategy]. For a request without credentials RFC 6750 §3.1 says that the
// response "SHOULD NOT include an error code".
func (s *bearer[U]) Authenticate(_ http.ResponseWriter, r *http.Request) (U, error) {
	var nobody U
	sent := readAuthorization(r)
	switch {
	case sent.repeated:
		return nobody, s.malformed("more than one Authorization header")
	case !sent.is("Bearer"):
		return nobody, &Failure{Challenge: s.challenge}
	case !isToken68(sent.token):
		return nobody, s.malformed("malformed Bearer token")
	}
	user, err := s.validate(r.Context(), sent.token)
	var scope *scopeError
	if errors.As(err, &scope) {
		challenge := s.challenge + `, error="insufficient_scope"`
		if scope.needed != "" {
			challenge += `, scope="` + scope.needed + `"`
		}
		return nobody, &Failure{Status: http.StatusForbidden, Challenge: challenge, Reason: "insufficient scope"}
	}
	if err != nil {
		return nobody, challenged(norows.Hint(err, validateCure), s.challenge+`, error="invalid_token"`)
	}
	return CheckUser(s.Name(), user)
}

func (s *bearer[U]) malformed(reason string) *Failure {
	return &Failure{Status: http.StatusBadRequest, Challenge: s.challenge + `, error="invalid_request"`, Malformed: true, Reason: reason}
}

// Claims implements [Claimant]. The account is empty: a token names none.
func (s *bearer[U]) Claims(r *http.Request) (account string, ok bool, err error) {
	sent := readAuthorization(r)
	return "", !sent.repeated && sent.is("Bearer") && isToken68(sent.token), nil
}

// scopeError is a refusal that a bearer strategy answers with 403.
type scopeError struct{ needed string }

func (*scopeError) Error() string { return "strategy: not authenticated: insufficient scope" }

func (*scopeError) Unwrap() error { return ErrUnauthenticated }

// InsufficientScope returns the error for a validate function of [NewBearer] whose token
// is valid but lacks a scope that the request needs. It wraps [ErrUnauthenticated]. needed
// is named in the challenge, except what is not a scope-token of RFC 6749 §3.3.
func InsufficientScope(needed ...string) error {
	tokens := slices.DeleteFunc(slices.Clone(needed), func(scope string) bool {
		return scope == "" || strings.ContainsFunc(scope, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' })
	})
	return &scopeError{strings.Join(tokens, " ")}
}
