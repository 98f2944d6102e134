package refresh

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// partBytes is the length of each half of a token, a family's name and a secret,
// which are written in base64url with a dot between them.
const partBytes = 32

// record is what is kept of a family.
type record struct {
	Grant    Grant     `json:"grant"`
	Born     time.Time `json:"born"`              // when it was issued
	Until    time.Time `json:"until"`             // when it ends, however busy it is
	Era      []byte    `json:"era,omitzero"`      // the subject's when it was issued: see RevokeAll
	Current  []byte    `json:"current"`           // hash of the secret in use
	Previous []byte    `json:"previous,omitzero"` // hash of the one it replaced
	Nonce    []byte    `json:"nonce,omitzero"`    // makes the secret in use out of the one it replaced
	Rotated  time.Time `json:"rotated,omitzero"`  // when it replaced it
}

func decodeRecord(data []byte) (*record, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil || len(r.Current) != sha256.Size {
		return nil, errors.New("refresh: the record of a family is malformed")
	}
	return &r, nil
}

// presented is a token that a client sent.
type presented struct {
	key    string // of the family's cell
	family string // as in the token
	secret []byte
}

// parse takes a token apart; ok is false for what is no token of ours.
func parse(token string) (p presented, ok bool) {
	family, secret, _ := strings.Cut(token, ".")
	raw, err := decode(family)
	key, err2 := decode(secret)
	if err != nil || err2 != nil || len(raw) != partBytes || len(key) != partBytes {
		return presented{}, false
	}
	return presented{familyKey(raw), family, key}, true
}

// fresh makes the first token of a family.
func fresh() presented {
	family := random()
	return presented{familyKey(family), encode(family), random()}
}

func random() []byte {
	b := make([]byte, partBytes)
	_, _ = rand.Read(b) // crypto/rand never fails
	return b
}

func familyKey(family []byte) string { return "refresh:family:" + encode(hash(family)) }
func eraKey(subject string) string   { return "refresh:era:" + encode(hash([]byte(subject))) }

// token returns the text of the family's token with the secret.
func (p presented) token(secret []byte) string { return p.family + "." + encode(secret) }

// is reports whether the secret has this hash, in constant time.
func (p presented) is(want []byte) bool {
	return subtle.ConstantTimeCompare(hash(p.secret), want) == 1
}

// successor returns the secret that replaces p's. It takes both: the nonce, which never
// leaves the database, and p's secret, which never lies in it. So it can be told again to
// whoever still holds p, and to nobody else.
func (p presented) successor(nonce []byte) []byte {
	mac := hmac.New(sha256.New, p.secret)
	mac.Write(nonce)
	return mac.Sum(nil)
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
