package passkey_test

import (
	"encoding/json"
	"net/http"
	"testing"
)

// FuzzAuthenticate and FuzzRegister send any body: no panic, no outage, nobody logged in.
func FuzzAuthenticate(f *testing.F) {
	w := newWorld(f)
	v := w.registered(newAuthenticator(f))
	v.options("/passkey/options")
	f.Add([]byte(v.get(v.options("/passkey/options"))))
	v = w.registered(newSecurityKey(f))
	good := v.get(v.options("/passkey/options"))
	f.Add([]byte(good))
	f.Add([]byte(`{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{}}`))
	f.Add(deep(100))
	f.Fuzz(func(t *testing.T, body []byte) {
		w := newWorld(t)
		v := w.visit(newAuthenticator(t))
		v.options("/passkey/options")
		a := v.send(http.MethodPost, "/passkey", string(body))
		if a.StatusCode < 400 || a.StatusCode > 499 {
			t.Errorf("got %d %s for %q", a.StatusCode, a.Text, body)
		}
	})
}

func FuzzRegister(f *testing.F) {
	w := newWorld(f)
	v := w.visit(newAuthenticator(f))
	v.byPassword(w.joe)
	f.Add(unb64(f, response(decode[map[string]any](f, v.create(v.options("/passkeys/options"))))["attestationObject"].(string)))
	v.alg = -257
	f.Add(unb64(f, response(decode[map[string]any](f, v.create(v.options("/passkeys/options"))))["attestationObject"].(string)))
	for _, vector := range vectors(f) {
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
		for _, r := range w.table.rows { // what is registered can be used
			if _, err := json.Marshal(r.Credential); err != nil || len(r.ID) == 0 {
				t.Errorf("got %+v: %v", r, err)
			}
		}
	})
}
