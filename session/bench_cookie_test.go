package session_test

import (
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/session"
)

func BenchmarkExpressDecode(b *testing.B) {
	benchmarkDecode(b, session.Express(secretA))
}

func BenchmarkExpressDecodeThirdSecret(b *testing.B) {
	value := mustEncode(b, session.Express(secretA), "sid", someID)
	codec := session.Express(secretC, secretB, secretA)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := session.Decode(codec, "sid", value); !ok {
			b.Fatal("refused")
		}
	}
}

func BenchmarkSecureCookieDecode(b *testing.B) {
	benchmarkDecode(b, session.SecureCookie(secretA))
}

// The same cookie, read by the library.
func BenchmarkSecureCookieDecodeByLibrary(b *testing.B) {
	value := mustEncode(b, session.SecureCookie(secretA), "sid", someID)
	codec := library(secretA)
	b.ReportAllocs()
	for b.Loop() {
		var id []byte
		if err := codec.Decode("sid", value, &id); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkDecode(b *testing.B, codec session.Codec) {
	value := mustEncode(b, codec, "sid", someID)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := session.Decode(codec, "sid", value); !ok {
			b.Fatal("refused")
		}
	}
}

func BenchmarkCookieValues(b *testing.B) {
	for name, line := range map[string]string{
		"alone":  "connect.sid=" + mustEncode(b, session.Express(secretA), "connect.sid", someID),
		"fourth": "_ga=GA1.1.1234567890.1234567890; theme=dark; csrf=abcdefghijklmnop; connect.sid=" + mustEncode(b, session.Express(secretA), "connect.sid", someID),
	} {
		b.Run(name, func(b *testing.B) {
			header := http.Header{"Cookie": {line}}
			b.ReportAllocs()
			for b.Loop() {
				found := false
				session.CookieValues(header, "connect.sid", func(string) bool {
					found = true
					return true
				})
				if !found {
					b.Fatal("not found")
				}
			}
		})
	}
}

func BenchmarkSetCookie(b *testing.B) {
	c := session.CookieAttrs{
		Name: "connect.sid", Value: mustEncode(b, session.Express(secretA), "connect.sid", someID),
		Path: "/", HTTPOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.String(); err != nil {
			b.Fatal(err)
		}
	}
}
