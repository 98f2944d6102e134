package cookies_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/seed-6f34412b/passport/internal/cookies"
)

// library is an independent reader and writer of the same cookies.
func library(secret string) *securecookie.SecureCookie {
	return securecookie.New([]byte(secret), nil).SetSerializer(securecookie.NopEncoder{}).MaxAge(0)
}

func TestSecureCookieIsTheLibrarys(t *testing.T) {
	codec := cookies.SecureCookie(secretA)
	for _, id := range []string{someID, "a", "ab", "abc", "abcd", "a|b", strings.Repeat("x", 512)} {
		value := mustEncode(t, codec, "__Host-sid", id)
		var got []byte
		if err := library(secretA).Decode("__Host-sid", value, &got); err != nil || string(got) != id {
			t.Errorf("the library reads our %q as %q, %v", id, got, err)
		}
		value, err := library(secretA).Encode("__Host-sid", []byte(id))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := codec.Decode("__Host-sid", value); !ok || got != id {
			t.Errorf("we read the library's %q as %q, %v", id, got, ok)
		}
	}
}

// gorilla/securecookie would refuse it after 30 days, although the session is live.
func TestSecureCookieHasNoAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		codec := cookies.SecureCookie(secretA)
		value := mustEncode(t, codec, "sid", someID)
		time.Sleep(399 * 24 * time.Hour)
		if id, ok := codec.Decode("sid", value); !ok || id != someID {
			t.Errorf("after 399 days: decode = %q, %v, want the id", id, ok)
		}
	})
}

// A value that is signed with our secret but that Encode does not make, such as another application's
// cookie, is refused like a bad signature.
func TestSecureCookieSignedButOdd(t *testing.T) {
	codec := cookies.SecureCookie(secretA)
	encode := base64.URLEncoding.EncodeToString
	sign := func(text string) string {
		_, mac, _ := strings.Cut(cookies.Sign("sid|"+text, secretA)[len("sid|"+text):], ".")
		sum, err := base64.RawStdEncoding.DecodeString(mac)
		if err != nil {
			t.Fatal(err)
		}
		return encode([]byte(text + "|" + string(sum)))
	}
	for _, row := range []struct {
		name, text string
		want       bool
	}{
		{"as it should be", "1795442400|" + encode([]byte(someID)), true},
		{"a time before 1970", "-1|" + encode([]byte(someID)), true},
		{"a time to come", "99999999999|" + encode([]byte(someID)), true},
		{"no time", "|" + encode([]byte(someID)), false},
		{"a time in words", "today|" + encode([]byte(someID)), false},
		{"a time that overflows", "99999999999999999999|" + encode([]byte(someID)), false},
		{"no id", "1|", false},
		{"an id in no base64", "1|" + someID + "!", false},
		{"a gob, the library's default", "1|" + encode([]byte("\x07\x0c\x00\x04\x69\x64")), false},
		{"an id of 513 bytes", "1|" + encode([]byte(strings.Repeat("x", 513))), false},
		{"an id of 514 bytes", "1|" + encode([]byte(strings.Repeat("x", 514))), false},
		{"an id of 515 bytes", "1|" + encode([]byte(strings.Repeat("x", 515))), false},
		{"an id of 600 bytes", "1|" + encode([]byte(strings.Repeat("x", 600))), false},
		{"an id of 512 bytes", "1|" + encode([]byte(strings.Repeat("x", 512))), true},
		{"an id with a brace", "1|" + encode([]byte("{a}")), false},
		{"one part", "1", false},
	} {
		if id, ok := codec.Decode("sid", sign(row.text)); ok != row.want {
			t.Errorf("%s: decode = %q, %v, want %v", row.name, id, ok, row.want)
		}
	}
}

func TestSecureCookieRefusesText(t *testing.T) {
	codec := cookies.SecureCookie(secretA)
	for _, value := range []string{
		"", "|", "||", "a", "====", "%", "s:" + cookies.Sign(someID, secretA), base64.URLEncoding.EncodeToString([]byte("1|" + someID)),
		base64.URLEncoding.EncodeToString([]byte("||")), strings.Repeat("A", cookies.MaxSecure), strings.Repeat("A", cookies.MaxSecure+1), strings.Repeat("A", 1<<20),
	} {
		if id, ok := codec.Decode("sid", value); ok {
			t.Errorf("decode of %d bytes %.40q = %q, want it refused", len(value), value, id)
		}
	}
}

// A cookie's name may be longer than any of our buffers.
func TestSecureCookieLongName(t *testing.T) {
	codec := cookies.SecureCookie(secretA)
	name := strings.Repeat("n", 3000)
	value := mustEncode(t, codec, name, someID)
	if id, ok := codec.Decode(name, value); !ok || id != someID {
		t.Errorf("decode = %q, %v, want the id", id, ok)
	}
}

func FuzzSecureCookieCodec(f *testing.F) {
	codec := cookies.SecureCookie(secretA, secretB)
	for _, id := range []string{someID, "a", "a|b", "", "\xff", strings.Repeat("x", 512)} {
		f.Add("sid", id)
		if cookies.ValidID(id) {
			f.Add("sid", mustEncode(f, codec, "sid", id))
			f.Add("", mustEncode(f, codec, "", id))
		}
	}
	value := mustEncode(f, codec, "sid", someID)
	f.Add("sid", value+"\n")
	f.Add("sid", strings.TrimRight(value, "="))
	f.Fuzz(func(t *testing.T, name, text string) {
		// As a value: we accept nothing that the library refuses, and only in the spelling that encodes to
		// itself.
		if id, ok := codec.Decode(name, text); ok {
			var got []byte
			if err := library(secretA).Decode(name, text, &got); err != nil {
				if err = library(secretB).Decode(name, text, &got); err != nil {
					t.Fatalf("decode(%q) = %q, the library: %v", text, id, err)
				}
			}
			if string(got) != id {
				t.Fatalf("decode(%q) = %q, the library reads %q", text, id, got)
			}
			raw, err := base64.URLEncoding.DecodeString(text)
			if err != nil || base64.URLEncoding.EncodeToString(raw) != text {
				t.Fatalf("decode(%q) accepts a second spelling", text)
			}
		}
		// As an id: it comes back, from us and from the library.
		value, err := codec.Encode(name, text)
		if (err == nil) != cookies.ValidID(text) {
			t.Fatalf("encode(%q) = %v, valid: %v", text, err, cookies.ValidID(text))
		}
		if err != nil {
			return
		}
		if id, ok := codec.Decode(name, value); !ok || id != text {
			t.Fatalf("decode(encode(%q)) = %q, %v", text, id, ok)
		}
		var got []byte
		if err := library(secretA).Decode(name, value, &got); err != nil || string(got) != text {
			t.Fatalf("the library reads our %q as %q, %v", text, got, err)
		}
		if id, ok := codec.Decode(name+"x", value); ok {
			t.Fatalf("signed for %q, accepted as %q: %q", name, name+"x", id)
		}
	})
}
