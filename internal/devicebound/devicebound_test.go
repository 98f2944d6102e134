package devicebound_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/devicebound"
	"github.com/seed-6f34412b/passport/internal/devicetest"
)

var b64 = base64.RawURLEncoding

type object = devicetest.Object

func newBrowser(t testing.TB) *devicetest.Browser { return devicetest.New(t) }

func newRSA(t testing.TB, bits int) *devicetest.Browser { return devicetest.NewRSA(t, bits) }

func TestAKeyGoesThroughTheIDAndSignsRefreshes(t *testing.T) {
	now := time.UnixMilli(1795442400123)
	for name, b := range map[string]*devicetest.Browser{"ES256": newBrowser(t), "RS256": newRSA(t, 2048)} {
		t.Run(name, func(t *testing.T) {
			key, challenge, err := devicebound.Registration(b.Registration("c1"))
			if err != nil || challenge != "c1" {
				t.Fatalf("got %q %v, want c1", challenge, err)
			}
			id := "k3J9aQx0k3J9aQx0k3J9aQx0k3J9aQx0" + string(devicebound.New(key, now))
			if len(id) > 512 {
				t.Fatalf("the id has %d bytes, want at most 512, the limit of stores", len(id))
			}
			binding := devicebound.Of(id)
			if since := binding.Since(); !since.Equal(now) {
				t.Errorf("bound since %v, want %v", since, now)
			}
			stored, err := binding.Key()
			if err != nil {
				t.Fatal(err)
			}
			if challenge, err := stored.Refresh(b.Refresh("c2")); err != nil || challenge != "c2" {
				t.Errorf("got %q %v, want c2", challenge, err)
			}
			if _, err := stored.Refresh(newBrowser(t).Refresh("c2")); err == nil {
				t.Error("another browser's signature is accepted")
			}
		})
	}
}

func TestAnIDWithoutABindingHasNone(t *testing.T) {
	key, _, err := devicebound.Registration(newBrowser(t).Registration("c"))
	if err != nil {
		t.Fatal(err)
	}
	whole := "id" + string(devicebound.New(key, time.Now()))
	for _, id := range []string{"", "id", "id~", "id~e", whole[:len(whole)-1], whole + "A", strings.Replace(whole, "~e", "~x", 1), strings.Replace(whole, "~e", "~r", 1)} {
		if b := devicebound.Of(id); b != "" {
			t.Errorf("%q is bound: %q", id, b)
		}
	}
	for _, b := range []devicebound.Binding{"", "~e", "~r"} {
		if _, err := b.Key(); err == nil {
			t.Errorf("%q has a key", b)
		}
		if !b.Since().IsZero() {
			t.Errorf("%q has a time", b)
		}
	}
	off := []byte(whole)
	x7 := [33]byte{0: 2, 32: 7} // P-256 has no point whose x is 7
	copy(off[len(off)-44:], b64.EncodeToString(x7[:]))
	if _, err := devicebound.Of(string(off)).Key(); err == nil {
		t.Error("a point that is not on the curve is accepted as a key")
	}
}

// with returns a copy of o in which name is value; a nil value removes it.
func with(o object, name string, value any) object {
	c := maps.Clone(o)
	if c[name] = value; value == nil {
		delete(c, name)
	}
	return c
}

// TestEachPartOfATokenIsCheckedAlone: each row has one mistake.
func TestEachPartOfATokenIsCheckedAlone(t *testing.T) {
	b, other, rs := newBrowser(t), newBrowser(t), newRSA(t, 2048)
	header := object{"alg": "ES256", "typ": "dbsc+jwt", "jwk": b.JWK()}
	payload := object{"jti": "c1"}
	good := b.Sign(header, payload)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, _ := p384.PublicKey.Bytes()
	wrong := map[string]string{
		"nothing":                     "",
		"no dots":                     strings.ReplaceAll(good, ".", ""),
		"four parts":                  good + ".",
		"padding":                     good + "=",
		"a line break":                strings.Replace(good, ".", "\n.", 1),
		"standard base64":             strings.Replace(good, ".", "+.", 1),
		"the header is no JSON":       b.Sign("{", payload),
		"the header is a list":        b.Sign("[]", payload),
		"more behind the header":      b.Sign(`{"alg":"ES256","typ":"dbsc+jwt"} {}`, payload),
		"typ missing":                 b.Sign(with(header, "typ", nil), payload),
		"typ JWT":                     b.Sign(with(header, "typ", "JWT"), payload),
		"typ in capitals":             b.Sign(with(header, "typ", "DBSC+JWT"), payload),
		"typ a number":                b.Sign(with(header, "typ", 1), payload),
		"alg missing":                 b.Sign(with(header, "alg", nil), payload),
		"alg none":                    b.Sign(with(header, "alg", "none"), payload),
		"alg HS256":                   b.Sign(with(header, "alg", "HS256"), payload),
		"alg ES384":                   b.Sign(with(header, "alg", "ES384"), payload),
		"alg RS256 with an EC key":    b.Sign(with(header, "alg", "RS256"), payload),
		"alg ES256 with an RSA key":   rs.Sign(object{"alg": "ES256", "typ": "dbsc+jwt", "jwk": rs.JWK()}, payload),
		"alg twice":                   b.Sign(`{"alg":"ES256","alg":"ES256","typ":"dbsc+jwt"}`, payload),
		"crit":                        b.Sign(with(header, "crit", []string{"exp"}), payload),
		"kid":                         b.Sign(with(header, "kid", "1"), payload),
		"x5c":                         b.Sign(with(header, "x5c", []string{""}), payload),
		"jwk missing":                 b.Sign(with(header, "jwk", nil), payload),
		"jwk null":                    b.Sign(`{"alg":"ES256","typ":"dbsc+jwt","jwk":null}`, payload),
		"jwk of another key":          b.Sign(with(header, "jwk", other.JWK()), payload),
		"jwk private":                 b.Sign(with(header, "jwk", with(b.JWK(), "d", "AA")), payload),
		"jwk without kty":             b.Sign(with(header, "jwk", with(b.JWK(), "kty", nil)), payload),
		"jwk symmetric":               b.Sign(with(header, "jwk", object{"kty": "oct", "k": "AA"}), payload),
		"jwk of another curve":        b.Sign(with(header, "jwk", with(b.JWK(), "crv", "P-384")), payload),
		"jwk with that curve's point": b.Sign(with(header, "jwk", object{"kty": "EC", "crv": "P-256", "x": b64.EncodeToString(point[1:49]), "y": b64.EncodeToString(point[49:])}), payload),
		"jwk off the curve":           b.Sign(with(header, "jwk", with(b.JWK(), "y", b64.EncodeToString(make([]byte, 32)))), payload),
		"jwk with a short x":          b.Sign(with(header, "jwk", with(b.JWK(), "x", "AA")), payload),
		"RSA of 1024 bits":            newRSA(t, 1024).Registration("c1"),
		"RSA of 4096 bits":            rs.Sign(object{"alg": "RS256", "typ": "dbsc+jwt", "jwk": with(rs.JWK(), "n", strings.Repeat("_", 683))}, payload),
		"RSA with the exponent 3":     rs.Sign(object{"alg": "RS256", "typ": "dbsc+jwt", "jwk": with(rs.JWK(), "e", "Aw")}, payload),
		"RSA with a huge exponent":    rs.Sign(object{"alg": "RS256", "typ": "dbsc+jwt", "jwk": with(rs.JWK(), "e", strings.Repeat("A", 342))}, payload),
		"RSA even":                    rs.Sign(object{"alg": "RS256", "typ": "dbsc+jwt", "jwk": with(rs.JWK(), "n", strings.Repeat("_", 341)+"w")}, payload),
		"the payload is no JSON":      b.Sign(header, "x"),
		"jti missing":                 b.Sign(header, object{}),
		"jti empty":                   b.Sign(header, object{"jti": ""}),
		"jti a number":                b.Sign(header, object{"jti": 1}),
		"jti twice":                   b.Sign(header, `{"jti":"c1","jti":"c2"}`),
		"authorization":               b.Sign(header, with(payload, "authorization", "x")),
		"a key in the payload":        b.Sign(header, with(payload, "key", b.JWK())),
		"a jwk in the payload":        b.Sign(header, with(payload, "jwk", b.JWK())),
		"no signature":                good[:strings.LastIndex(good, ".")+1],
		"half a signature":            good[:len(good)-43],
		"another signature":           good[:strings.LastIndex(good, ".")] + other.Registration("c1")[strings.LastIndex(other.Registration("c1"), "."):],
		"a signature of zeros":        good[:strings.LastIndex(good, ".")+1] + b64.EncodeToString(make([]byte, 64)),
		"another payload":             strings.Join([]string{part(good, 0), b64.EncodeToString([]byte(`{"jti":"c2"}`)), part(good, 2)}, "."),
		"oversize":                    b.Sign(header, with(payload, "x", strings.Repeat("x", devicebound.MaxToken))),
		"nested":                      b.Sign(header, with(payload, "x", [][][][]int{{{{}}}})),
	}
	if _, _, err := devicebound.Registration(good); err != nil {
		t.Fatalf("the valid token: %v", err)
	}
	for name, token := range wrong {
		if _, _, err := devicebound.Registration(token); err == nil {
			t.Errorf("%s: the token is accepted", name)
		} else if strings.Contains(err.Error(), "c1") {
			t.Errorf("%s: the error quotes the token: %v", name, err)
		}
	}
	key, _, _ := devicebound.Registration(good)
	for name, token := range map[string]string{
		"a registration": good, "RS256": rs.Refresh("c"), "a claimed RS256": b.Sign(object{"alg": "RS256", "typ": "dbsc+jwt"}, payload),
		"nothing": "", "no jti": b.Sign(object{"alg": "ES256", "typ": "dbsc+jwt"}, object{}),
	} {
		if _, err := key.Refresh(token); err == nil {
			t.Errorf("a refresh with %s is accepted", name)
		}
	}
}

func part(token string, i int) string { return strings.Split(token, ".")[i] }

func TestWhatIsSealedOpensForItsPurposeItsSubjectAndItsTime(t *testing.T) {
	old, new := make([]byte, 32), append(make([]byte, 31), 1)
	before, after := devicebound.NewSealer(old), devicebound.NewSealer(new, old)
	key, _, err := devicebound.Registration(newBrowser(t).Registration("c"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.UnixMilli(1795442400123)
	binding := devicebound.New(key, now)
	other := devicebound.New(key, now.Add(time.Millisecond))
	const life = time.Minute
	proof, challenge, offer := before.Proof(binding, now), before.Challenge(binding, now), before.Offer(string(binding), now)
	for _, row := range []struct {
		name      string
		got, want bool
	}{
		{"a proof", after.Proves(proof, binding, now, life), true},
		{"a proof by a clock that is behind", after.Proves(proof, binding, now.Add(-time.Hour), life), true},
		{"a proof at its last moment", after.Proves(proof, binding, now.Add(life-time.Millisecond), life), true},
		{"a proof whose time is over", after.Proves(proof, binding, now.Add(life), life), false},
		{"a proof for another session", after.Proves(proof, other, now, life), false},
		{"a proof for none", after.Proves(proof, "", now, life), false},
		{"a proof with another secret", devicebound.NewSealer(new).Proves(proof, binding, now, life), false},
		{"no proof", after.Proves("", binding, now, life), false},
		{"half a proof", after.Proves(proof[:20], binding, now, life), false},
		{"a proof that is no base64", after.Proves(strings.Repeat("!", len(proof)), binding, now, life), false},
		{"a challenge for a proof", after.Proves(challenge, binding, now, life), false},
		{"a challenge", after.Challenged(challenge, binding, now, life), true},
		{"a challenge whose time is over", after.Challenged(challenge, binding, now.Add(life), life), false},
		{"a challenge of another session", after.Challenged(challenge, other, now, life), false},
		{"an offer for a challenge", after.Challenged(offer, binding, now, life), false},
		{"a challenge for an offer", after.Offered(challenge, string(binding), now, life), false},
		{"an offer", after.Offered(offer, string(binding), now, life), true},
		{"an offer of another session", after.Offered(offer, string(other), now, life), false},
		{"no offer", after.Offered("", string(binding), now, life), false},
		{"an offer that is no base64", after.Offered(strings.Repeat("!", len(offer)), string(binding), now, life), false},
		{"an offer for too long an id", after.Offered(offer, strings.Repeat("x", 513), now, life), false},
		{"without a secret", devicebound.NewSealer().Proves(proof, binding, now, life), false},
	} {
		if row.got != row.want {
			t.Errorf("%s: got %t, want %t", row.name, row.got, row.want)
		}
	}
	for i := range proof {
		changed := []byte(proof)
		if changed[i] = 'A'; proof[i] == 'A' {
			changed[i] = 'B'
		}
		if after.Proves(string(changed), binding, now, life) {
			t.Errorf("a proof with character %d changed is accepted", i)
		}
	}
	if before.Challenge(binding, now) == challenge {
		t.Error("two challenges made at the same time are equal")
	}
}

func TestAProofIsCheckedWithoutAnAllocation(t *testing.T) {
	s, binding, now := sealed(t)
	proof := s.Proof(binding, now)
	if got := testing.AllocsPerRun(100, func() {
		if !s.Proves(proof, binding, now, time.Minute) {
			t.Fatal("the proof is refused")
		}
	}); got > 0 {
		t.Errorf("got %v allocations, want none", got)
	}
}

func sealed(t testing.TB) (*devicebound.Sealer, devicebound.Binding, time.Time) {
	t.Helper()
	key, _, err := devicebound.Registration(newBrowser(t).Registration("c"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.UnixMilli(1795442400123)
	return devicebound.NewSealer(make([]byte, 32)), devicebound.New(key, now), now
}

func BenchmarkProves(b *testing.B) {
	s, binding, now := sealed(b)
	proof := s.Proof(binding, now)
	b.ReportAllocs()
	for b.Loop() {
		s.Proves(proof, binding, now, time.Minute)
	}
}

// FuzzToken: every text is refused or is a token signed by its key, and nothing panics.
func FuzzToken(f *testing.F) {
	b := newBrowser(f)
	key, _, err := devicebound.Registration(b.Registration("c1"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b.Registration("c1"))
	f.Add(b.Refresh("c2"))
	f.Add(newRSA(f, 2048).Registration("c3"))
	f.Add("..")
	f.Add("e30.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		registered, challenge, err := devicebound.Registration(token)
		if err == nil {
			again, err := devicebound.New(registered, time.Now()).Key()
			if err != nil || challenge == "" {
				t.Errorf("a key that an id cannot hold: %v", err)
			}
			if _, err := again.Refresh(token); err == nil {
				t.Error("a registration is accepted as a refresh")
			}
		}
		if _, err := key.Refresh(token); err == nil && token != b.Refresh("c2") && strings.Count(token, ".") != 2 {
			t.Error("a text that is not a token is accepted")
		}
		_ = devicebound.Of(token)
		_, _ = devicebound.Binding(token).Key()
	})
}
