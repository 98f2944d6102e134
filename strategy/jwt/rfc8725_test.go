package jwt_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/seed-6f34412b/passport/strategy/jwt"
)

const (
	noSuchAlg = "jwt: header: alg is not an algorithm of this package"
	noSuchKey = "jwt: no key has the header's alg and kid"
	badSig    = "jwt: the signature is wrong"
	badBase64 = "jwt: a part of the token is not base64url"
)

// publicPEM returns the public key of a file of testdata, which anybody can have.
func publicPEM(t testing.TB, file string) []byte {
	t.Helper()
	block, _ := pem.Decode(pemOf(t, file))
	private, _ := must(x509.ParsePKCS8PrivateKey(block.Bytes)).(*rsa.PrivateKey)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(&private.PublicKey))})
}

func TestRFC8725_3_1_EachKeyHasOneAlgorithm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		public := publicPEM(t, "rsa")
		block, _ := pem.Decode(public)
		rsaKey := must(jwt.ParsePEM("", jwt.RS256, public))
		confused := func(secret []byte, alg string, method gojwt.SigningMethod) string {
			return sign(method, secret, `{"alg":"`+alg+`","typ":"at+jwt"}`, with(nil))
		}
		private := must(gojwt.ParseRSAPrivateKeyFromPEM(pemOf(t, "rsa")))
		try(t, configOf(rsaKey), []row{
			{"the algorithm of the key", sign(gojwt.SigningMethodRS256, private, `{"alg":"RS256","typ":"at+jwt"}`, with(nil)), 200, ""},
			{"HMAC with the public key's file as the secret", confused(public, "HS256", gojwt.SigningMethodHS256), 401, noSuchKey},
			{"HMAC with that file without its last line break", confused([]byte(strings.TrimSpace(string(public))), "HS256", gojwt.SigningMethodHS256), 401, noSuchKey},
			{"HMAC with the public key's bytes as the secret", confused(block.Bytes, "HS512", gojwt.SigningMethodHS512), 401, noSuchKey},
			{"HMAC under the name of the key's algorithm", confused(public, "RS256", gojwt.SigningMethodHS256), 401, badSig},
			{"another algorithm of the same key type", sign(gojwt.SigningMethodRS512, private, `{"alg":"RS512","typ":"at+jwt"}`, with(nil)), 401, noSuchKey},
			{"PSS with a PKCS1 key", sign(gojwt.SigningMethodPS256, private, `{"alg":"PS256","typ":"at+jwt"}`, with(nil)), 401, noSuchKey},
			{"PSS under the name of PKCS1", sign(gojwt.SigningMethodPS256, private, `{"alg":"RS256","typ":"at+jwt"}`, with(nil)), 401, badSig},
		})
		if _, err := jwt.NewSecret("", jwt.HS256, public); err == nil {
			t.Error("a public key in PEM is accepted as a secret")
		}
	})
}

// RFC 7517 §4.4: "alg" is optional, and Entra ID omits it. Then the algorithms of the key's type that the
// application lists are allowed, and no others.
func TestRFC7517_4_4_AKeyWithoutAlgIsForThoseThatAreListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := strings.ReplaceAll(string(jwt.PublicKeySet(keyOf(t, "r", jwt.RS256))), `,"alg":"RS256"`, "")
		cfg := configOf(keyOf(t, "", jwt.HS256))
		cfg.Keys = must(jwt.ParseKeySet([]byte(set), jwt.RS256, jwt.PS256, jwt.ES256))
		private := must(gojwt.ParseRSAPrivateKeyFromPEM(pemOf(t, "rsa")))
		signed := func(alg string, method gojwt.SigningMethod) string {
			return sign(method, private, `{"alg":"`+alg+`","typ":"at+jwt","kid":"r"}`, with(nil))
		}
		try(t, cfg, []row{
			{"the first", signed("RS256", gojwt.SigningMethodRS256), 200, ""},
			{"the second", signed("PS256", gojwt.SigningMethodPS256), 200, ""},
			{"one under the name of the other", signed("RS256", gojwt.SigningMethodPS256), 401, badSig},
			{"one that is not listed", signed("RS512", gojwt.SigningMethodRS512), 401, noSuchKey},
			{"one of another type", signed("ES256", gojwt.SigningMethodRS256), 401, noSuchKey},
		})
	})
}

// RFC 8725 §2.1 and §3.2: "none" in every spelling.
func TestRFC8725_3_2_NoneIsNoAlgorithm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rows []row
		for _, alg := range []string{"none", "None", "NONE", "nOnE", " none", "none ", "hs256", "HS256 ", "HS-256", "HS1", "\u0000"} {
			header := `{"alg":` + string(must(json.Marshal(alg))) + `,"typ":"at+jwt"}`
			signed := encode(header) + "." + encode(with(nil))
			rows = append(rows,
				row{alg + " without a signature", signed + ".", 401, noSuchAlg},
				row{alg + " with a good signature", hs256(header, with(nil)), 401, noSuchAlg})
		}
		rows = append(rows,
			row{"HS256 without a signature", encode(atJWT) + "." + encode(with(nil)) + ".", 401, badSig},
			row{"no alg", hs256(`{"typ":"at+jwt"}`, with(nil)), 401, "jwt: header: alg is missing, or a parameter is not a string"},
			row{"an empty alg", hs256(`{"alg":"","typ":"at+jwt"}`, with(nil)), 401, "jwt: header: alg is missing, or a parameter is not a string"},
			row{"alg a list", hs256(`{"alg":["HS256"],"typ":"at+jwt"}`, with(nil)), 401, "jwt: header: alg is missing, or a parameter is not a string"},
		)
		try(t, configOf(keyOf(t, "", jwt.HS256)), rows)
	})
	for _, alg := range []jwt.Algorithm{"none", "", "HS1", "hs256"} {
		if _, err := jwt.NewSecret("", alg, make([]byte, 64)); err == nil {
			t.Errorf("NewSecret makes a key for %q", alg)
		}
		if _, err := jwt.NewPublicKey("", alg, nil); err == nil {
			t.Errorf("NewPublicKey makes a key for %q", alg)
		}
	}
}

func TestRFC8725_3_3_EveryPartIsVerifiedBeforeClaimsAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := hs256(atJWT, with(nil))
		parts := strings.Split(good, ".")
		other := strings.Split(hs256(atJWT, with(claims{"sub": "1"})), ".")
		try(t, configOf(keyOf(t, "", jwt.HS256)), []row{
			{"as signed", good, 200, ""},
			{"another payload", parts[0] + "." + other[1] + "." + parts[2], 401, badSig},
			{"another header", encode(`{"typ":"at+jwt","alg":"HS256"}`) + "." + parts[1] + "." + parts[2], 401, badSig},
			{"a signature cut short", good[:len(good)-3], 401, badSig},
			{"a longer signature", good + "AAAA", 401, badSig},
			{"a payload that is no JSON, unsigned", parts[0] + "." + encode("{") + "." + parts[2], 401, badSig},
			{"a payload that is no JSON, signed", hs256(atJWT, "{"), 401, "jwt: claims: not JSON in UTF-8"},
			{"an expired payload, unsigned", parts[0] + "." + encode(with(claims{"exp": 1})) + "." + parts[2], 401, badSig},
		})
	})
}

// RFC 8725 §3.4: points are validated, and a key's curve must be that of its algorithm.
func TestRFC8725_3_4_CurvesAndPointsAreChecked(t *testing.T) {
	for _, r := range []struct {
		name, file string
		alg        jwt.Algorithm
		ok         bool
	}{
		{"P-256 for ES256", "p256", jwt.ES256, true},
		{"P-384 for ES256", "p384", jwt.ES256, false},
		{"P-521 for ES384", "p521", jwt.ES384, false},
		{"P-256 for ES512", "p256", jwt.ES512, false},
		{"secp256k1 for ES256", "secp256k1", jwt.ES256, false},
		{"Ed25519 for ES256", "ed25519", jwt.ES256, false},
		{"P-256 for EdDSA", "p256", jwt.EdDSA, false},
		{"P-256 for RS256", "p256", jwt.RS256, false},
		{"RSA for ES256", "rsa", jwt.ES256, false},
		{"RSA for HS256", "rsa", jwt.HS256, false},
	} {
		if _, err := jwt.ParsePEM("", r.alg, pemOf(t, r.file)); (err == nil) != r.ok {
			t.Errorf("%s: %v", r.name, err)
		}
	}
	off := &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)} //nolint:staticcheck // the only way to make a point that is not on its curve
	if _, err := jwt.NewPublicKey("", jwt.ES256, off); err == nil {
		t.Error("a point that is not on its curve is accepted")
	}
	synctest.Test(t, func(t *testing.T) {
		p384 := must(gojwt.ParseECPrivateKeyFromPEM(pemOf(t, "p384")))
		p256 := must(gojwt.ParseECPrivateKeyFromPEM(pemOf(t, "p256")))
		header := `{"alg":"ES256","typ":"at+jwt"}`
		zeros := encode(header) + "." + encode(with(nil)) + "." + encode(strings.Repeat("\x00", 64))
		try(t, configOf(keyOf(t, "", jwt.ES256)), []row{
			{"signed on the curve of the key", sign(gojwt.SigningMethodES256, p256, header, with(nil)), 200, ""},
			{"signed on another curve", sign(gojwt.SigningMethodES384, p384, header, with(nil)), 401, badSig},
			{"a signature of zeros (CVE-2022-21449)", zeros, 401, badSig},
		})
	})
}

// RFC 8725 §3.5, RFC 7518 §3.2, §3.3 and §3.5.
func TestRFC8725_3_5_KeysAreStrong(t *testing.T) {
	secret := make([]byte, 64)
	for _, r := range []struct {
		name string
		alg  jwt.Algorithm
		size int
		ok   bool
	}{
		{"31 bytes for HS256", jwt.HS256, 31, false},
		{"32 bytes for HS256", jwt.HS256, 32, true},
		{"47 bytes for HS384", jwt.HS384, 47, false},
		{"48 bytes for HS384", jwt.HS384, 48, true},
		{"63 bytes for HS512", jwt.HS512, 63, false},
		{"64 bytes for HS512", jwt.HS512, 64, true},
		{"nothing for HS256", jwt.HS256, 0, false},
		{"a secret for RS256", jwt.RS256, 64, false},
	} {
		if _, err := jwt.NewSecret("", r.alg, secret[:r.size]); (err == nil) != r.ok {
			t.Errorf("%s: %v", r.name, err)
		}
	}
	modulus := must(gojwt.ParseRSAPrivateKeyFromPEM(pemOf(t, "rsa"))).N
	huge := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 8192), big.NewInt(1))
	for _, r := range []struct {
		name string
		key  *rsa.PublicKey
		ok   bool
	}{
		{"2048 bits", &rsa.PublicKey{N: modulus, E: 65537}, true},
		{"1024 bits", &must(gojwt.ParseRSAPrivateKeyFromPEM(pemOf(t, "rsa1024"))).PublicKey, false},
		{"8193 bits", &rsa.PublicKey{N: huge, E: 65537}, false},
		{"the exponent 1, with which every signature is good", &rsa.PublicKey{N: modulus, E: 1}, false},
		{"an even exponent", &rsa.PublicKey{N: modulus, E: 65536}, false},
		{"an even modulus", &rsa.PublicKey{N: new(big.Int).Add(modulus, big.NewInt(1)), E: 65537}, false},
		{"no modulus", &rsa.PublicKey{E: 65537}, false},
		{"nil", nil, false},
	} {
		if _, err := jwt.NewPublicKey("", jwt.RS256, r.key); (err == nil) != r.ok {
			t.Errorf("%s: %v", r.name, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		private := must(gojwt.ParseRSAPrivateKeyFromPEM(pemOf(t, "rsa")))
		anySalt := &gojwt.SigningMethodRSAPSS{SigningMethodRSA: gojwt.SigningMethodPS256.SigningMethodRSA, Options: &rsa.PSSOptions{SaltLength: 8}}
		header := `{"alg":"PS256","typ":"at+jwt"}`
		try(t, configOf(keyOf(t, "", jwt.PS256)), []row{
			{"a salt of the hash's size", sign(gojwt.SigningMethodPS256, private, header, with(nil)), 200, ""},
			{"a shorter salt", sign(anySalt, private, header, with(nil)), 401, badSig},
		})
	})
}

// RFC 8725 §3.6 and §3.7: no compression, and UTF-8 only. With a decoder that is not strict about base64url,
// one token would have several texts.
func TestRFC8725_3_7_TokensHaveOneEncoding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := hs256(atJWT, with(nil))
		last := good[len(good)-1]
		loose := good[:len(good)-1] + string(last+1) // differs only in unused bits
		try(t, configOf(keyOf(t, "", jwt.HS256)), []row{
			{"padding", good + "=", 401, badBase64},
			{"stray bits at the end", loose, 401, badBase64},
			{"standard base64", strings.Replace(good, "_", "/", 1) + "+/", 401, badBase64},
			{"not UTF-8 in the payload", hs256(atJWT, "{\"sub\":\"\xff\"}"), 401, "jwt: claims: not JSON in UTF-8"},
			{"UTF-16 in the header", hs256("{\x00}\x00", with(nil)), 401, "jwt: header: not JSON in UTF-8"},
			{"a byte order mark", hs256("\ufeff"+atJWT, with(nil)), 401, "jwt: header: not JSON in UTF-8"},
			{"half of a surrogate pair, which would equal any other", hs256(atJWT, strings.Replace(with(nil), `"42"`, `"\ud800"`, 1)), 401, "jwt: claims: sub has the wrong type, or is empty"},
			{"compressed", hs256(`{"alg":"HS256","typ":"at+jwt","zip":"DEF"}`, with(nil)), 401, "jwt: header: the token is encrypted or compressed"},
		})
		cookie := subjects(t, jwt.Config{Keys: keyList(keyOf(t, "", jwt.HS256)), Issuer: issuer, Audience: []string{audience}, Cookie: "__Host-t"})
		if got := presentHeader(t, cookie, "Cookie", "__Host-t="+good); got.status != 200 {
			t.Errorf("in a cookie: got %d (%s), want 200", got.status, got.reason)
		}
	})
}

func TestRFC8725_3_8_IssuerAndSubject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wrong, missing = "jwt: claims: token has invalid issuer", "jwt: claims: token is missing required claim: iss claim is required"
		try(t, configOf(keyOf(t, "", jwt.HS256)), []row{
			{"another issuer", hs256(atJWT, with(claims{"iss": "https://evil.example"})), 401, wrong},
			{"a longer one", hs256(atJWT, with(claims{"iss": issuer + "/"})), 401, wrong},
			{"another case", hs256(atJWT, with(claims{"iss": strings.ToUpper(issuer)})), 401, wrong},
			{"none", hs256(atJWT, with(claims{"iss": nil})), 401, missing},
			{"an empty one", hs256(atJWT, with(claims{"iss": ""})), 401, missing},
			{"a list with it", hs256(atJWT, with(claims{"iss": []string{issuer}})), 401, "jwt: claims: iss has the wrong type, or is empty"},
		})
	})
}

func TestRFC8725_3_9_Audience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wrong, missing = "jwt: claims: token has invalid audience", "jwt: claims: token is missing required claim: aud claim is required"
		cfg := configOf(keyOf(t, "", jwt.HS256))
		cfg.Audience = []string{audience, "urn:second"}
		try(t, cfg, []row{
			{"a list with it", hs256(atJWT, with(claims{"aud": []string{"urn:other", "urn:second"}})), 200, ""},
			{"another audience", hs256(atJWT, with(claims{"aud": "urn:other"})), 401, wrong},
			{"part of it", hs256(atJWT, with(claims{"aud": audience[:10]})), 401, wrong},
			{"none", hs256(atJWT, with(claims{"aud": nil})), 401, missing},
			{"an empty list", hs256(atJWT, with(claims{"aud": []string{}})), 401, missing},
			{"an object", hs256(atJWT, with(claims{"aud": claims{audience: true}})), 401, "jwt: claims: aud has the wrong type, or is empty"},
			{"a list with a number", hs256(atJWT, with(claims{"aud": []any{audience, 1}})), 401, "jwt: claims: aud has the wrong type, or is empty"},
		})
	})
}

// RFC 8725 §3.10: "applications that use the kid should ensure that they do not create
// SQL or LDAP injection vulnerabilities", and jku and x5u are not followed.
func TestRFC8725_3_10_HeadersAreNotTrusted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attacker := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
		point := must(attacker.PublicKey.Bytes())
		set := jwkOf(point)
		embedded := func(extra string) string {
			return sign(gojwt.SigningMethodES256, attacker, `{"alg":"ES256","typ":"at+jwt",`+extra+`}`, with(nil))
		}
		private := must(gojwt.ParseECPrivateKeyFromPEM(pemOf(t, "p256")))
		genuine := func(extra string) string {
			return sign(gojwt.SigningMethodES256, private, `{"alg":"ES256","typ":"at+jwt",`+extra+`}`, with(nil))
		}
		try(t, configOf(keyOf(t, "a", jwt.ES256), keyOf(t, "b", jwt.ES384)), []row{
			{"a jwk that verifies it", embedded(`"jwk":` + set), 401, badSig},
			{"a jwk under the id of our key", embedded(`"kid":"a","jwk":` + set), 401, badSig},
			{"a jku with a set that verifies it", embedded(`"jku":"https://evil.example/jwks.json"`), 401, badSig},
			{"an x5u", embedded(`"x5u":"https://evil.example/chain.pem"`), 401, badSig},
			{"an x5c", embedded(`"x5c":["MIIB"]`), 401, badSig},
			{"the same beside a good signature", genuine(`"jwk":` + set + `,"jku":"https://evil.example","x5u":"u","x5c":["MIIB"],"x5t":"t"`), 200, ""},
			{"a kid that is a path", genuine(`"kid":"../../../../dev/null"`), 401, noSuchKey},
			{"a kid that is a query", genuine(`"kid":"a' OR '1'='1"`), 401, noSuchKey},
			{"a kid that is a URL", genuine(`"kid":"https://evil.example/key"`), 401, noSuchKey},
			{"an unknown kid", genuine(`"kid":"c"`), 401, noSuchKey},
			{"the kid of a key for another algorithm", genuine(`"kid":"b"`), 401, noSuchKey},
			{"the kid in another case", genuine(`"kid":"A"`), 401, noSuchKey},
			{"the kid twice", genuine(`"kid":"a","kid":"a"`), 401, "jwt: header: a name is there twice"},
			{"the alg twice", genuine(`"alg":"ES256"`), 401, "jwt: header: a name is there twice"},
			{"a kid that is a number", genuine(`"kid":1`), 401, "jwt: header: alg is missing, or a parameter is not a string"},
			{"a kid of null", genuine(`"kid":null`), 401, "jwt: header: alg is missing, or a parameter is not a string"},
			{"the kid of the key", genuine(`"kid":"a"`), 200, ""},
			{"an empty kid", genuine(`"kid":""`), 200, ""},
		})
	})
}

func jwkOf(point []byte) string {
	return `{"kty":"EC","crv":"P-256","x":"` + encode(string(point[1:33])) + `","y":"` + encode(string(point[33:])) + `"}`
}

func TestRFC8725_3_11_TypesAreExplicit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wrong = "jwt: header: typ is none of Config.Types"
		typed := func(typ string) string { return hs256(`{"alg":"HS256","typ":"`+typ+`"}`, with(nil)) }
		without := hs256(`{"alg":"HS256"}`, with(nil))
		cfg := configOf(keyOf(t, "", jwt.HS256))
		try(t, cfg, []row{
			{"an ID token", typed("JWT"), 401, wrong},
			{"a log-out token", typed("logout+jwt"), 401, wrong},
			{"a proof of possession", typed("dpop+jwt"), 401, wrong},
			{"no type", without, 401, wrong},
			{"another tree", typed("text/at+jwt"), 401, wrong},
		})
		cfg.Types = []string{"application/Example+JWT", ""}
		try(t, cfg, []row{
			{"a type of one's own", typed("example+jwt"), 200, ""},
			{"no type, where that is accepted", without, 200, ""},
			{"an access token, where it is not", typed("at+jwt"), 401, wrong},
		})
	})
}

// RFC 8725 §3.12: a token of one kind must not be accepted as another. Two strategies with different keys,
// audiences or types do not accept each other's tokens.
func TestRFC8725_3_12_ValidationRulesAreExclusive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := keyOf(t, "", jwt.HS256)
		issue := func(aud, typ string) string {
			i := must(jwt.NewIssuer[jwt.AccessClaims](jwt.IssuerConfig{Keys: keyList(key), Issuer: issuer, Audience: []string{aud}, Type: typ}))
			return must(i.Issue(context.Background(), "42", jwt.AccessClaims{}))
		}
		kinds := [][2]string{{"urn:one", "one+jwt"}, {"urn:one", "two+jwt"}, {"urn:two", "one+jwt"}}
		for _, accepts := range kinds {
			cfg := jwt.Config{Keys: keyList(key), Issuer: issuer, Audience: accepts[:1], Types: accepts[1:]}
			for _, made := range kinds {
				want := 401
				if made == accepts {
					want = 200
				}
				if got := present(t, subjects(t, cfg), issue(made[0], made[1])); got.status != want {
					t.Errorf("a token for %v at a strategy for %v: got %d, want %d", made, accepts, got.status, want)
				}
			}
		}
	})
}

// A header that stays the same is parsed only once. Its checks run for every token.
func TestAHeaderThatWasGoodBeforeSaysNothingAboutItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := bytes.Repeat([]byte("another secret, "), 2)
		s := subjects(t, configOf(must(jwt.NewSecret("a", jwt.HS256, secretOf(jwt.HS256))), must(jwt.NewSecret("b", jwt.HS256, other))))
		header := func(kid string) string { return `{"alg":"HS256","typ":"at+jwt","kid":"` + kid + `"}` }
		signedBy := func(secret []byte, header, payload string) string {
			return sign(gojwt.SigningMethodHS256, secret, header, payload)
		}
		for _, r := range []struct {
			name, token string
			status      int
		}{
			{"a good one", hs256(header("a"), with(nil)), 200},
			{"its header with another key's signature", signedBy(other, header("a"), with(nil)), 401},
			{"its header with claims that are over", hs256(header("a"), with(claims{"exp": begin - 300})), 401},
			{"the other key's", signedBy(other, header("b"), with(nil)), 200},
			{"the other key's header with the first one's signature", hs256(header("b"), with(nil)), 401},
			{"a header that is longer", hs256(header("a")+" ", with(nil)), 200},
			{"of another type", hs256(`{"alg":"HS256","typ":"JWT","kid":"a"}`, with(nil)), 401},
			{"unsigned", encode(`{"alg":"none","typ":"at+jwt"}`) + "." + encode(with(nil)) + ".", 401},
			{"the first again", hs256(header("a"), with(nil)), 200},
		} {
			if got := present(t, s, r.token); got.status != r.status {
				t.Errorf("%s: got %d (%s), want %d", r.name, got.status, got.reason, r.status)
			}
		}
	})
}
