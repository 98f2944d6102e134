package passkey_test

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// vector is one of the test vectors of WebAuthn Level 3, §16.
type vector struct {
	name                string
	registration, logIn map[string][]byte
}

func vectors(t testing.TB) (list []vector) {
	t.Helper()
	text, err := os.ReadFile("testdata/w3c/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	var into map[string][]byte
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		key, value, _ := strings.Cut(line, " ")
		switch {
		case key == "##":
			name, _, _ := strings.Cut(strings.TrimPrefix(value, "sctn-test-vectors-"), ":")
			list = append(list, vector{name, map[string][]byte{}, map[string][]byte{}})
		case line == "# registration", line == "# root":
			into = list[len(list)-1].registration
		case line == "# log-in":
			into = list[len(list)-1].logIn
		case line != "" && key != "#":
			if into[key], err = hex.DecodeString(value); err != nil {
				t.Fatal(err)
			}
		}
	}
	return list
}

// answer returns the JSON of a vector.
func (v *vector) answer(t *testing.T, of map[string][]byte) []byte {
	t.Helper()
	id := b64(v.registration["credential_id"])
	members := map[string]string{}
	for _, name := range []string{"clientDataJSON", "attestationObject", "authenticatorData", "signature"} {
		if of[name] != nil {
			members[name] = b64(of[name])
		}
	}
	text, err := json.Marshal(map[string]any{"id": id, "rawId": id, "type": "public-key", "clientExtensionResults": map[string]any{}, "response": members})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// testRoots returns the certificate that attests the authenticators of the vectors.
func testRoots(t testing.TB) []*x509.Certificate {
	t.Helper()
	root, err := x509.ParseCertificate(vectors(t)[0].registration["attestation_ca_cert"])
	if err != nil {
		t.Fatal(err)
	}
	return []*x509.Certificate{root}
}

func TestLevel3_16_TestVectors(t *testing.T) {
	all := vectors(t)
	site := func(roots []*x509.Certificate) *passkey.Strategy[*User] {
		return newWorld(t, func(c *passkey.Config[*User]) {
			c.RPID, c.Origins = "example.org", []string{"https://example.org"}
			c.Policy = passkey.Policy{
				UserVerification: passkey.Discouraged, Roots: roots,
				Algorithms: []passkey.Algorithm{passkey.ES256, passkey.EdDSA, passkey.RS256, passkey.ES384, passkey.ES512},
			}
		}).passkeys
	}
	plain, bank := site(nil), site(testRoots(t))
	// The vectors that are refused, and why; and those that a bank's policy refuses.
	refused := map[string]string{
		"none-es256-crossOrigin": "in a frame of another origin", "none-es256-topOrigin": "in a frame of another origin",
		"packed-ed448": "of the algorithm -53",
		// The vectors' certificates are not by the TPM makers, Google and Apple, whose roots the library
		// has.
		"tpm-es256": "Invalid TPM manufacturer", "android-key-es256": "Error validating x5c cert chain", "apple-es256": "Error validating x5c cert chain",
	}
	const noCertificate = "has no certificate"
	bankRefuses := map[string]string{
		"none-es256": noCertificate, "packed-self-es256": noCertificate, "none-es256-long-credential-id": noCertificate,
	}
	accepted := 0
	for _, v := range all[1:] {
		t.Run(v.name, func(t *testing.T) {
			body, challenge := v.answer(t, v.registration), b64(v.registration["challenge"])
			c, err := plain.VerifyRegistration(body, challenge)
			if why := refused[v.name]; why != "" {
				wantReason(t, err, why)
				return
			}
			if err != nil || !bytes.Equal(c.ID, v.registration["credential_id"]) || c.AAGUID == "" || strings.ReplaceAll(c.AAGUID, "-", "") != hex.EncodeToString(aaguidOf(v)) {
				t.Fatalf("got %+v and %v, want the passkey", c, err)
			}
			if err := plain.VerifyLogIn(v.answer(t, v.logIn), b64(v.logIn["challenge"]), c); err != nil {
				t.Errorf("log-in: got %v", err)
			}
			wantReason(t, plain.VerifyLogIn(v.answer(t, v.logIn), challenge, c), "the signature is not")
			_, err = bank.VerifyRegistration(body, challenge)
			if why := bankRefuses[v.name]; why != "" {
				wantReason(t, err, why)
			} else if err != nil {
				t.Errorf("with Roots: got %v", err)
			}
			accepted++
		})
	}
	if accepted != 9 {
		t.Errorf("got %d vectors accepted, want 9 of %d", accepted, len(all)-1)
	}
}

// aaguidOf returns zeros for U2F, which has no AAGUID.
func aaguidOf(v vector) []byte {
	if a := v.registration["aaguid"]; a != nil {
		return a
	}
	return make([]byte, 16)
}

// wantReason checks that err is a refusal with a reason for the operator's log.
func wantReason(t *testing.T, err error, part string) {
	t.Helper()
	var f *strategy.Failure
	if !errors.As(err, &f) || !strings.Contains(f.Reason, part) {
		t.Errorf("got %v, want a refusal with %q", err, part)
	}
}
