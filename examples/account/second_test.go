package main_test

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the protocol's
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"
)

// addApp sets up an authenticator app.
func addApp(t testing.TB, v visitor) {
	t.Helper()
	v.Post("/account/authenticator").Want(t, http.StatusSeeOther, "")
	found := regexp.MustCompile(`<code>([A-Z2-7]+)</code>`).FindStringSubmatch(v.Get("/account/authenticator").Text)
	if found == nil {
		t.Fatal("the page shows no key")
	}
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(found[1])
	if err != nil {
		t.Fatal(err)
	}
	v.Post("/account/authenticator/confirm", "code", code(key, time.Now())).Want(t, http.StatusSeeOther, "")
}

// code is what an app shows: RFC 6238, with SHA-1 and six digits.
func code(key []byte, at time.Time) string {
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, at.Unix()/30)
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1000000)
}
