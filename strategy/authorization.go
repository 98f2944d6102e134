package strategy

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// authorization is the content of a request's Authorization header.
type authorization struct {
	scheme   string // as sent
	token    string // the part after the scheme and the spaces
	repeated bool   // there are several headers: it is unclear which one counts
}

// readAuthorization splits the header. RFC 9110 §11.4: credentials = auth-scheme
// [ 1*SP ( token68 / #auth-param ) ].
func readAuthorization(r *http.Request) authorization {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return authorization{}
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	return authorization{scheme, strings.TrimLeft(token, " "), len(values) > 1}
}

// is compares the scheme, which is case-insensitive (RFC 9110 §11.1).
func (a authorization) is(scheme string) bool { return strings.EqualFold(a.scheme, scheme) }

// isToken68 reports whether s is 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" )
// *"=", the token68 of RFC 9110 §11.2 and the b64token of RFC 6750 §2.1.
func isToken68(s string) bool {
	s = strings.TrimRight(s, "=")
	if s == "" {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~+/", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// quoteRealm returns realm as a quoted-string (RFC 9110 §5.6.4). It panics on bytes that are not safe in a
// header.
func quoteRealm(caller, realm string) string {
	for i := range len(realm) {
		if realm[i] < ' ' || realm[i] > '~' {
			panic("strategy: " + caller + ": the realm must be printable ASCII")
		}
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(realm) + `"`
}

// challenged adds the challenge to a refusal that has no challenge or status of its own. Other errors are
// returned unchanged.
func challenged(err error, challenge string) error {
	if !errors.Is(err, ErrUnauthenticated) {
		return err
	}
	var f *Failure
	if !errors.As(err, &f) {
		f = &Failure{}
	}
	if f.Challenge != "" || f.Status != 0 && f.Status != http.StatusUnauthorized {
		return err
	}
	with := *f
	with.Challenge = challenge
	if err == ErrUnauthenticated || err == error(f) { //nolint:errorlint // an error that wraps them says more, and is kept
		return &with
	}
	return fmt.Errorf("%w (%w)", &with, err)
}
