package rotating

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/seed-6f34412b/passport/strategy/internal/token"
)

// pair is a token taken apart: the id of its series, and a secret. They are written with a dot between them.
type pair struct{ id, secret string }

// parse takes a token apart; ok is false for what is no token of ours.
func parse(text string) (p pair, ok bool) {
	p.id, p.secret, _ = strings.Cut(text, ".")
	return p, token.Valid(p.id) && token.Valid(p.secret)
}

// name is how the series is called in Cells and by callers.
func (p pair) name() string { return token.Hash("series", p.id) }

// with returns the text of the series' token that has the secret.
func (p pair) with(secret string) string { return p.id + "." + secret }

// has reports whether the secret's hash is want, in constant time.
func (p pair) has(want string) bool {
	return subtle.ConstantTimeCompare([]byte(token.Hash(p.secret)), []byte(want)) == 1
}

// successor returns the secret that replaces p's. It takes both: the nonce, which is kept in the database
// only, and p's secret, of which the database has only the hash. So whoever still holds p can be given it
// again, and nobody else can make it.
func (p pair) successor(nonce string) string {
	mac := hmac.New(sha256.New, []byte(p.secret))
	mac.Write([]byte(nonce))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:token.Bytes])
}
