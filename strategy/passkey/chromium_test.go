//go:build integration

package passkey_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/passkey"
	"github.com/seed-6f34412b/passport/strategy/passkey/internal/peer"
)

// shop is a world at http://localhost, with a page with the example's script.
type shop struct {
	*world
	browser *peer.Program
	url     string
}

func openShop(t *testing.T, edit ...func(*passkey.Config[*User])) *shop {
	t.Helper()
	var mux *http.ServeMux
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { mux.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	s := &shop{browser: peer.Chromium(t, "."), url: strings.Replace(server.URL, "127.0.0.1", "localhost", 1)}
	s.world = newWorld(t, append([]func(*passkey.Config[*User]){func(c *passkey.Config[*User]) {
		c.RPID, c.Origins = "localhost", []string{s.url}
	}}, edit...)...)
	mux = s.mux
	mux.HandleFunc("GET /passkeys.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "example/passkeys.js") })
	mux.HandleFunc("GET /simplewebauthn.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "testdata/node/node_modules/@simplewebauthn/browser/dist/bundle/index.umd.min.js")
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><title>shop</title><input name=email autocomplete="username webauthn"><script src=/simplewebauthn.js></script>
<script type=module>Object.assign(window, await import('/passkeys.js'))
window.post = async (url, form) => (await fetch(url, {method: 'POST', body: new URLSearchParams(form)})).status
window.get = async (url) => (await fetch(url)).text()
window.ready = true</script>`)
	})
	return s
}

// synced is an authenticator whose passkeys are copied to other devices.
var synced = peer.Synced()

// deviceBound is an authenticator whose keys cannot leave it.
var deviceBound = with(synced, "transport", "usb", "defaultBackupEligibility", false, "defaultBackupState", false)

func with(options map[string]any, pairs ...any) map[string]any {
	c := map[string]any{}
	maps.Copy(c, options)
	for pair := range slices.Chunk(pairs, 2) {
		c[pair[0].(string)] = pair[1]
	}
	return c
}

// visit opens the page in a browser without cookies and with a new authenticator.
func (s *shop) visit(options map[string]any) {
	s.t.Helper()
	s.browser.Ask(map[string]any{"do": "fresh", "url": s.url, "options": options}, nil)
	s.run("while (!window.ready) await new Promise(requestAnimationFrame)")
}

// run runs a script in the page and returns its value, or what it threw, as text.
func (s *shop) run(script string, args ...any) string {
	s.t.Helper()
	var got struct {
		Value  json.RawMessage
		Thrown string
	}
	s.browser.Ask(map[string]any{"do": "run", "script": fmt.Sprintf(script, args...)}, &got)
	if got.Thrown != "" {
		return got.Thrown
	}
	var text string
	if json.Unmarshal(got.Value, &text) == nil {
		return text
	}
	return string(got.Value)
}

// want runs a script and checks that its value contains part.
func (s *shop) want(part, script string, args ...any) string {
	s.t.Helper()
	got := s.run(script, args...)
	if !strings.Contains(got, part) {
		s.t.Fatalf("%s\ngot %s\nwant %q; log: %s", script, got, part, s.logged())
	}
	return got
}

func (s *shop) byPassword(u *User) {
	s.t.Helper()
	s.want("200", `return post('/login', {email: '%s', password: '%s'})`, u.Email, u.Password)
}

// stored returns the passkeys in the browser's authenticator.
func (s *shop) stored() (list []storedKey) {
	s.t.Helper()
	var got struct{ Credentials []storedKey }
	s.browser.Ask(map[string]any{"do": "devtools", "method": "getCredentials"}, &got)
	return got.Credentials
}

type storedKey struct {
	CredentialID string `json:"credentialId"`
	UserName     string `json:"userName"`
	SignCount    uint32 `json:"signCount"`
	BackupState  bool   `json:"backupState"`
}

// registers makes a passkey for u in the browser, and logs out.
func (s *shop) registers(u *User) {
	s.t.Helper()
	s.byPassword(u)
	s.want(`"passkey":{"id"`, `return register()`)
	s.logOut()
}

func (s *shop) logOut() {
	s.t.Helper()
	s.want("200", `return post('/logout', {})`)
	s.want("Unauthorized", `return get('/me')`)
}

// devtools calls a method of the DevTools protocol for the authenticator.
func (s *shop) devtools(method string, pairs ...any) {
	s.t.Helper()
	s.browser.Ask(map[string]any{"do": "devtools", "method": method, "params": with(nil, pairs...)}, nil)
}

func TestChromium(t *testing.T) {
	s := openShop(t)
	// Each part starts with an empty browser, table and log.
	for _, part := range []struct {
		name          string
		authenticator map[string]any
		test          func(*testing.T, *shop)
	}{
		{"a life, by autofill, by button, immediate", synced, aLife},
		{"@simplewebauthn/browser", synced, bySimpleWebAuthn},
		{"a second factor", deviceBound, aSecondFactor},
		{"removed and refused", synced, removed},
		{"two users on one device", synced, twoUsers},
		{"a synced passkey, whose copies count each for itself", synced, synchronised},
		{"a key in its device that was copied", deviceBound, copied},
		{"the backup flags change", synced, backups},
		{"user verification off", synced, unverified},
		{"several tabs", synced, severalTabs},
	} {
		t.Run(part.name, func(t *testing.T) {
			outer := s.t
			s.t, s.browser.T = t, t
			defer func() { s.t, s.browser.T = outer, outer }()
			s.table.rows, s.needed = nil, nil
			s.log.Reset()
			s.visit(part.authenticator)
			part.test(t, s)
		})
	}
}

func aLife(t *testing.T, s *shop) {
	s.byPassword(s.joe)
	s.want(`"backedUp":true`, `return register()`)
	s.want("InvalidStateError", `return register()`) // excludeCredentials
	if got := s.stored(); len(got) != 1 || got[0].UserName != s.joe.Email {
		t.Fatalf("got %+v in the authenticator, want one of Joe's", got)
	}
	for _, how := range []string{`{}`, `{mediation: 'conditional'}`, `{uiMode: 'immediate'}`} {
		s.logOut()
		s.want("done", `return logIn(%s)`, how)
		s.want("hello "+s.joe.Email, `return get('/strong')`)
		s.want("Unauthorized", `return get('/aal3')`) // a synced passkey
	}
	if got := s.info.Factors; !slices.Equal(got, []string{"passkey", "passkey:verified"}) {
		t.Errorf("got the factors %q", got)
	}
	s.want("renamed", `return rename((await list()).passkeys[0].id, 'renamed')`)
}

func bySimpleWebAuthn(_ *testing.T, s *shop) {
	s.byPassword(s.joe)
	s.want("Joe", `const {startRegistration} = SimpleWebAuthnBrowser
		const options = await (await fetch('/passkeys/options', {method: 'POST'})).json()
		const answer = await startRegistration({optionsJSON: options})
		const made = await (await fetch('/passkeys', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(answer)})).json()
		return (await rename(made.passkey.id, "Joe's")).passkeys[0].name`)
	for _, autofill := range []bool{false, true} {
		s.logOut()
		s.want("200", `const {startAuthentication} = SimpleWebAuthnBrowser
			const options = await (await fetch('/passkey/options', {method: 'POST'})).json()
			const answer = await startAuthentication({optionsJSON: options, useBrowserAutofill: %t})
			return (await fetch('/passkey', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(answer)})).status`, autofill)
		s.want("hello "+s.joe.Email, `return get('/strong')`)
	}
}

func aSecondFactor(t *testing.T, s *shop) {
	s.registers(s.joe)
	s.needed = []string{"passkey"}
	s.want("401", `return post('/login', {email: '%s', password: '%s'})`, s.joe.Email, s.joe.Password)
	s.want("Unauthorized", `return get('/me')`)
	s.want("done", `return logIn({}, '/stepup')`)
	s.want("hello", `return get('/me')`)
	s.want("hello", `return get('/aal3')`)
	if !slices.Equal(s.info.Factors, []string{"local", "passkey", "passkey:verified", "passkey:device"}) {
		t.Errorf("got the factors %q", s.info.Factors)
	}
}

func removed(t *testing.T, s *shop) {
	s.registers(s.joe)
	// Removed by its user: the browser forgets it.
	s.want("done", `return logIn()`)
	s.want(`"passkeys":[]`, `return remove((await list()).passkeys[0].id)`)
	if got := s.stored(); len(got) != 0 {
		t.Errorf("got %+v in the authenticator after signalAllAcceptedCredentials, want nothing", got)
	}
	s.logOut()
	// Removed without its user: the log-in is refused, and then the browser forgets it.
	s.registers(s.joe)
	s.table.rows = nil
	s.want("not known here any more", `return logIn()`)
	s.want("Unauthorized", `return get('/me')`)
	if got := s.stored(); len(got) != 0 || !strings.Contains(s.logged(), "the passkey is not in the table") {
		t.Errorf("got %+v in the authenticator after signalUnknownCredential, want nothing; log: %s", got, s.logged())
	}
	// The last way to log in stays: Jen has no password.
	s.want("200", `return post('/login', {email: '%s', password: '-'})`, s.jen.Email)
	s.want(`"passkey"`, `return register()`)
	s.want("Error", `return remove((await list()).passkeys[0].id)`)
	if len(s.table.rows) != 1 || !strings.Contains(s.logged(), "it is the last one") {
		t.Errorf("got %d passkeys, want the last one; log: %s", len(s.table.rows), s.logged())
	}
}

func twoUsers(t *testing.T, s *shop) {
	s.registers(s.joe)
	s.want("200", `return post('/login', {email: '%s', password: '-'})`, s.jen.Email)
	s.want(`"passkey"`, `return register()`)
	// Each user has a second factor of their own on the device.
	s.want("done", `return logIn({}, '/stepup')`)
	s.want("hello "+s.jen.Email, `return get('/strong')`)
	s.logOut()
	s.byPassword(s.joe)
	s.want("done", `return logIn({}, '/stepup')`)
	s.want("hello "+s.joe.Email, `return get('/strong')`)
	s.logOut()
	// The user chooses one, here by what is left on the device.
	keys := s.stored()
	if len(keys) != 2 {
		t.Fatalf("got %+v, want two passkeys", keys)
	}
	for _, key := range keys {
		if key.UserName == s.joe.Email {
			s.devtools("removeCredential", "credentialId", key.CredentialID)
		}
	}
	s.want("done", `return logIn()`)
	s.want("hello "+s.jen.Email, `return get('/strong')`)
}

// counts makes the authenticator's key start counting at signCount.
func (s *shop) counts(signCount int32) {
	s.t.Helper()
	var got struct{ Credentials []map[string]any }
	s.browser.Ask(map[string]any{"do": "devtools", "method": "getCredentials"}, &got)
	key := got.Credentials[0]
	s.devtools("removeCredential", "credentialId", key["credentialId"])
	s.devtools("addCredential", "credential", with(key, "signCount", signCount))
}

// synchronised: each copy of a synced passkey counts separately. Most do not count at all, which this
// authenticator cannot do; TestACounterThatGoesBack has those.
func synchronised(t *testing.T, s *shop) {
	s.registers(s.joe)
	for _, count := range []int32{1000, 5, 0} {
		s.counts(count)
		s.want("done", `return logIn()`)
		s.logOut()
	}
	if got := s.stored(); got[0].SignCount != 1 || s.table.rows[0].SignCount != 1001 {
		t.Errorf("got the counters %d and %d, want 1 and the highest, 1001", got[0].SignCount, s.table.rows[0].SignCount)
	}
}

func copied(t *testing.T, s *shop) {
	s.registers(s.joe)
	s.counts(1000)
	s.want("done", `return logIn()`)
	s.logOut()
	s.counts(5)
	s.want("Error", `return logIn()`)
	s.want("Unauthorized", `return get('/me')`)
	if !strings.Contains(s.logged(), "went back from 1001 to 6") {
		t.Errorf("got the log %s", s.logged())
	}
}

func backups(t *testing.T, s *shop) {
	s.registers(s.joe)
	for _, state := range []bool{false, true} {
		s.devtools("setCredentialProperties", "credentialId", s.stored()[0].CredentialID, "backupState", state)
		s.want("done", `return logIn()`)
		s.want(fmt.Sprintf(`"backedUp":%t`, state), `return list()`)
		s.logOut()
	}
	s.devtools("setCredentialProperties", "credentialId", s.stored()[0].CredentialID, "backupEligibility", false, "backupState", false)
	s.want("Error", `return logIn()`)
	if !strings.Contains(s.logged(), "was registered with the opposite") {
		t.Errorf("got the log %s", s.logged())
	}
}

func unverified(t *testing.T, s *shop) {
	s.registers(s.joe)
	s.devtools("setUserVerified", "isUserVerified", false)
	s.want("NotAllowedError", `return logIn()`)
	// A manipulated page asks for less, and the server refuses.
	s.want("401", `const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await (await fetch('/passkey/options', {method: 'POST'})).json())
		publicKey.userVerification = 'discouraged'
		const answer = await navigator.credentials.get({publicKey})
		return (await fetch('/passkey', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(answer)})).status`)
	if !strings.Contains(s.logged(), "did not verify its user") {
		t.Errorf("got the log %s", s.logged())
	}
}

func severalTabs(_ *testing.T, s *shop) {
	s.registers(s.joe)
	s.want("200,200,200", `const tabs = []
		for (let i = 0; i < 3; i++) tabs.push(await (await fetch('/passkey/options', {method: 'POST'})).json())
		const statuses = []
		for (const options of tabs) {
			const answer = await navigator.credentials.get({publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)})
			statuses.push((await fetch('/passkey', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(answer)})).status)
		}
		return String(statuses)`)
}
