package jwt

import (
	"strings"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"
)

// Claims is the constraint of a claims type, the same as golang-jwt's: embed
// [RegisteredClaims] or [AccessClaims] in a struct of your own, with the fields that
// your issuer adds. A claims type that was written for golang-jwt can be used as it is. If
// it has a method Validate() error, that is called too: its error refuses the token, and
// its text goes to the log.
//
// A [Strategy] checks the registered claims itself, in the token and not in the struct,
// so a type that leaves some out or hides them skips no check.
type Claims = gojwt.Claims

// RegisteredClaims are the claims of RFC 7519 §4.1.
type RegisteredClaims = gojwt.RegisteredClaims

// NumericDate is a time in a claim: seconds since 1970. [NewNumericDate] makes one.
type NumericDate = gojwt.NumericDate

// NewNumericDate returns t cut to whole seconds.
func NewNumericDate(t time.Time) *NumericDate { return gojwt.NewNumericDate(t) }

// ClaimStrings is the type of the aud claim: in JSON one string or a list.
type ClaimStrings = gojwt.ClaimStrings

// AccessClaims are the claims of an access token of RFC 9068 §2.2. All but the first
// two are optional in the RFC.
type AccessClaims struct {
	RegisteredClaims

	ClientID string       `json:"client_id,omitempty"` // the program that got the token (RFC 8693 §4.3)
	Scope    string       `json:"scope,omitempty"`     // scopes with a space between them (RFC 6749 §3.3)
	AuthTime *NumericDate `json:"auth_time,omitempty"` // when the user logged in; a renewed token keeps it
	ACR      string       `json:"acr,omitempty"`       // authentication context class
	AMR      []string     `json:"amr,omitempty"`       // authentication methods (RFC 8176)
}

// HasScope reports whether scope is one of those in c.Scope.
func (c AccessClaims) HasScope(scope string) bool {
	for have := range strings.FieldsSeq(c.Scope) {
		if have == scope {
			return true
		}
	}
	return false
}
