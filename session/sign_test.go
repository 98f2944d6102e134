package session_test

import (
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/session"
)

// Every way to write the same cookie gives the same id.
func TestExpressSpellings(t *testing.T) {
	codec := session.Express(secretA)
	for _, id := range []string{someID, "a.b/c", "a:b", "100%", "%41"} {
		signed := "s:" + session.Sign(id, secretA)
		var all strings.Builder
		for i := range len(signed) {
			all.WriteString("%" + string("0123456789abcdef"[signed[i]>>4]) + string("0123456789ABCDEF"[signed[i]&15]))
		}
		escaped := session.PercentEncode(signed)
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
			if got, ok := session.Decode(codec, "connect.sid", value); !ok || got != id {
				t.Errorf("%s: decode(%q) = %q, %v, want %q", name, value, got, ok, id)
			}
		}
	}
}

func TestExpressRefusesText(t *testing.T) {
	codec := session.Express(secretA)
	mac := session.Sign(someID, secretA)[len(someID):]
	for _, value := range []string{
		"", "s", "s:", "s:.", "s%", "s%3", "s%3A", "s%3A.", "%", "%73", ".", "s:" + someID, "s:" + someID + ".", "s:" + mac, someID + mac, "S:" + someID + mac, "j:" + someID + mac,
		"s%253A" + someID + mac, strings.Repeat("A", session.MaxExpress), strings.Repeat("%41", 1000), "s:" + strings.Repeat(".", 1<<20),
	} {
		if id, ok := session.Decode(codec, "connect.sid", value); ok {
			t.Errorf("decode of %d bytes %.40q = %q, want it refused", len(value), value, id)
		}
	}
}

// The longest value that can be valid is not refused for its length.
func TestExpressLongest(t *testing.T) {
	id := strings.Repeat("x", 512)
	var all strings.Builder
	for _, c := range []byte("s:" + session.Sign(id, secretA)) {
		all.WriteString("%" + string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]))
	}
	if all.Len() != session.MaxExpress {
		t.Errorf("longest value has %d bytes, want %d", all.Len(), session.MaxExpress)
	}
	if got, ok := session.Decode(session.Express(secretA), "connect.sid", all.String()); !ok || got != id {
		t.Errorf("decode = %q, %v, want the id", got, ok)
	}
}

func FuzzExpressCodec(f *testing.F) {
	codec := session.Express(secretA, secretB)
	for _, id := range []string{someID, "a", "a.b", "100%", "%41", "a/b", "", "ü", "{x}", strings.Repeat("x", 513)} {
		f.Add(id)
		f.Add("s:" + session.Sign(id, secretA))
		f.Add(session.PercentEncode("s:" + session.Sign(id, secretB)))
	}
	f.Add("s%3A%")
	f.Add("s%3A%ED%A0%80.")
	f.Fuzz(func(t *testing.T, text string) {
		// Read as a value: what is accepted stands for an id that encodes to a value
		// that stands for it again, and is signed by one of the secrets.
		if id, ok := session.Decode(codec, "connect.sid", text); ok {
			value := mustEncode(t, codec, "connect.sid", id)
			if again, ok := session.Decode(codec, "connect.sid", value); !ok || again != id {
				t.Fatalf("decode(%q) = %q, encoded again it decodes to %q, %v", text, id, again, ok)
			}
			if plain := session.PercentDecode(text); plain != "s:"+session.Sign(id, secretA) && plain != "s:"+session.Sign(id, secretB) {
				t.Fatalf("decode(%q) = %q, which no secret signed", text, id)
			}
		}
		// Read as an id: it comes back from both spellings.
		value, err := session.Encode(codec, "connect.sid", text)
		if (err == nil) != session.ValidID(text) {
			t.Fatalf("encode(%q) = %v, valid: %v", text, err, session.ValidID(text))
		}
		if err != nil {
			return
		}
		if id, ok := session.Decode(codec, "connect.sid", value); !ok || id != text {
			t.Fatalf("decode(encode(%q)) = %q, %v", text, id, ok)
		}
		if strings.Contains(text, "%") {
			return // cookie 0.7.2 unescapes a raw value too
		}
		if id, ok := session.Decode(codec, "connect.sid", session.PercentDecode(value)); !ok || id != text {
			t.Fatalf("decode of the raw form of %q = %q, %v", text, id, ok)
		}
	})
}
