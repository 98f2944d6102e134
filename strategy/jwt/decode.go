package jwt

import (
	"encoding/json"
	"errors"
	"reflect"

	gojwt "github.com/golang-jwt/jwt/v5"
)

// decode fills the application's claims type from the payload of a token that was checked.
func decode[C Claims](payload []byte, v *verified) (C, error) {
	var claims C
	if !v.fill(&claims) {
		claims = *new(C)
		if err := json.Unmarshal(payload, &claims); err != nil {
			reason := "claims: do not fit their Go type"
			if mismatch := (*json.UnmarshalTypeError)(nil); errors.As(err, &mismatch) {
				reason += ": the field " + mismatch.Field
			}
			return claims, refused(reason)
		}
	}
	own, ok := any(&claims).(validator)
	if !ok && reflect.TypeFor[C]().Kind() != reflect.Struct { // C may be a pointer
		own, ok = any(claims).(validator)
	}
	if ok {
		if err := own.Validate(); err != nil {
			return claims, refused("claims: " + err.Error())
		}
	}
	return claims, nil
}

// validator is what a claims type may be, as for golang-jwt.
type validator interface{ Validate() error }

// fill fills *claims as encoding/json would, if it has one of this package's own types, from the members that
// were parsed for the checks. It returns false for any other type, and for a member that is of another
// type than the field: encoding/json decides.
func (v *verified) fill(claims any) bool {
	o, ok := v.claims, !v.claims.isNumber("sub")
	switch c := claims.(type) {
	case *RegisteredClaims:
		*c = v.registeredClaims()
		return ok
	case *AccessClaims:
		c.RegisteredClaims = v.registeredClaims()
		for _, m := range []struct {
			name string
			to   *string
		}{{"client_id", &c.ClientID}, {"scope", &c.Scope}, {"acr", &c.ACR}} {
			value, text := o.text(m.name)
			*m.to, ok = value, ok && text
		}
		if o["auth_time"] != nil {
			c.AuthTime = NewNumericDate(v.authTime)
		}
		if raw := o["amr"]; raw != nil {
			amr, texts := o.texts("amr")
			c.AMR, ok = amr, ok && texts && raw[0] == '[' && len(amr) > 0
		}
		return ok
	}
	return false
}

// registeredClaims returns the registered claims with times of the precision in which golang-jwt reads them.
// The checks look at the fractions of seconds too.
func (v *verified) registeredClaims() RegisteredClaims {
	r := *v.registered
	for _, at := range []**NumericDate{&r.ExpiresAt, &r.NotBefore, &r.IssuedAt} {
		if *at != nil && !(*at).Truncate(gojwt.TimePrecision).Equal((*at).Time) {
			*at = NewNumericDate((*at).Time)
		}
	}
	return r
}
