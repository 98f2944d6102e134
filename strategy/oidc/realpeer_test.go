//go:build integration

package oidc_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/subprocess"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// The tests with the build tag integration run against oidc-provider, a certified
// OpenID provider, and Chromium. They need npm ci in testdata/provider, and Debian's packages nodejs and
// chromium.

// certified is oidc-provider in its own process.
type certified struct {
	issuer string
	stop   func()
	log    *logBuffer
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startCertified starts oidc-provider for the application at app. Port 0 means a free port.
func startCertified(t *testing.T, port, app string) *certified {
	t.Helper()
	client := func(id string, more map[string]any) map[string]any {
		c := map[string]any{
			"client_id": id, "client_secret": clientSecret, "redirect_uris": []string{app + "/callback/" + id},
			"post_logout_redirect_uris": []string{app + "/"}, "require_auth_time": true,
			"backchannel_logout_uri": app + "/backchannel/" + id, "backchannel_logout_session_required": true,
		}
		maps.Copy(c, more)
		if id == "public" {
			delete(c, "client_secret")
		}
		return c
	}
	arg, err := json.Marshal(map[string]any{"port": json.Number(port), "clients": []any{
		client("rsa", nil),
		client("ec", map[string]any{"id_token_signed_response_alg": "ES256", "token_endpoint_auth_method": "client_secret_basic"}),
		client("form", nil),
		client("public", map[string]any{"token_endpoint_auth_method": "none", "backchannel_logout_session_required": false}),
	}, "keys": newKeys(t)})
	if err != nil {
		t.Fatal(err)
	}
	c := &certified{log: new(logBuffer)}
	cmd := node(t, 0, "provider.mjs", string(arg))
	cmd.Stderr = c.log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	lines, err := subprocess.Lines(cmd, subprocess.Start)
	if err != nil {
		t.Fatal(err)
	}
	c.stop = sync.OnceFunc(func() { // it ends when its standard input ends
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Errorf("provider: %v: %s", err, c.log)
		}
	})
	t.Cleanup(c.stop)
	if !lines.Scan() {
		t.Fatalf("the provider did not start: %s", c.log)
	}
	c.issuer = lines.Text()
	return c
}

// newKeys returns a key for each algorithm of the ID tokens of the provider's clients.
func newKeys(t *testing.T) []jose.JSONWebKey {
	t.Helper()
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	es, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return []jose.JSONWebKey{
		{Key: rs, KeyID: rand.Text(), Algorithm: string(jose.RS256), Use: "sig"},
		{Key: es, KeyID: rand.Text(), Algorithm: string(jose.ES256), Use: "sig"},
	}
}

// scriptLimit is how long a script with a browser may take. It takes seconds.
const scriptLimit = 2 * time.Minute

// node returns a command that runs a script of testdata/provider, at most for limit; 0 means as long as the
// test.
func node(t *testing.T, limit time.Duration, script, arg string) *exec.Cmd {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("testdata", "provider"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		t.Fatalf("run npm ci in strategy/oidc/testdata/provider first: %v", err)
	}
	cmd := subprocess.Command(t, limit, "node", script, arg)
	cmd.Dir = dir
	return cmd
}

// shop is an application that serves over a real port.
type shop struct {
	t          testing.TB
	server     *httptest.Server
	url        string // at localhost, so that it is another site than the provider at 127.0.0.1
	sessions   *session.Manager
	strategies map[string]*oidc.Strategy[*User]
	log        *logBuffer
	mux        *http.ServeMux

	mu  sync.Mutex
	ids []oidc.Identity
}

func newShop(t *testing.T, edit ...func(*session.Config)) *shop {
	t.Helper()
	s := &shop{t: t, log: new(logBuffer), mux: http.NewServeMux(), strategies: map[string]*oidc.Strategy[*User]{}}
	s.server = httptest.NewServer(s.mux)
	t.Cleanup(s.server.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.server.URL, "http://"), ":")
	s.url = "http://localhost:" + port
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := session.Config{Store: memory.Sessions, Codec: session.SecureCookie(cookieSecret), InsecureHTTP: true}
	for _, e := range edit {
		e(&cfg)
	}
	s.sessions, err = session.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// open gives the application one route for each client of the provider.
func (s *shop) open(op *certified, edit ...func(*oidc.Config)) {
	s.t.Helper()
	logger := slog.New(slog.NewTextHandler(s.log, nil))
	users := serializer.ByID(func(u *User) string { return u.Key }, func(_ context.Context, key string) (*User, error) { return &User{Key: key}, nil })
	for _, id := range []string{"rsa", "ec", "form", "public"} {
		cfg := oidc.Config{
			Name: id, Issuer: op.issuer, ClientID: id, ClientSecret: clientSecret, RedirectURL: s.url + "/callback/" + id,
			CookieSecrets: []string{cookieSecret}, Scopes: []string{"profile", "email"}, UserInfo: true, InsecureHTTP: true, Logger: logger,
			FormPost: id == "form",
		}
		if id == "public" {
			cfg.ClientSecret = ""
		}
		for _, e := range edit {
			e(&cfg)
		}
		st, err := oidc.New(cfg, func(_ context.Context, id oidc.Identity) (*User, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.ids = append(s.ids, id)
			return &User{Key: id.Subject}, nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
		auth, err := guard.New(guard.Config{Sessions: s.sessions, Logger: logger}, users, st)
		if err != nil {
			s.t.Fatal(err)
		}
		login := auth.Authenticate(id)(auth.LogInWith(guard.LogInOptions{ReturnTo: true, SuccessRedirect: "/"})(nil))
		s.mux.Handle("GET /login/"+id, login)
		s.mux.Handle("/callback/"+id, login)
		s.mux.Handle("POST /backchannel/"+id, st.BackChannelLogOut(auth))
		s.mux.Handle("POST /logout/"+id, auth.LogOut(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			to, err := st.LogOutURL(r.Context(), oidc.LogOut{ReturnURL: s.url + "/"})
			if err != nil {
				s.t.Error(err)
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
		})))
		s.strategies[id] = st
		if id == "rsa" {
			s.mux.Handle("GET /{$}", auth.Restore(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				which := r.URL.Query().Get("with")
				who := "nobody"
				if u, ok := auth.User(r.Context()); ok {
					who = u.Key
				}
				fmt.Fprintf(w, `<!doctype html><p>hello %s</p><a id="login" href="/login/%s?return_to=/%%3Fwith=%[2]s">log in</a><form method="post" action="/logout/rsa"><button id="logout">log out</button></form>`, html.EscapeString(who), url.QueryEscape(which))
			})))
		}
	}
}

// identity returns the last identity that the application got.
func (s *shop) identity() oidc.Identity {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ids) == 0 {
		s.t.Fatalf("nobody logged in: %s", s.log)
	}
	return s.ids[len(s.ids)-1]
}

// person is a browser with a cookie jar that fills in the provider's forms.
type person struct {
	t      testing.TB
	client *http.Client
}

func newPerson(t testing.TB) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t, &http.Client{Jar: jar}}
}

// get fetches a page, following redirects, and returns its address, status and text.
func (p *person) get(to string) (*url.URL, int, string) {
	p.t.Helper()
	return p.read(p.client.Get(to))
}

func (p *person) read(res *http.Response, err error) (*url.URL, int, string) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		p.t.Fatal(err)
	}
	return res.Request.URL, res.StatusCode, string(body)
}

var (
	action = regexp.MustCompile(`action="([^"]+)"`)
	inputs = regexp.MustCompile(`<input type="?hidden"? name="([^"]+)" value="([^"]*)"`)
)

// submit sends the form of a page, with its hidden fields and those given.
func (p *person) submit(at *url.URL, page string, fields ...string) (*url.URL, int, string) {
	p.t.Helper()
	m := action.FindStringSubmatch(page)
	if m == nil {
		p.t.Fatalf("got %s: %s, want a form", at, page)
	}
	form := url.Values{}
	for _, in := range inputs.FindAllStringSubmatch(page, -1) {
		form.Set(in[1], html.UnescapeString(in[2]))
	}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	to, err := at.Parse(html.UnescapeString(m[1]))
	if err != nil {
		p.t.Fatal(err)
	}
	return p.read(p.client.PostForm(to.String(), form))
}

// logIn logs in at the shop through the provider's pages.
func (p *person) logIn(s *shop, client, name string) (*url.URL, int, string) {
	p.t.Helper()
	at, status, page := p.get(s.url + "/login/" + client + "?return_to=/%3Fdone")
	if strings.Contains(page, `name="login"`) {
		at, status, page = p.submit(at, page, "login", name, "answer", "yes")
	}
	if strings.Contains(page, ">consent<") {
		at, status, page = p.submit(at, page, "answer", "yes")
	}
	if strings.Contains(page, `name="code"`) { // the form of form_post, which a script submits
		at, status, page = p.submit(at, page)
	}
	return at, status, page
}

func (p *person) want(s *shop, who string) {
	p.t.Helper()
	if _, status, page := p.get(s.url + "/"); status != http.StatusOK || !strings.Contains(page, "hello "+who) {
		p.t.Errorf("got %d %s, want hello %s; log: %s", status, page, who, s.log)
	}
}
