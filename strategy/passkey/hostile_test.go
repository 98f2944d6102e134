package passkey_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// modulus returns an odd number of that many bits, which looks like the modulus of an RSA key.
func modulus(bits int) *big.Int {
	raw := make([]byte, bits/8)
	_, _ = rand.Read(raw)
	raw[0] |= 0x80
	raw[len(raw)-1] |= 1
	return new(big.Int).SetBytes(raw)
}

// TestAnRSAKeyHasAGoodSize: verifying one signature by a key of 180,000 bits takes seconds, and whoever
// registers such a key can cause any number of them.
func TestAnRSAKeyHasAGoodSize(t *testing.T) {
	for _, row := range []struct {
		bits, status int
		reason       string
	}{
		{1024, 400, "an RSA key of 1024 bits"}, {2048, 201, ""}, {8192, 201, ""}, {8200, 400, "an RSA key of 8200 bits"}, {180000, 400, "an RSA key of 180000 bits"},
	} {
		w := newWorld(t)
		v := w.visit(newAuthenticator(t))
		v.byPassword(w.joe)
		v.data = func(d []byte) []byte {
			return append(d[:75:75], cbor(t, map[int]any{1: 3, 3: -257, -1: modulus(row.bits).Bytes(), -2: []byte{1, 0, 1}})...)
		}
		v.wantRefused(v.register(), row.status, row.reason)
	}
}

// TestTheCertificatesOfAnAttestationHaveGoodKeys, even if no attestation was required: it is verified
// anyway.
func TestTheCertificatesOfAnAttestationHaveGoodKeys(t *testing.T) {
	by := certify(t, "maker", nil, nil)
	public := &rsa.PublicKey{N: modulus(16384), E: 1<<31 - 1}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "leaf"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, by.cert, public, by.key)
	if err != nil {
		t.Fatal(err)
	}
	statement := map[string]any{"alg": -257, "sig": bytes.Repeat([]byte{1}, 2048), "x5c": []any{der}}
	for _, row := range []struct {
		name, format string
		statement    any
		reason       string
	}{
		{"a packed one", "packed", statement, "an RSA key of 16384 bits"},
		{"one in a compound", "compound", []any{
			map[string]any{"fmt": "packed", "attStmt": statement}, map[string]any{"fmt": "packed", "attStmt": statement},
		}, "an RSA key of 16384 bits"},
		{"SafetyNet's, which are in a token", "android-safetynet", map[string]any{"ver": "1", "response": []byte("a.b.c")}, "which Google has ended"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			v := w.visit(newAuthenticator(t))
			v.byPassword(w.joe)
			v.object = func(m map[string]any) { m["fmt"], m["attStmt"] = row.format, row.statement }
			v.wantRefused(v.register(), http.StatusBadRequest, row.reason)
		})
	}
}

// TestAFoundKeyIsNoWayIn: a security key had no PIN when its owner registered it as the second factor.
// Whoever finds it can set one. A strategy on the same table that counts each passkey as two factors does
// not accept it.
func TestAFoundKeyIsNoWayIn(t *testing.T) {
	w := newWorld(t)
	cfg := config(w)
	cfg.Name, cfg.Policy.UserVerification = "key", passkey.Discouraged
	lax, err := passkey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle("POST /keys/options", lax.BeginRegistration(w.auth))
	w.mux.Handle("POST /keys", lax.FinishRegistration(w.auth))
	v := w.visit(newSecurityKey(t))
	v.flags = present
	v.byPassword(w.joe)
	v.send(http.MethodPost, "/keys", v.create(v.options("/keys/options"))).Want(t, http.StatusCreated, "")
	finder := w.visit(v.authenticator)
	finder.flags = present | verified
	finder.wantRefused(finder.logIn(), http.StatusUnauthorized, "did not verify its user at the registration")
}

func TestAHandlerNeedsAGuard(t *testing.T) {
	w := newWorld(t)
	for name, handler := range map[string]func(*guard.Guard[*User]) http.Handler{
		"BeginLogIn": w.passkeys.BeginLogIn, "FinishLogIn": w.passkeys.FinishLogIn, "FinishStepUp": w.passkeys.FinishStepUp,
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.Contains(text, "make it by guard.New") {
					t.Errorf("%s: got the panic %q, want the cure", name, text)
				}
			}()
			handler(nil)
		}()
	}
}
