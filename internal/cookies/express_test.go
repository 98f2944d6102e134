package cookies_test

import (
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/cookies"
)

// All spellings of the same cookie give the same id.
func TestExpressSpellings(t *testing.T) {
	codec := cookies.Express(secretA)
	for _, id := range []string{someID, "a.b/c", "a:b", "100%", "%41"} {
		signed := "s:" + cookies.Sign(id, secretA)
		var all strings.Builder
		for i := range len(signed) {
			all.WriteString("%" + string("0123456789abcdef"[signed[i]>>4]) + string("0123456789ABCDEF"[signed[i]&15]))
		}
		escaped := cookies.PercentEncode(signed)
		spellings := map[string]string{
			"as cookie 0.7 writes it":  escaped,
			"every byte escaped":       all.String(),
			"prefix escaped otherwise": "%73%3a" + escaped[len("s%3A"):],
			"colon in lower case":      "s%3a" + escaped[len("s%3A"):],
			"colon not escaped":        "s:" + escaped[len("s%3A"):],
			"dot escaped":              strings.ReplaceAll(escaped, ".", "%2E"),
		}
		if !strings.Contains(id, "%") {
			spellings["as cookie 2 writes it"] = signed
		}
		for name, value := range spellings {
			if got, ok := codec.Decode("connect.sid", value); !ok || got != id {
				t.Errorf("%s: decode(%q) = %q, %v, want %q", name, value, got, ok, id)
			}
		}
	}
}

func TestExpressRefusesText(t *testing.T) {
	codec := cookies.Express(secretA)
	mac := cookies.Sign(someID, secretA)[len(someID):]
	for _, value := range []string{
		"", "s", "s:", "s:.", "s%", "s%3", "s%3A", "s%3A.", "%", "%73", ".", "s:" + someID, "s:" + someID + ".", "s:" + mac, someID + mac, "S:" + someID + mac, "j:" + someID + mac,
		"s%253A" + someID + mac, strings.Repeat("A", cookies.MaxExpress), strings.Repeat("%41", 1000), "s:" + strings.Repeat(".", 1<<20),
	} {
		if id, ok := codec.Decode("connect.sid", value); ok {
			t.Errorf("decode of %d bytes %.40q = %q, want it refused", len(value), value, id)
		}
	}
}

// The longest value that can be valid is not refused because of its length.
func TestExpressLongest(t *testing.T) {
	id := strings.Repeat("x", 512)
	var all strings.Builder
	for _, c := range []byte("s:" + cookies.Sign(id, secretA)) {
		all.WriteString("%" + string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]))
	}
	if all.Len() != cookies.MaxExpress {
		t.Errorf("longest value has %d bytes, want %d", all.Len(), cookies.MaxExpress)
	}
	if got, ok := cookies.Express(secretA).Decode("connect.sid", all.String()); !ok || got != id {
		t.Errorf("decode = %q, %v, want the id", got, ok)
	}
}

func FuzzExpressCodec(f *testing.F) {
	codec := cookies.Express(secretA, secretB)
	for _, id := range []string{someID, "a", "a.b", "100%", "%41", "a/b", "", "ü", "{x}", strings.Repeat("x", 513)} {
		f.Add(id)
		f.Add("s:" + cookies.Sign(id, secretA))
		f.Add(cookies.PercentEncode("s:" + cookies.Sign(id, secretB)))
	}
	f.Add("s%3A%")
	f.Add("s%3A%ED%A0%80.")
	f.Fuzz(func(t *testing.T, text string) {
		// As a value: an accepted text gives an id whose encoded value gives the same id, and is signed by
		// one of the secrets.
		if id, ok := codec.Decode("connect.sid", text); ok {
			value := mustEncode(t, codec, "connect.sid", id)
			if again, ok := codec.Decode("connect.sid", value); !ok || again != id {
				t.Fatalf("decode(%q) = %q, encoded again it decodes to %q, %v", text, id, again, ok)
			}
			if plain := cookies.PercentDecode(text); plain != "s:"+cookies.Sign(id, secretA) && plain != "s:"+cookies.Sign(id, secretB) {
				t.Fatalf("decode(%q) = %q, which no secret signed", text, id)
			}
		}
		// As an id: it comes back from both spellings.
		value, err := codec.Encode("connect.sid", text)
		if (err == nil) != cookies.ValidID(text) {
			t.Fatalf("encode(%q) = %v, valid: %v", text, err, cookies.ValidID(text))
		}
		if err != nil {
			return
		}
		if id, ok := codec.Decode("connect.sid", value); !ok || id != text {
			t.Fatalf("decode(encode(%q)) = %q, %v", text, id, ok)
		}
		if strings.Contains(text, "%") {
			return // cookie 0.7.2 unescapes a raw value too
		}
		if id, ok := codec.Decode("connect.sid", cookies.PercentDecode(value)); !ok || id != text {
			t.Fatalf("decode of the raw form of %q = %q, %v", text, id, ok)
		}
	})
}
