package devicebound

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// MaxToken is the length of the longest accepted token, in bytes. One with an RSA key has about 1,000.
const MaxToken = 4 << 10

// maxLevels is the largest nesting of a token's JSON: the header contains a jwk.
const maxLevels = 4

// The algorithm and type in a token's header.
const (
	es256, rs256 = "ES256", "RS256"
	tokenType    = "dbsc+jwt" //nolint:gosec // a name
)

// Registration returns the key that a browser registers with token, and the challenge that it answers. The
// error says why the token is not valid or not signed by the key in its header. The caller must still check
// the challenge.
func Registration(token string) (Key, string, error) {
	t, err := parse(token)
	if err != nil {
		return Key{}, "", err
	}
	if t.jwk == nil {
		return Key{}, "", errors.New("the header has no jwk")
	}
	key, err := t.key()
	if err == nil {
		err = key.verify(t.signed, t.signature)
	}
	if err != nil {
		return Key{}, "", err
	}
	return key, t.challenge, nil
}

// Refresh returns the challenge that a browser answers with token. The error says why the token is not
// valid or not signed by k.
func (k Key) Refresh(token string) (challenge string, err error) {
	t, err := parse(token)
	switch {
	case err != nil:
		return "", err
	case t.jwk != nil:
		return "", errors.New("the header has a jwk, which only a registration may have")
	case t.alg != k.alg():
		return "", fmt.Errorf("alg is not %s, the algorithm of the key", k.alg())
	}
	if err := k.verify(t.signed, t.signature); err != nil {
		return "", err
	}
	return t.challenge, nil
}

func (k Key) alg() string {
	if k.kind == kindRSA {
		return rs256
	}
	return es256
}

// token is a JSON Web Token of the type dbsc+jwt whose signature has not been checked.
type token struct {
	alg       string
	jwk       map[string]string // nil for none
	challenge string
	signed    []byte
	signature []byte
}

var errMalformed = errors.New("it is not three parts of base64url without padding, of which two are JSON")

// parse reads text strictly. A header member that the draft does not have is refused, because its meaning
// is unknown. Claims other than jti are ignored, except those that an earlier draft had for a key, and
// authorization, which answers a parameter that is never sent.
func parse(text string) (*token, error) {
	if len(text) > MaxToken {
		return nil, fmt.Errorf("it has %d bytes: want at most %d", len(text), MaxToken)
	}
	header, rest, ok1 := strings.Cut(text, ".")
	payload, signature, ok2 := strings.Cut(rest, ".")
	if !ok1 || !ok2 {
		return nil, errMalformed
	}
	t := &token{signed: []byte(text[:len(header)+1+len(payload)])}
	plain := base64.RawURLEncoding.Strict()
	var parts [3][]byte
	for i, part := range []string{header, payload, signature} {
		if strings.ContainsAny(part, "\r\n") { // the decoder would ignore them
			return nil, errMalformed
		}
		var err error
		if parts[i], err = plain.DecodeString(part); err != nil {
			return nil, errMalformed
		}
	}
	t.signature = parts[2]
	if err := t.readHeader(parts[0]); err != nil {
		return nil, err
	}
	return t, t.readPayload(parts[1])
}

func (t *token) readHeader(data []byte) error {
	typ := ""
	err := members(data, func(r *rawjson.Reader, name string) error {
		switch name {
		case "alg":
			t.alg = text(r.Value())
		case "typ":
			typ = text(r.Value())
		case "jwk":
			t.jwk = map[string]string{}
			raw := r.Value()
			return members(raw, func(r *rawjson.Reader, name string) error {
				t.jwk[name] = text(r.Value())
				return nil
			})
		default:
			return errors.New("the header has a member that the draft does not know")
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case typ != tokenType:
		return errors.New("typ is not " + tokenType)
	case t.alg != es256 && t.alg != rs256:
		return errors.New("alg is neither ES256 nor RS256")
	}
	return nil
}

func (t *token) readPayload(data []byte) error {
	err := members(data, func(r *rawjson.Reader, name string) error {
		switch name {
		case "jti":
			t.challenge = text(r.Value())
		case "authorization", "key", "jwk", "cnf":
			return errors.New("the payload has " + name + ", which was not asked for")
		}
		return nil
	})
	if err == nil && t.challenge == "" {
		err = errors.New("jti is missing, or is not a string")
	}
	return err
}

// key returns the key in jwk, which must have exactly the members of its kind: a private key, or one with
// further members, is refused.
func (t *token) key() (Key, error) {
	number := func(name string, size int) []byte {
		b, err := base64.RawURLEncoding.Strict().DecodeString(t.jwk[name])
		if err != nil || len(b) != size || strings.ContainsAny(t.jwk[name], "\r\n") {
			return nil
		}
		return b
	}
	switch {
	case t.alg == es256 && t.jwk["kty"] == "EC" && t.jwk["crv"] == "P-256" && len(t.jwk) == 4:
		x, y := number("x", 32), number("y", 32)
		if x == nil || y == nil {
			return Key{}, errBadKey
		}
		return ecKey(append(append([]byte{4}, x...), y...))
	case t.alg == rs256 && t.jwk["kty"] == "RSA" && len(t.jwk) == 3:
		if !bytes.Equal(number("e", 3), []byte{1, 0, 1}) {
			return Key{}, errBadKey
		}
		return rsaKey(number("n", rsaBytes))
	}
	return Key{}, errors.New("the jwk does not fit the alg")
}

// members calls f for each member of the object in data. A repeated name is refused, because two readers
// could use different values.
func members(data []byte, f func(r *rawjson.Reader, name string) error) error {
	if levels(data) > maxLevels {
		return errMalformed
	}
	r := rawjson.NewReader(data)
	if !r.Enter() {
		return errMalformed
	}
	seen := map[string]bool{}
	for r.Next() {
		name := string(r.Name())
		if seen[name] {
			return errors.New("a member is repeated")
		}
		seen[name] = true
		if err := f(&r, name); err != nil {
			return err
		}
	}
	if r.End() != nil {
		return errMalformed
	}
	return nil
}

// levels returns the number of opening brackets in data, an upper bound of its nesting.
func levels(data []byte) int { return bytes.Count(data, []byte{'{'}) + bytes.Count(data, []byte{'['}) }

// text returns the string in raw, or "" if raw is not a string or has escapes, which a token does not need.
func text(raw json.RawMessage) string {
	if len(raw) < 2 || raw[0] != '"' || bytes.IndexByte(raw, '\\') >= 0 {
		return ""
	}
	return string(raw[1 : len(raw)-1])
}
