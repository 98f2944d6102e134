package rotating

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/seed-6f34412b/passport/strategy/internal/token"
)

// pair is a token split into the id of its series and a secret. A token has a dot between them.
type pair struct{ id, secret string }

// parse splits a token; ok is false for a text that is not one of our tokens.
func parse(text string) (p pair, ok bool) {
	p.id, p.secret, _ = strings.Cut(text, ".")
	return p, token.Valid(p.id) && token.Valid(p.secret)
}

// name returns the series' name for Cells and for callers.
func (p pair) name() string { return token.Hash("series", p.id) }

// with returns the token of the series with the given secret.
func (p pair) with(secret string) string { return p.id + "." + secret }

// has reports whether the hash of the secret is want, in constant time.
func (p pair) has(want string) bool {
	return subtle.ConstantTimeCompare([]byte(token.Hash(p.secret)), []byte(want)) == 1
}

// successor returns the secret that replaces p's. It needs both the nonce, which is only in the database,
// and p's secret, whose hash alone is in the database. So whoever still has p can get it again, and nobody
// else can compute it.
func (p pair) successor(nonce string) string {
	mac := hmac.New(sha256.New, []byte(p.secret))
	mac.Write([]byte(nonce))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:token.Bytes])
}
