package cookies_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/cookies"
)

func BenchmarkExpressDecode(b *testing.B) {
	benchmarkDecode(b, cookies.Express(secretA))
}

func BenchmarkExpressDecodeThirdSecret(b *testing.B) {
	value := mustEncode(b, cookies.Express(secretA), "sid", someID)
	codec := cookies.Express(secretC, secretB, secretA)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := codec.Decode("sid", value); !ok {
			b.Fatal("refused")
		}
	}
}

func BenchmarkSecureCookieDecode(b *testing.B) {
	benchmarkDecode(b, cookies.SecureCookie(secretA))
}

// The same cookie, decoded by the library.
func BenchmarkSecureCookieDecodeByLibrary(b *testing.B) {
	value := mustEncode(b, cookies.SecureCookie(secretA), "sid", someID)
	codec := library(secretA)
	b.ReportAllocs()
	for b.Loop() {
		var id []byte
		if err := codec.Decode("sid", value, &id); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkDecode(b *testing.B, codec cookies.Codec) {
	value := mustEncode(b, codec, "sid", someID)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := codec.Decode("sid", value); !ok {
			b.Fatal("refused")
		}
	}
}

func BenchmarkCookieValues(b *testing.B) {
	for name, line := range map[string]string{
		"alone":  "connect.sid=" + mustEncode(b, cookies.Express(secretA), "connect.sid", someID),
		"fourth": "_ga=GA1.1.1234567890.1234567890; theme=dark; csrf=abcdefghijklmnop; connect.sid=" + mustEncode(b, cookies.Express(secretA), "connect.sid", someID),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				found := false
				for range cookies.Values(line, "connect.sid") {
					found = true
				}
				if !found {
					b.Fatal("not found")
				}
			}
		})
	}
}

func BenchmarkSetCookie(b *testing.B) {
	value := mustEncode(b, cookies.Express(secretA), "connect.sid", someID)
	line, err := cookies.NewLine(cookies.Attributes{Name: "connect.sid", Path: "/", HTTPOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := line.Set(value, time.Time{}, time.Time{}); err != nil {
			b.Fatal(err)
		}
	}
}
