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
)

// shop is a world at http://localhost, with a page that has the example's script.
type shop struct {
	*world
	browser *program
	url     string
}

func openShop(t *testing.T, edit ...func(*passkey.Config[*User])) *shop {
	t.Helper()
	var mux *http.ServeMux
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { mux.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	s := &shop{browser: chromium(t), url: strings.Replace(server.URL, "127.0.0.1", "localhost", 1)}
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

// authenticator are options of the DevTools protocol: one that syncs, as most do.
var synced = map[string]any{
	"protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
	"isUserVerified": true, "automaticPresenceSimulation": true, "defaultBackupEligibility": true, "defaultBackupState": true,
}

// deviceBound is one whose keys stay in it.
var deviceBound = with(synced, "transport", "usb", "defaultBackupEligibility", false, "defaultBackupState", false)

func with(options map[string]any, pairs ...any) map[string]any {
	c := maps.Clone(options)
	for i := 0; i < len(pairs); i += 2 {
		c[pairs[i].(string)] = pairs[i+1]
	}
	return c
}

// visit opens the page in a browser without cookies, which has a new authenticator.
func (s *shop) visit(options map[string]any) {
	s.t.Helper()
	s.browser.ask(map[string]any{"do": "fresh", "url": s.url, "options": options}, nil)
	s.run("while (!window.ready) await new Promise(requestAnimationFrame)")
}

// run runs a script in the page and returns its value, or what it threw, as text.
func (s *shop) run(script string, args ...any) string {
	s.t.Helper()
	var got struct {
		Value  json.RawMessage
		Thrown string
	}
	s.browser.ask(map[string]any{"do": "run", "script": fmt.Sprintf(script, args...)}, &got)
	if got.Thrown != "" {
		return got.Thrown
	}
	var text string
	if json.Unmarshal(got.Value, &text) == nil {
		return text
	}
	return string(got.Value)
}

// want runs a script and wants its value to contain part.
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

// stored are the passkeys in the browser's authenticator.
func (s *shop) stored() (list []storedKey) {
	s.t.Helper()
	var got struct{ Credentials []storedKey }
	s.browser.ask(map[string]any{"do": "devtools", "method": "getCredentials"}, &got)
	return got.Credentials
}

type storedKey struct {
	CredentialID string `json:"credentialId"`
	UserName     string `json:"userName"`
	SignCount    uint32 `json:"signCount"`
	BackupState  bool   `json:"backupState"`
}

func TestChromiumLivesWithPasskeys(t *testing.T) {
	s := openShop(t)
	s.visit(synced)
	s.byPassword(s.joe)
	s.want(`"backedUp":true`, `return register()`)
	s.want("InvalidStateError", `return register()`) // excludeCredentials
	if got := s.stored(); len(got) != 1 || got[0].UserName != s.joe.Email {
		t.Fatalf("got %+v in the authenticator, want one of Joe", got)
	}
	for _, how := range []string{`{}`, `{mediation: 'conditional'}`, `{uiMode: 'immediate'}`} {
		s.want("200", `return post('/logout', {})`)
		s.want("Unauthorized", `return get('/me')`)
		s.want("done", `return logIn(%s)`, how)
		s.want("hello "+s.joe.Email, `return get('/strong')`)
	}
	if got := s.info.Factors; !slices.Equal(got, []string{"passkey", "passkey:verified"}) {
		t.Errorf("got the factors %q", got)
	}
}
