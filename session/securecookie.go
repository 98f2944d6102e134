package session

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/gorilla/securecookie"
)

// SecureCookie returns the Codec of github.com/gorilla/securecookie: the id, the
// time of signing and an HMAC-SHA256 over both and the cookie's name. A value that
// was signed for one cookie is refused under another name. The first secret signs,
// all of them verify; each must have at least 32 bytes.
//
// The time is not checked: how long a session lives is the store's knowledge, and
// the library's own limit of 30 days is switched off. The id is signed, not encrypted.
func SecureCookie(secrets ...string) Codec {
	c := &secureCookieCodec{faults: checkSecrets("SecureCookie", secrets, minSecret)}
	for _, s := range secrets {
		c.keys = append(c.keys, securecookie.New([]byte(s), nil).SetSerializer(securecookie.NopEncoder{}).MaxAge(0))
	}
	return c
}

type secureCookieCodec struct {
	keys   []*securecookie.SecureCookie
	faults []error
}

func (c *secureCookieCodec) kind() string { return "securecookie" }

func (c *secureCookieCodec) check() []error { return slices.Clone(c.faults) }

func (c *secureCookieCodec) encode(name, id string) (string, error) {
	if len(c.faults) > 0 {
		return "", errors.Join(c.faults...)
	}
	if !validID(id) {
		return "", errInvalidID
	}
	value, err := c.keys[0].Encode(name, []byte(id))
	if err != nil {
		return "", fmt.Errorf("session: sign id: %w", err)
	}
	return value, nil
}

func (c *secureCookieCodec) decode(name, value string) (id string, ok bool) {
	if len(c.faults) > 0 {
		return "", false
	}
	// The library's base64 ignores the unused bits of the last character: one cookie
	// would have sixteen spellings.
	if _, err := base64.URLEncoding.Strict().DecodeString(value); err != nil {
		return "", false
	}
	for _, k := range c.keys {
		var raw []byte
		if k.Decode(name, value, &raw) == nil {
			return string(raw), validID(raw)
		}
	}
	return "", false
}
