package rotating

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// partBytes is the length of each half of a token, the id of its series and a secret. They are written in
// base64url with a dot between them.
const partBytes = 32

// token is a token taken apart.
type token struct {
	name   string // of the series
	id     string // of the series, as in the token
	secret []byte
}

// parse takes a token apart; ok is false for what is no token of ours.
func parse(text string) (t token, ok bool) {
	id, secret, _ := strings.Cut(text, ".")
	rawID, err := decode(id)
	rawSecret, err2 := decode(secret)
	if err != nil || err2 != nil || len(rawID) != partBytes || len(rawSecret) != partBytes {
		return token{}, false
	}
	return token{encode(hash(rawID)), id, rawSecret}, true
}

// first makes the first token of a series.
func first() token {
	id := random()
	return token{encode(hash(id)), encode(id), random()}
}

// text returns the token of the series that has the secret.
func (t token) text(secret []byte) string { return t.id + "." + encode(secret) }

// has reports whether the hash of the token's secret is want, in constant time.
func (t token) has(want []byte) bool { return subtle.ConstantTimeCompare(hash(t.secret), want) == 1 }

// successor returns the secret that replaces t's. It takes both: the nonce, which is kept in the database only,
// and t's secret, of which the database has only the hash. So whoever still holds t can be given it again, and nobody
// else can make it.
func (t token) successor(nonce []byte) []byte {
	mac := hmac.New(sha256.New, t.secret)
	mac.Write(nonce)
	return mac.Sum(nil)
}

func random() []byte {
	b := make([]byte, partBytes)
	_, _ = rand.Read(b) // crypto/rand never fails
	return b
}

func hash(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// decode takes one spelling only.
func decode(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, base64.CorruptInputError(0)
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}
