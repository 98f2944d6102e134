package jwt_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/jwt"
)

func TestNoKeyIsEverPrinted(t *testing.T) {
	secret := must(jwt.NewSecret("an id", jwt.HS256, secretOf(jwt.HS256)))
	const want = `jwt.Key(HS256 "an id")`
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, secret); got != want {
			t.Errorf("%s prints %s, want %s", verb, got, want)
		}
	}
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "key", secret)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "key", secret)
	fmt.Fprintf(&b, "%+v", struct{ K *jwt.Key }{secret})
	for _, leak := range []string{string(secretOf(jwt.HS256)), "made-up", base64.StdEncoding.EncodeToString(secretOf(jwt.HS256))[:20], "109 97 100 101"} {
		if strings.Contains(b.String(), leak) {
			t.Errorf("the secret is in %s", b.String())
		}
	}
	if got := fmt.Sprint((*jwt.Key)(nil)); got != "<nil>" {
		t.Errorf("a nil key prints %s", got)
	}
}

func TestKeysKnowWhatTheyAre(t *testing.T) {
	private := keyOf(t, "a", jwt.ES256)
	if private.ID() != "a" || private.Algorithm() != jwt.ES256 || !private.CanSign() {
		t.Errorf("got %q, %s, %t", private.ID(), private.Algorithm(), private.CanSign())
	}
	public := must(jwt.ParsePEM("", jwt.RS256, publicPEM(t, "rsa")))
	if public.CanSign() {
		t.Error("a public key can sign")
	}
	secret := secretOf(jwt.HS256)
	copied := must(jwt.NewSecret("", jwt.HS256, secret))
	clear(secret)
	if got := present(t, subjects(t, jwt.Config{Keys: keyList(copied), Issuer: issuer, Audience: []string{audience}}), hs256(atJWT, with(claims{"exp": 4102444800}))); got.status != 200 {
		t.Errorf("a change of the caller's secret reaches the key: %+v", got)
	}
}

// A key as dotenv files, Kubernetes and most hosting panels store it.
func TestAPEMFileMayHaveItsLineBreaksSpelled(t *testing.T) {
	file := string(pemOf(t, "p256"))
	want := jwt.PublicKeySet(must(jwt.ParsePEM("a", jwt.ES256, []byte(file))))
	for name, text := range map[string]string{
		"backslash n":            strings.ReplaceAll(file, "\n", `\n`),
		"backslash n at the end": strings.TrimSpace(file) + `\n`,
		"both":                   strings.ReplaceAll(file, "\n", "\\n\n"),
	} {
		key, err := jwt.ParsePEM("a", jwt.ES256, []byte(text))
		if err != nil || !bytes.Equal(jwt.PublicKeySet(key), want) {
			t.Errorf("%s: got %v, %v, want the key", name, key, err)
		}
	}
}

func TestBadKeysAreRefused(t *testing.T) {
	pkcs8 := func(typ string, data []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: data}) }
	p256 := pemOf(t, "p256")
	for _, r := range []struct {
		name string
		text []byte
		want string
	}{
		{"no PEM", []byte("secret"), "no PEM block"},
		{"two blocks", append(p256, p256...), "more than one block"},
		{"a certificate", pkcs8("CERTIFICATE", nil), `type "CERTIFICATE"`},
		{"a key in the format of old", pkcs8("EC PRIVATE KEY", nil), "openssl pkey"},
		{"a broken private key", pkcs8("PRIVATE KEY", []byte("x")), "private key is malformed"},
		{"a broken public key", pkcs8("PUBLIC KEY", []byte("x")), "public key is malformed"},
		{"a key for key agreement", pkcs8("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(must(ecdh.X25519().GenerateKey(rand.Reader))))), "ES256 needs an ECDSA key on P-256"},
	} {
		if _, err := jwt.ParsePEM("", jwt.ES256, r.text); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: got %v, want %q in it", r.name, err, r.want)
		}
	}
	for name, key := range map[string]any{"nil": nil, "a nil pointer": (*rsa.PrivateKey)(nil), "a short key": ed25519.PrivateKey{1}, "a value": rsa.PrivateKey{}} {
		if _, err := jwt.NewPrivateKey("", jwt.RS256, key); err == nil {
			t.Errorf("%s is accepted as a private key", name)
		}
	}
	if _, err := jwt.NewSecret("\xff", jwt.HS256, secretOf(jwt.HS256)); err == nil {
		t.Error("an id that is not UTF-8 is accepted")
	}
	_, err := jwt.NewKeys()
	mentions(t, "no keys", err, "no keys")
	_, err = jwt.NewKeys(nil, keyOf(t, "a", jwt.HS256), keyOf(t, "a", jwt.HS256), keyOf(t, "a", jwt.ES256))
	mentions(t, "bad keys", err, "key 1 is nil", `two keys for HS256 have the id "a"`)
}

func TestRFC7517_5_KeySetsGoOutAndComeBack(t *testing.T) {
	var keys []*jwt.Key
	for _, alg := range algorithms {
		keys = append(keys, keyOf(t, "id of "+string(alg), alg))
	}
	set := jwt.PublicKeySet(keys...)
	if bytes.Contains(set, []byte(`"d"`)) || bytes.Contains(set, []byte(`"oct"`)) || bytes.Contains(set, []byte("HS256")) {
		t.Errorf("something private is in the set: %s", set)
	}
	back := must(jwt.ParseKeySet(set, algorithms[3:]...))
	got := must(back.Keys(t.Context(), ""))
	if len(got) != len(keys)-3 {
		t.Fatalf("%d keys came back of %d", len(got), len(keys)-3)
	}
	if again := jwt.PublicKeySet(got...); !bytes.Equal(again, set) {
		t.Errorf("the set differs after parsing and encoding it:\n%s\n%s", again, set)
	}
}

func TestRFC7517_5_KeysThatCannotBeUsedArePassedOver(t *testing.T) {
	type jwk = map[string]any
	type row struct{ name, jwk, why string }
	membersOf := func(key *jwt.Key) jwk {
		var set map[string][]jwk
		if err := json.Unmarshal(jwt.PublicKeySet(key), &set); err != nil {
			t.Fatal(err)
		}
		return set["keys"][0]
	}
	rsaKey := func(k jwk) { clear(k); maps.Copy(k, membersOf(keyOf(t, "r", jwt.RS256))) }
	var rows []row
	add := func(name, why string, edit func(k jwk)) {
		k := membersOf(keyOf(t, "a", jwt.ES256))
		edit(k)
		rows = append(rows, row{name, string(must(json.Marshal(k))), why})
	}
	add("a good key", "", func(jwk) {})
	add("without alg, of the type of one algorithm", "", func(k jwk) { delete(k, "alg") })
	add("without kid and use", "", func(k jwk) { delete(k, "kid"); delete(k, "use") })
	add("for verifying", "", func(k jwk) { delete(k, "use"); k["key_ops"] = []string{"verify"} })
	add("for signing only", "not for verifying", func(k jwk) { k["key_ops"] = []string{"sign"} })
	add("for encryption", "not for signatures", func(k jwk) { k["use"] = "enc" })
	add("a private key", "private key in a public set", func(k jwk) { k["d"] = "AQ" })
	add("of an algorithm that is not listed", "not among the algorithms", func(k jwk) { k["alg"] = "ES384" })
	add("of the algorithm none", "not among the algorithms", func(k jwk) { k["alg"] = "none" })
	add("of the algorithm HS256", "not among the algorithms", func(k jwk) { k["alg"] = "HS256" })
	add("RSA without alg, when two fit", "", func(k jwk) { rsaKey(k); delete(k, "alg") })
	add("of an unknown type", "its kty is not that of ES256", func(k jwk) { k["kty"] = "XYZ" })
	add("of an unknown type without alg", "none of the algorithms fits", func(k jwk) { k["kty"] = "XYZ"; delete(k, "alg") })
	add("a secret", "its kty is not that of ES256", func(k jwk) { k["kty"], k["k"] = "oct", "AQ" })
	add("on another curve", "crv, x or y is malformed", func(k jwk) { k["crv"] = "P-384" })
	add("with a coordinate that is too short", "not on its curve", func(k jwk) { k["x"] = "AQ" })
	add("with a coordinate in padded base64", "crv, x or y is malformed", func(k jwk) { k["x"] = k["x"].(string) + "=" })
	add("with no coordinate", "not on its curve", func(k jwk) { delete(k, "y") })
	add("off its curve", "not on its curve", func(k jwk) { k["y"] = k["x"] })
	add("with a kid that is a number", "not of its type", func(k jwk) { k["kid"] = 1 })
	add("an RSA key", "", rsaKey)
	add("an RSA key without e", "n or e is malformed", func(k jwk) { rsaKey(k); delete(k, "e") })
	add("an RSA key with e of 5 bytes", "n or e is malformed", func(k jwk) { rsaKey(k); k["e"] = "AQAAAAE" })
	add("an RSA key with e of 1", "not a valid RSA key", func(k jwk) { rsaKey(k); k["e"] = "AQ" })
	add("an RSA key of 128 bits", "128 bits", func(k jwk) { rsaKey(k); k["n"] = base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{255}, 16)) })
	add("an RSA key of a megabit", "n or e is malformed", func(k jwk) { rsaKey(k); k["n"] = strings.Repeat("_", 1<<18) })
	add("an Ed25519 key that is too short", "needs an Ed25519 key", func(k jwk) { clear(k); k["kty"], k["crv"], k["x"] = "OKP", "Ed25519", "AQ" })
	add("an Ed448 key", "crv or x is malformed", func(k jwk) { clear(k); k["kty"], k["crv"], k["x"] = "OKP", "Ed448", "AQ" })
	add("with its type in capitals", `"KTY" differs from a known member by its case only`, func(k jwk) { k["KTY"] = k["kty"]; delete(k, "kty") })
	rows = append(rows, row{"a key with a name twice", `{"kty":"EC","kty":"RSA"}`, "a name is there twice"})
	listed := []jwt.Algorithm{jwt.ES256, jwt.RS256, jwt.PS256, jwt.EdDSA}
	for _, r := range rows {
		list, err := jwt.ParseKeySet([]byte(`{"keys":[`+r.jwk+`]}`), listed...)
		if (err == nil) != (r.why == "") || err != nil && !strings.Contains(err.Error(), r.why) {
			t.Errorf("%s: got %v, %v, want %q", r.name, list, err, r.why)
		}
	}
}

func TestBadKeySetsAreRefused(t *testing.T) {
	many := `{"keys":[` + strings.Repeat("{},", 100) + `{}]}`
	for _, r := range []struct{ name, set, want string }{
		{"garbage", "<html>", "not JSON"},
		{"a list", "[]", "not a JSON object"},
		{"no keys", "{}", "no list of keys"},
		{"keys of null", `{"keys":null}`, "no list of keys"},
		{"keys an object", `{"keys":{}}`, "no list of keys"},
		{"keys twice", `{"keys":[],"keys":[]}`, "a name is there twice"},
		{"an empty list", `{"keys":[]}`, "no usable key"},
		{"101 keys", many, "101 keys are more than 100"},
		{"a key that is a string", `{"keys":["k"]}`, "key 1: not a JSON object"},
	} {
		if _, err := jwt.ParseKeySet([]byte(r.set), jwt.ES256); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: got %v, want %q in it", r.name, err, r.want)
		}
	}
	for _, r := range []struct {
		algorithms []jwt.Algorithm
		want       string
	}{
		{nil, "no algorithms"},
		{[]jwt.Algorithm{"none"}, `"none" is no algorithm`},
		{[]jwt.Algorithm{jwt.ES256, jwt.HS256}, "HS256 takes a secret"},
	} {
		if _, err := jwt.ParseKeySet([]byte(`{"keys":[]}`), r.algorithms...); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%v: got %v, want %q in it", r.algorithms, err, r.want)
		}
	}
}
