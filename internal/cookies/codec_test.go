package cookies_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/seed-6f34412b/passport/internal/cookies"
)

// Three secrets and an id that differ as much as possible.
const (
	secretA = "aaaa-first-secret-of-32-bytes-or-more"
	secretB = "bbbb-second-secret-of-32-bytes-or-more"
	secretC = "cccc-third-secret-of-32-bytes-or-more"
	someID  = "iYkcb2Q_s25H98ie7u9Sz2Ihx33B_bjS"
)

// constructors are those of every Codec, by the name in their errors.
var constructors = map[string]func(...string) cookies.Codec{
	"SecureCookie":    cookies.SecureCookie,
	"Express":         cookies.Express,
	"InsecureExpress": cookies.InsecureExpress,
}

func eachCodec(t *testing.T, test func(t *testing.T, make func(...string) cookies.Codec)) {
	t.Helper()
	for name, make := range constructors {
		t.Run(name, func(t *testing.T) { test(t, make) })
	}
}

func mustEncode(t testing.TB, c cookies.Codec, name, id string) string {
	t.Helper()
	value, err := c.Encode(name, id)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestCodecSecrets(t *testing.T) {
	long, short := strings.Repeat("x", 32), strings.Repeat("x", 31)
	for _, row := range []struct {
		name    string
		make    string
		secrets []string
		want    []string // part of each mistake
	}{
		{"no secret at all", "SecureCookie", nil, []string{"SecureCookie: no secret"}},
		{"no secret at all", "Express", nil, []string{"Express: no secret"}},
		{"no secret at all", "InsecureExpress", nil, []string{"InsecureExpress: no secret"}},
		{"an empty secret", "SecureCookie", []string{""}, []string{"secret 1 of 1 is empty"}},
		{"an empty secret", "Express", []string{""}, []string{"secret 1 of 1 is empty"}},
		{"an empty secret", "InsecureExpress", []string{""}, []string{"secret 1 of 1 is empty"}},
		{"31 bytes", "SecureCookie", []string{short}, []string{"secret 1 of 1 has 31 bytes: give at least 32"}},
		{"31 bytes name the cure", "Express", []string{short}, []string{"secret 1 of 1 has 31 bytes: give at least 32, or use InsecureExpress"}},
		{"31 bytes named insecure", "InsecureExpress", []string{short}, nil},
		{"1 byte named insecure", "InsecureExpress", []string{"x"}, nil},
		{"32 bytes", "SecureCookie", []string{long}, nil},
		{"32 bytes", "Express", []string{long}, nil},
		{"bytes count, not characters", "Express", []string{strings.Repeat("ü", 16)}, nil},
		{"every mistake at once", "Express", []string{long, "", short, long, ""}, []string{"secret 2 of 5 is empty", "secret 3 of 5 has 31 bytes", "secret 5 of 5 is empty"}},
		{"every mistake at once", "SecureCookie", []string{short, ""}, []string{"secret 1 of 2 has 31 bytes", "secret 2 of 2 is empty"}},
	} {
		t.Run(row.make+": "+row.name, func(t *testing.T) {
			c := constructors[row.make](row.secrets...)
			got := c.Check()
			if len(got) != len(row.want) {
				t.Fatalf("mistakes %v, want %d", got, len(row.want))
			}
			for i, want := range row.want {
				if !strings.Contains(got[i].Error(), want) {
					t.Errorf("mistake %d is %q, want it to say %q", i, got[i], want)
				}
				if strings.Contains(got[i].Error(), short) {
					t.Errorf("mistake %q quotes the secret", got[i])
				}
			}
			value, err := c.Encode("sid", someID)
			if (err != nil) != (len(row.want) > 0) {
				t.Errorf("encode: %q, %v with %d mistakes", value, err, len(row.want))
			}
			if len(row.want) == 0 {
				return
			}
			// Even a value that the empty key did sign is refused.
			for _, value := range []string{"s:" + cookies.Sign(someID, ""), "s:" + cookies.Sign(someID, short)} {
				if id, ok := c.Decode("sid", value); ok {
					t.Errorf("decode of a codec with mistakes returned %q", id)
				}
			}
		})
	}
}

func TestCodecKind(t *testing.T) {
	for name, want := range map[string]string{"SecureCookie": "securecookie", "Express": "express", "InsecureExpress": "express"} {
		if got := constructors[name](secretA).Kind(); got != want {
			t.Errorf("kind of %s is %q, want %q", name, got, want)
		}
	}
}

// The constructor's slice belongs to the caller.
func TestCodecCopiesSecrets(t *testing.T) {
	eachCodec(t, func(t *testing.T, make func(...string) cookies.Codec) {
		secrets := []string{secretA}
		c := make(secrets...)
		secrets[0] = secretB
		value := mustEncode(t, c, "sid", someID)
		if id, ok := make(secretA).Decode("sid", value); !ok || id != someID {
			t.Errorf("decode = %q, %v: the codec uses a secret that was changed later", id, ok)
		}
	})
}

func TestCodecRotation(t *testing.T) {
	eachCodec(t, func(t *testing.T, make func(...string) cookies.Codec) {
		all := []string{secretA, secretB, secretC}
		rotated := make(all...)
		for i, secret := range all {
			value := mustEncode(t, make(secret), "sid", someID)
			if id, ok := rotated.Decode("sid", value); !ok || id != someID {
				t.Errorf("signed by secret %d: decode = %q, %v, want the id", i+1, id, ok)
			}
			if id, ok := make(append(all[:i:i], all[i+1:]...)...).Decode("sid", value); ok {
				t.Errorf("signed by secret %d, which was removed: decode = %q", i+1, id)
			}
		}
		value := mustEncode(t, rotated, "sid", someID)
		if _, ok := make(secretA).Decode("sid", value); !ok {
			t.Error("the first secret does not sign")
		}
		if _, ok := make(secretB, secretC).Decode("sid", value); ok {
			t.Error("a secret other than the first signs")
		}
	})
}

// Every byte of a value is replaced by every other that a header may contain, removed, and doubled.
func TestCodecTampering(t *testing.T) {
	eachCodec(t, func(t *testing.T, make func(...string) cookies.Codec) {
		c := make(secretA, secretB)
		value := mustEncode(t, c, "sid", someID)
		tried := 0
		check := func(tampered, how string, at int) {
			tried++
			// Another spelling of the same text is not tampering: %3a for %3A.
			same := c.Kind() == "express" && cookies.PercentDecode(tampered) == cookies.PercentDecode(value)
			if id, ok := c.Decode("sid", tampered); ok != (same || tampered == value) {
				t.Errorf("byte %d %s: decode(%q) = %q, %v", at, how, tampered, id, ok)
			}
		}
		for i := range value {
			for b := range 256 {
				check(value[:i]+string([]byte{byte(b)})+value[i+1:], "replaced", i)
			}
			check(value[:i]+value[i+1:], "left out", i)
			check(value[:i]+value[i:i+1]+value[i:], "doubled", i)
			check(value[:i], "and the rest cut off", i)
			check(value[i:], "is the first left", i)
		}
		for _, tail := range []string{".", "=", "==", "A", "%", "%00", "\n", "|"} {
			check(value+tail, "followed by "+tail, len(value))
			check(tail+value, "preceded by "+tail, 0)
		}
		t.Logf("%d tampered values", tried)
	})
}

// The signature of one id is not accepted for another.
func TestCodecSwappedSignatures(t *testing.T) {
	first, second := "s:"+cookies.Sign("first", secretA), "s:"+cookies.Sign("second", secretA)
	_, mac1, _ := strings.Cut(first, ".")
	_, mac2, _ := strings.Cut(second, ".")
	for _, value := range []string{"s:first." + mac2, "s:second." + mac1, "s:." + mac1, "s:first" + mac1, "first." + mac1, "s:first." + mac1 + "." + mac2} {
		if id, ok := cookies.Express(secretA).Decode("connect.sid", value); ok {
			t.Errorf("decode(%q) = %q, want it refused", value, id)
		}
	}
}

func TestCodecNameBinding(t *testing.T) {
	secure := cookies.SecureCookie(secretA)
	value := mustEncode(t, secure, "__Host-sid", someID)
	for _, name := range []string{"sid", "__Host-sid2", "__Host-si", "__host-sid", "", "__Host-sid|"} {
		if id, ok := secure.Decode(name, value); ok {
			t.Errorf("SecureCookie: signed for __Host-sid, decode as %q = %q", name, id)
		}
	}
	express := cookies.Express(secretA)
	if id, ok := express.Decode("other", mustEncode(t, express, "connect.sid", someID)); !ok || id != someID {
		t.Errorf("Express: decode under another name = %q, %v, want the id as in Node", id, ok)
	}
}

func TestCodecIDs(t *testing.T) {
	for _, row := range []struct {
		name, id string
		want     bool
	}{
		{"express-session's own", someID, true},
		{"a UUID", "6c84fb90-12c4-11e1-840d-7b25c5ee775a", true},
		{"one byte", "a", true},
		{"dots", "a.b..c.", true},
		{"percent signs", "100%%41", true},
		{"slashes", "/a//b", true},
		{"pipes", "a|b|c", true},
		{"the other printable characters", "!#$&'()*+-:<=>?@[]^_`~", true},
		{"512 bytes", strings.Repeat("x", 512), true},
		{"512 bytes that are all escaped", strings.Repeat("/", 512), true},
		{"513 bytes", strings.Repeat("x", 513), false},
		{"nothing", "", false},
		{"a space", "a b", false},
		{"a tab", "a\tb", false},
		{"a line end", "a\r\nb", false},
		{"NUL", "a\x00b", false},
		{"DEL", "a\x7fb", false},
		{"a quote", `a"b`, false},
		{"a comma", "a,b", false},
		{"a semicolon", "a;b", false},
		{"a backslash", `a\b`, false},
		{"an opening brace", "{a", false},
		{"a closing brace", "a}", false},
		{"a letter beyond ASCII", "ü", false},
		{"a byte beyond ASCII", "\xfc", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := cookies.ValidID(row.id); got != row.want {
				t.Errorf("validID = %v, want %v", got, row.want)
			}
			eachCodec(t, func(t *testing.T, make func(...string) cookies.Codec) {
				c := make(secretA)
				value, err := c.Encode("sid", row.id)
				if (err == nil) != row.want {
					t.Fatalf("encode = %q, %v, want the id accepted: %v", value, err, row.want)
				}
				if err != nil {
					if len(row.id) > 2 && strings.Contains(err.Error(), row.id) {
						t.Errorf("error %q quotes the id", err)
					}
					return
				}
				if id, ok := c.Decode("sid", value); !ok || id != row.id {
					t.Errorf("decode(%q) = %q, %v, want the id", value, id, ok)
				}
			})
			// Signed with the right secret, it is still not a valid id.
			for _, value := range []string{"s:" + cookies.Sign(row.id, secretA), cookies.PercentEncode("s:" + cookies.Sign(row.id, secretA))} {
				if id, ok := cookies.Express(secretA).Decode("sid", value); ok && !row.want {
					t.Errorf("Express: decode(%q) = %q, want it refused", value, id)
				}
			}
		})
	}
}

func TestCookieCodecShowsNoSecret(t *testing.T) {
	eachCodec(t, func(t *testing.T, make func(...string) cookies.Codec) {
		c := make(secretA, secretB)
		mustEncode(t, c, "sid", someID) // so that the pool has a keyed state
		var shown strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&shown, verb+"\n", c)
			fmt.Fprintf(&shown, verb+"\n", struct{ Codec cookies.Codec }{c})
		}
		slog.New(slog.NewTextHandler(&shown, nil)).Info("config", "codec", c)
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("config", "codec", c)
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(text)
		for _, secret := range []string{secretA[:8], secretB[:8], someID[:8], fmt.Sprintf("%x", secretA[:8]), strings.Trim(fmt.Sprint([]byte(secretA[:8])), "[]")} {
			if strings.Contains(shown.String(), secret) {
				t.Errorf("printing shows %q:\n%s", secret, shown.String())
			}
		}
	})
}

// Borrowed hash states must not mix up concurrent requests.
func TestCodecConcurrently(t *testing.T) {
	eachCodec(t, func(t *testing.T, make func(...string) cookies.Codec) {
		c := make(secretA, secretB)
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 200 {
					id := fmt.Sprintf("id.of%%goroutine/%d.%d.%s", g, i, strings.Repeat("x", i))
					value, err := c.Encode("sid", id)
					if err != nil {
						t.Error(err)
						return
					}
					if got, ok := c.Decode("sid", value); !ok || got != id {
						t.Errorf("decode = %q, %v, want %q", got, ok, id)
					}
					if got, ok := c.Decode("sid", value[:len(value)-1]); ok {
						t.Errorf("decode of a cut value = %q", got)
					}
				}
			})
		}
		wg.Wait()
	})
}
