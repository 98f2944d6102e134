package passkey_test

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// flip returns a change of the flags in authenticator data.
func flip(flags byte) func([]byte) []byte {
	return func(d []byte) []byte { d[32] = flags; return d }
}

// set changes a member of the client data.
func set(name string, value any) func(*authenticator) {
	return func(a *authenticator) { a.client = func(c map[string]any) { c[name] = value } }
}

// respond changes a member of the answer's response.
func respond(name string, value any) func(*authenticator) {
	return func(a *authenticator) { a.json = func(m map[string]any) { response(m)[name] = value } }
}

// member changes a member of the answer.
func member(name string, value any) func(*authenticator) {
	return func(a *authenticator) { a.json = func(m map[string]any) { m[name] = value } }
}

// deep returns CBOR of n nested arrays.
func deep(n int) []byte { return append(bytes.Repeat([]byte{0x81}, n), 0) }

// badAnswers are refused in both ceremonies.
var badAnswers = []struct {
	name   string
	edit   func(*authenticator)
	status int // the status of a log-in
	reason string
}{
	{"another origin", func(a *authenticator) { a.origin = "https://app.example.evil.example" }, 401, "https://app.example.evil.example"},
	{"an origin with a user name in it", func(a *authenticator) { a.origin = "https://evil@app.example" }, 401, "which is in neither Origins nor RelatedOrigins"},
	{"a sub-domain", func(a *authenticator) { a.origin = "https://evil.app.example" }, 401, "which is in neither Origins nor RelatedOrigins"},
	{"http", func(a *authenticator) { a.origin = "http://app.example" }, 401, "which is in neither Origins nor RelatedOrigins"},
	{"a frame of another origin", set("crossOrigin", true), 401, "in a frame of another origin"},
	{"another site's page around ours", func(a *authenticator) {
		a.client = func(c map[string]any) { c["crossOrigin"], c["topOrigin"] = true, "https://evil.example" }
	}, 401, "https://evil.example"},
	{"another RP id", func(a *authenticator) { a.rpID = "evil.example" }, 401, "the passkey is of another site than"},
	{"another type", set("type", "payment.get"), 401, "of the type"},
	{"no type", set("type", ""), 401, "of the type"},
	{"a challenge of its own", set("challenge", "c29tZXRoaW5nIHNob3J0"), 401, "the challenge is not of this program"},
	{"a challenge of the right length", set("challenge", strings.Repeat("A", 130)), 401, "the challenge"},
	{"no challenge", set("challenge", ""), 401, "the challenge is not of this program"},
	{"a challenge with a line break", func(a *authenticator) {
		a.client = func(c map[string]any) { c["challenge"] = c["challenge"].(string) + "\n" }
	}, 401, "the challenge is not of this program"},
	{"nobody was there", func(a *authenticator) { a.data = func(d []byte) []byte { d[32] &^= present; return d } }, 401, "the authenticator asked nobody"},
	{"nobody was verified", func(a *authenticator) { a.flags = present | eligible }, 401, "did not verify its user"},
	{"a backup of what cannot be backed up", func(a *authenticator) { a.flags = present | verified | backedUp }, 401, "flags that no authenticator sends"},
	{"client data that is no JSON", respond("clientDataJSON", b64([]byte("{"))), 400, "is no "},
	{"client data of another type", respond("clientDataJSON", 7), 400, "is no "},
	{"an id that is not base64url", member("id", "+/+/"), 400, "is no "},
	{"another id than rawId", member("id", "AAAA"), 400, "is no "},
	{"no id", member("id", ""), 400, "is no "},
	{"a password", member("type", "password"), 400, "is no "},
	{"a response that is a list", member("response", []int{1}), 400, "is no "},
	{"extensions that are a number", member("clientExtensionResults", 7), 400, "is no "},
	{"an answer that is too large", member("padding", strings.Repeat("x", 64<<10)), 413, "too large"},
}

func TestABadAnswerLogsNobodyIn(t *testing.T) {
	rows := append(slices.Clip(badAnswers), []struct {
		name   string
		edit   func(*authenticator)
		status int
		reason string
	}{
		{"the type of a registration", set("type", "webauthn.create"), 401, "of the type"},
		{"a signature of another key", func(a *authenticator) { a.keys[0].signer = newKey(a.t, -7).signer }, 401, "the signature is not the passkey's"},
		{"a signature of another algorithm", func(a *authenticator) { a.keys[0].signer, a.keys[0].alg = newKey(a.t, -257).signer, -257 }, 401, "the signature is not the passkey's"},
		{"a signature that is none", respond("signature", "AAAA"), 401, "the signature is not the passkey's"},
		{"no signature", respond("signature", ""), 401, "the signature is not the passkey's"},
		{"authenticator data that were changed later", func(a *authenticator) {
			a.json = func(m map[string]any) {
				d := unb64(a.t, response(m)["authenticatorData"].(string))
				response(m)["authenticatorData"] = b64(append(d[:36:36], d[36]+1))
			}
		}, 401, "the signature is not the passkey's"},
		{"client data that were changed later", func(a *authenticator) {
			a.json = func(m map[string]any) {
				c := unb64(a.t, response(m)["clientDataJSON"].(string))
				response(m)["clientDataJSON"] = b64(append(c, ' '))
			}
		}, 401, "the signature is not the passkey's"},
		{"an unknown passkey", func(a *authenticator) { a.keys[0].id = []byte("unknown") }, 401, "the passkey is not in the table"},
		{"another user's handle", func(a *authenticator) { a.keys[0].handle = passkey.NewHandle() }, 401, "names another user than the passkey's"},
		{"no user handle", respond("userHandle", nil), 401, "names no user"},
		{"it can be backed up no more", func(a *authenticator) { a.flags = present | verified }, 401, "was registered with the opposite"},
		{"authenticator data that are too short", respond("authenticatorData", "AAAA"), 400, "is no AuthenticationResponseJSON"},
		{"no authenticator data", respond("authenticatorData", nil), 400, "is no AuthenticationResponseJSON"},
		{"extensions that are not there", func(a *authenticator) { a.data = flip(present | verified | 128) }, 400, "is no AuthenticationResponseJSON"},
		{"a bomb of extensions", func(a *authenticator) {
			a.data = func(d []byte) []byte { return append(flip(present|verified|128)(d), deep(10000)...) }
		}, 400, "is no AuthenticationResponseJSON"},
		{"a map of a billion pairs", func(a *authenticator) {
			a.data = func(d []byte) []byte { return append(flip(present|verified|128)(d), 0xba, 0x3b, 0x9a, 0xca, 0) }
		}, 400, "is no AuthenticationResponseJSON"},
		{"bytes after the data", func(a *authenticator) { a.data = func(d []byte) []byte { return append(d, 0) } }, 400, "is no AuthenticationResponseJSON"},
	}...)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			v := w.registered(newAuthenticator(t))
			text := v.options("/passkey/options")
			row.edit(v.authenticator)
			v.wantRefused(v.send(http.MethodPost, "/passkey", v.get(text)), row.status, row.reason)
			v.Get("/me").Want(t, http.StatusUnauthorized, "")
			if got := w.table.rows[0].LastUsed; !got.IsZero() {
				t.Errorf("the passkey was used at %v, want never", got)
			}
		})
	}
}

func TestABadAnswerRegistersNothing(t *testing.T) {
	attest := func(name string, value any) func(*authenticator) {
		return func(a *authenticator) { a.object = func(m map[string]any) { m[name] = value } }
	}
	// cose registers a key with a part of it replaced.
	cose := func(from, to []byte) func(*authenticator) {
		return func(a *authenticator) { a.data = func(d []byte) []byte { return replaced(a.t, d, from, to) } }
	}
	rows := append(slices.Clip(badAnswers), []struct {
		name   string
		edit   func(*authenticator)
		status int
		reason string
	}{
		{"the type of a log-in", set("type", "webauthn.get"), 400, "of the type"},
		{"an algorithm that was not offered", func(a *authenticator) { a.alg = -35 }, 400, "of the algorithm -35, which Policy.Algorithms does not offer"},
		{"a key of another type than its algorithm", cose([]byte{1, 2, 3, 0x26}, []byte{1, 1, 3, 0x26}), 400, "the public key"},
		{"an id longer than 1023 bytes", func(a *authenticator) {
			a.data = func(d []byte) []byte { binary.BigEndian.PutUint16(d[53:], 1024); return d }
		}, 400, "is no RegistrationResponseJSON"},
		{"an id longer than the data", func(a *authenticator) {
			a.data = func(d []byte) []byte { binary.BigEndian.PutUint16(d[53:], 1000); return d }
		}, 400, "is no RegistrationResponseJSON"},
		{"another id than the attested one", func(a *authenticator) {
			a.json = func(m map[string]any) { m["id"], m["rawId"] = "AAAA", "AAAA" }
		}, 400, "is not valid: Error validating the attested credential id"},
		{"no key", func(a *authenticator) { a.data = func(d []byte) []byte { return flip(present | verified)(d)[:37] } }, 400, "is no RegistrationResponseJSON"},
		{"an attestation that is no CBOR", respond("attestationObject", b64([]byte("garbage"))), 400, "is no RegistrationResponseJSON"},
		{"no attestation", respond("attestationObject", nil), 400, "is no RegistrationResponseJSON"},
		{"an attestation that is a list", respond("attestationObject", b64([]byte{0x80})), 400, "is no RegistrationResponseJSON"},
		{"a bomb of arrays", respond("attestationObject", b64(deep(20000))), 400, "is no RegistrationResponseJSON"},
		{"an array of a billion", respond("attestationObject", b64([]byte{0x9a, 0x3b, 0x9a, 0xca, 0})), 400, "is no RegistrationResponseJSON"},
		{"a text of four gigabytes", respond("attestationObject", b64([]byte{0xa1, 0x63, 'f', 'm', 't', 0x7a, 0xff, 0xff, 0xff, 0xff})), 400, "is no RegistrationResponseJSON"},
		{"an endless array", respond("attestationObject", b64([]byte{0x9f, 0x01})), 400, "is no RegistrationResponseJSON"},
		{"an unknown format", attest("fmt", "made-up"), 400, "the attestation of format \\\"made-up\\\" is not valid"},
		{"a statement where there is none", attest("attStmt", map[string]any{"sig": []byte{1}}), 400, "is not valid"},
		{"a self attestation of nonsense", func(a *authenticator) {
			a.object = func(m map[string]any) { m["fmt"], m["attStmt"] = "packed", map[string]any{"alg": -7, "sig": []byte{1}} }
		}, 400, "is not valid"},
		{"a packed attestation without members", attest("fmt", "packed"), 400, "is not valid"},
		{"a TPM's attestation of nonsense", func(a *authenticator) {
			a.object = func(m map[string]any) {
				m["fmt"], m["attStmt"] = "tpm", map[string]any{"ver": "2.0", "alg": -257, "x5c": []any{[]byte{1}}, "sig": []byte{1}, "certInfo": []byte{1}, "pubArea": []byte{1}}
			}
		}, 400, "a certificate of the attestation cannot be read"},
		{"a compound of compounds", func(a *authenticator) {
			a.object = func(m map[string]any) {
				one := map[string]any{"fmt": "compound", "attStmt": map[string]any{}}
				m["fmt"], m["attStmt"] = "compound", []any{one, one}
			}
		}, 400, "is not valid"},
	}...)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			v := w.visit(newAuthenticator(t))
			v.byPassword(w.joe)
			text := v.options("/passkeys/options")
			row.edit(v.authenticator)
			if row.status == 401 {
				row.status = 400 // because the user is logged in
			}
			v.wantRefused(v.send(http.MethodPost, "/passkeys", v.create(text)), row.status, row.reason)
			if len(w.table.rows) != 0 {
				t.Errorf("got the passkeys %+v, want none", w.table.rows)
			}
		})
	}
}

func TestAKeyThatVerifiesNothingIsNotRegistered(t *testing.T) {
	w := newWorld(t)
	v := w.visit(newAuthenticator(t))
	v.byPassword(w.joe)
	v.data = func(d []byte) []byte { // a point off the curve: the last byte of Y is changed
		d[len(d)-1] ^= 1
		return d
	}
	v.wantRefused(v.register(), http.StatusBadRequest, "the public key is no key of the algorithm -7")
}

func TestABodyThatIsNoAnswer(t *testing.T) {
	for _, row := range []struct {
		name, media, encoding, body string
		status                      int
		reason                      string
	}{
		{"empty", "application/json", "", "", 400, "no answer of an authenticator"},
		{"a form", "application/x-www-form-urlencoded", "", "id=1", 415, "the body is not JSON"},
		{"no type", "", "", "{}", 415, "the body is not JSON"},
		{"compressed", "application/json", "gzip", "{}", 415, "uncompressed"},
		{"no JSON", "application/json", "", "{", 400, "is no AuthenticationResponseJSON"},
		{"nested a thousand times", "application/json", "", strings.Repeat("[", 5000), 400, "is no AuthenticationResponseJSON"},
		{"null", "application/json", "", "null", 400, "is no AuthenticationResponseJSON"},
		{"two answers", "application/json", "", "{}{}", 400, "is no AuthenticationResponseJSON"},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := newWorld(t).visit(newAuthenticator(t))
			r := v.Request(http.MethodPost, "/passkey", row.body)
			r.Header.Set("Content-Type", row.media)
			if row.encoding != "" {
				r.Header.Set("Content-Encoding", row.encoding)
			}
			a := v.Do(r)
			if row.body == "" || row.status == 415 { // a request without credentials of this kind is no event
				row.reason = ""
			}
			v.wantRefused(a, row.status, row.reason)
		})
	}
}

func TestAnUnknownPasskeyIsSignalled(t *testing.T) {
	w := newWorld(t)
	v := w.registered(newAuthenticator(t))
	w.table.rows = nil
	a := v.logIn()
	a.Want(t, http.StatusUnauthorized, `"unknownCredential":{"rpId":"app.example","credentialId":"`+b64(v.keys[0].id)+`"}`)
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("got the type %q, want that of problems", got)
	}
	// Not for a locked user: the browser would forget the passkey.
	v = w.registered(newAuthenticator(t))
	w.table.fail(&lockedError{})
	if a := v.logIn(); a.StatusCode != http.StatusForbidden || strings.Contains(a.Text, "unknownCredential") {
		t.Errorf("got %d %s, want 403 and no signal", a.StatusCode, a.Text)
	}
}

func TestACounterThatGoesBack(t *testing.T) {
	for _, row := range []struct {
		name          string
		authenticator func(testing.TB) *authenticator
		stored, sent  uint32
		status        int
	}{
		{"of a key in its device", newSecurityKey, 10, 9, 401},
		{"that stays", newSecurityKey, 10, 10, 401},
		{"to nothing", newSecurityKey, 10, 0, 401},
		{"that goes on", newSecurityKey, 10, 11, 200},
		{"that was never used", newSecurityKey, 0, 0, 200},
		{"of a synced passkey", newAuthenticator, 10, 9, 200},
		{"of a synced passkey that does not count", newAuthenticator, 0, 0, 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			v := w.registered(row.authenticator(t))
			w.table.rows[0].SignCount = row.stored
			text := v.options("/passkey/options")
			v.count = 0
			v.data = func(d []byte) []byte { binary.BigEndian.PutUint32(d[33:], row.sent); return d }
			a := v.send(http.MethodPost, "/passkey", v.get(text))
			if row.status == 401 {
				v.wantRefused(a, 401, "went back from")
			} else {
				a.Want(t, row.status, "done")
			}
			want := max(row.stored, row.sent)
			if got := w.table.rows[0].SignCount; got != want {
				t.Errorf("got the counter %d in the table, want %d", got, want)
			}
		})
	}
}

func TestOutagesLogNobodyIn(t *testing.T) {
	for _, row := range []struct {
		name string
		down func(*world, *countingCounter)
	}{
		{"of the table", func(w *world, _ *countingCounter) { w.table.fail(errDown) }},
		{"of the counter", func(_ *world, c *countingCounter) { c.err = errDown }},
		{"of the account", func(w *world, _ *countingCounter) { w.joe.Handle = nil }},
		{"of the account's name", func(w *world, _ *countingCounter) { w.joe.Email = "" }},
	} {
		t.Run(row.name, func(t *testing.T) {
			counter := &countingCounter{}
			w := newWorld(t, func(c *passkey.Config[*User]) { c.Once = counter })
			v := w.registered(newAuthenticator(t))
			answer := v.get(v.options("/passkey/options"))
			row.down(w, counter)
			v.send(http.MethodPost, "/passkey", answer).Want(t, http.StatusServiceUnavailable, "")
			v.Get("/me").Want(t, http.StatusUnauthorized, "")
		})
	}
}
