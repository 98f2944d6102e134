package passkey_test

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzBody sends any body to both routes, which refuse it.
func FuzzBody(f *testing.F) {
	w := newWorld(f)
	v := w.visit(newAuthenticator(f))
	v.byPassword(w.joe)
	f.Add(v.create(v.options("/passkeys/options")))
	f.Add(v.get(v.options("/passkey/options")))
	f.Add(`{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{}}`)
	f.Add(`{"id":"AAAA","rawId":"AAAA","type":"public-key","response":null,"clientExtensionResults":{"prf":{"results":{"first":"A"}}}}`)
	f.Add(string(deep(100)))
	f.Fuzz(func(t *testing.T, body string) {
		w := newWorld(t)
		v := w.visit(newAuthenticator(t))
		v.byPassword(w.joe)
		for _, path := range []string{"/passkey", "/passkeys"} {
			if a := v.send(http.MethodPost, path, body); a.StatusCode < 400 || a.StatusCode > 499 {
				t.Errorf("%s: got %d %s for %q", path, a.StatusCode, a.Text, body)
			}
		}
	})
}

// FuzzLogIn sends answers with arbitrary content to a valid challenge, for an existing passkey. Without its
// key nobody is logged in.
func FuzzLogIn(f *testing.F) {
	w := newWorld(f)
	v := w.registered(newAuthenticator(f))
	real := response(decode[map[string]any](f, v.get(v.options("/passkey/options"))))
	data, signature := unb64(f, real["authenticatorData"].(string)), unb64(f, real["signature"].(string))
	f.Add(`{"type":"webauthn.get","challenge":"CHALLENGE","origin":"https://app.example","crossOrigin":false}`, data, signature, w.joe.Handle)
	f.Add(`{"type":"webauthn.get","challenge":"CHALLENGE","origin":"https://app.example","topOrigin":"https://evil.example"}`, data, signature, []byte{})
	f.Add(`{"challenge":"CHALLENGE"}`, append(flip(present|verified|128)(data[:37:37]), deep(4)...), []byte{0x30, 0x06, 2, 1, 1, 2, 1, 1}, w.joe.Handle)
	for _, vector := range vectors(f)[1:] {
		f.Add(string(vector.logIn["clientDataJSON"]), vector.logIn["authenticatorData"], vector.logIn["signature"], []byte("handle"))
	}
	f.Fuzz(func(t *testing.T, client string, data, signature, handle []byte) {
		v := newWorld(t).registered(newAuthenticator(t))
		text := v.options("/passkey/options")
		v.json = func(m map[string]any) {
			r := response(m)
			r["clientDataJSON"] = b64([]byte(strings.ReplaceAll(client, "CHALLENGE", v.parse(text).Challenge)))
			r["authenticatorData"], r["signature"], r["userHandle"] = b64(data), b64(signature), b64(handle)
		}
		if a := v.send(http.MethodPost, "/passkey", v.get(text)); a.StatusCode < 400 || a.StatusCode > 499 {
			t.Errorf("got %d %s", a.StatusCode, a.Text)
		}
	})
}

// FuzzRegister sends arbitrary attestation objects with valid client data. Everything that is registered
// has an id.
func FuzzRegister(f *testing.F) {
	w := newWorld(f)
	v := w.visit(newAuthenticator(f))
	v.byPassword(w.joe)
	for _, alg := range []int{-7, -257, -8} {
		v.authenticator = newAuthenticator(f)
		v.alg = alg
		answer := decode[map[string]any](f, v.create(v.options("/passkeys/options")))
		f.Add(unb64(f, response(answer)["attestationObject"].(string)))
	}
	for _, vector := range vectors(f)[1:] {
		f.Add(vector.registration["attestationObject"])
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		w := newWorld(t)
		v := w.visit(newAuthenticator(t))
		v.byPassword(w.joe)
		v.json = func(m map[string]any) { response(m)["attestationObject"] = b64(object) }
		a := v.register()
		if a.StatusCode != http.StatusCreated && (a.StatusCode < 400 || a.StatusCode > 499) {
			t.Errorf("got %d %s for %x", a.StatusCode, a.Text, object)
		}
		if len(w.table.rows) > 0 && (a.StatusCode != http.StatusCreated || len(w.table.rows[0].ID) == 0 || len(w.table.rows[0].PublicKey) == 0) {
			t.Errorf("got %d and the passkey %+v", a.StatusCode, w.table.rows[0])
		}
	})
}
