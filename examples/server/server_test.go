package main_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	server "github.com/seed-6f34412b/passport/examples/server"
	"github.com/seed-6f34412b/passport/internal/devicetest"
)

func TestArticle(t *testing.T) {
	for _, s := range []struct{ name, kind, logIn, register string }{
		{"forms", form, encode("email", joe, "password", joesPass), encode("email", "new.email@test.com", "password", "password", "confirmationPassword", "password", "firstName", "New", "lastName", "Test")},
		{"JSON", "application/json", `{"email":"joefoo@test.com","password":"Passw0rd!"}`, `{"email":"new.email@test.com","password":"password","confirmationPassword":"password","firstName":"New","lastName":"Test"}`},
	} {
		t.Run(s.name, func(t *testing.T) {
			v := start(t).visitor()
			v.get("/").want(t, http.StatusOK, public)
			v.get("/protected").want(t, http.StatusUnauthorized, "")
			v.get("/whoami").want(t, http.StatusUnauthorized, "")
			v.post("/auth/logout").want(t, http.StatusOK, "")

			v.do(http.MethodPost, "/auth/login", s.kind, s.logIn).want(t, http.StatusOK, `{"cookie":{"originalMaxAge":`)
			v.get("/protected").want(t, http.StatusOK, protected)
			v.get("/whoami").want(t, http.StatusOK, `"firstName":"Joe"`)
			v.post("/auth/logout").want(t, http.StatusOK, "")
			v.get("/whoami").want(t, http.StatusUnauthorized, "")

			v.do(http.MethodPost, "/auth/register", s.kind, s.register).want(t, http.StatusCreated, `"lastName":"Test"`)
			v.get("/whoami").want(t, http.StatusUnauthorized, "")
			v.logIn("NEW.email@test.com", "password").want(t, http.StatusOK, "")
			v.get("/whoami").want(t, http.StatusOK, `"email":"new.email@test.com"`)
		})
	}
}

func TestRegistrationRefuses(t *testing.T) {
	v := start(t).visitor()
	for _, c := range []struct {
		name, kind, body string
		status           int
		detail           string
	}{
		{"a password that is confirmed wrongly", form, "email=a@b&password=x&confirmationPassword=y&firstName=F&lastName=L", 400, "Password and Confirmation Password must match"},
		{"an address that is taken", form, "email=JOEFOO@test.com&password=xkqj+vwzp&confirmationPassword=xkqj+vwzp&firstName=F&lastName=L", 400, "User email must be unique"},
		{"an address that is taken, but for a space", form, "email=joefoo@test.com%20&password=xkqj+vwzp&confirmationPassword=xkqj+vwzp&firstName=F&lastName=L", 400, "User email must be unique"},
		{"an address that is taken, but for a character that nobody sees", "application/json", `{"email":"joe\u200bfoo@test.com","password":"xkqj vwzp","confirmationPassword":"xkqj vwzp","firstName":"F","lastName":"L"}`, 400, "User email must be unique"},
		{"a name instead of an address", form, "email=joe&password=xkqj+vwzp&confirmationPassword=xkqj+vwzp&firstName=F&lastName=L", 400, "is not an address"},
		{"an address with a name", form, "email=Joe+<joe@b.example>&password=xkqj+vwzp&confirmationPassword=xkqj+vwzp&firstName=F&lastName=L", 400, "is not an address"},
		{"two addresses", form, "email=a@b.example,c@d.example&password=xkqj+vwzp&confirmationPassword=xkqj+vwzp&firstName=F&lastName=L", 400, "is not an address"},
		{"a short password", form, "email=a@b.example&password=xkqjvwz&confirmationPassword=xkqjvwz&firstName=F&lastName=L", 400, "Use at least 8 characters"},
		{"a missing name", form, "email=a@b&password=x&confirmationPassword=x&lastName=L", 400, "must not be empty"},
		{"a number for a text", "application/json", `{"email":"a@b","password":1}`, 400, "neither a form nor JSON"},
		{"JSON with something behind it", "application/json", `{} {}`, 400, "neither a form nor JSON"},
		{"a body of 100 KiB", form, "email=" + strings.Repeat("a", 100<<10), 413, "too large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := v.do(http.MethodPost, "/auth/register", c.kind, c.body)
			got.want(t, c.status, c.detail)
			if kind := got.header.Get("Content-Type"); kind != "application/problem+json" {
				t.Errorf("got type %q, want a problem document", kind)
			}
		})
	}
}

func TestOtherSitesCannotPost(t *testing.T) {
	v := start(t).visitor()
	v.logIn(joe, joesPass).want(t, http.StatusOK, "")
	for _, path := range []string{"/auth/login", "/auth/logout", "/auth/register"} {
		got := v.do(http.MethodPost, path, form, encode("email", joe, "password", joesPass), "Sec-Fetch-Site", "cross-site")
		if got.status != http.StatusForbidden {
			t.Errorf("POST %s from another site: got %d, want 403", path, got.status)
		}
	}
	v.get("/protected").want(t, http.StatusOK, protected)
}

func TestUnknownPathsAreNotFound(t *testing.T) {
	v := start(t).visitor()
	v.get("/nothing").want(t, http.StatusNotFound, "")
	v.get("/auth/login").want(t, http.StatusMethodNotAllowed, "")
}

func TestStartSaysWhatAStrangerNeeds(t *testing.T) {
	p := start(t)
	for _, want := range []string{
		"listening on " + p.URL + ", Ctrl-C stops\n",
		"store: a Redis inside this program, which forgets everything when it ends",
		"curl " + p.URL + "/auth/login -d 'email=joefoo@test.com&password=Passw0rd!' -c cookie.joe.txt\n",
		"curl " + p.URL + "/protected -b cookie.joe.txt\n",
	} {
		if !strings.Contains(p.Welcome, want) {
			t.Errorf("got %q, want it to contain %q", p.Welcome, want)
		}
	}
	p.Stop()
	for _, want := range []string{"a random one signs the cookies", "stopping", "stopped"} {
		if !strings.Contains(p.Log.String(), want) {
			t.Errorf("got log %q, want it to contain %q", p.Log.String(), want)
		}
	}
}

func TestRequestUnderWayFinishesBeforeTheStop(t *testing.T) {
	p := start(t)
	body, rest := io.Pipe()
	reading := make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(reading) }})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+"/auth/login", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", form)
	r.Header.Set("Expect", "100-continue")
	go func() {
		<-reading // the handler asked for the body
		p.Signal()
		p.Log.Wait("stopping")
		_, _ = io.WriteString(rest, encode("email", joe, "password", joesPass))
		_ = rest.Close()
	}()
	client := http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	reply{status: res.StatusCode, body: string(got)}.want(t, http.StatusOK, `"user":1`)
	p.Wait()
}

func TestLogHasNoSecrets(t *testing.T) {
	p := start(t, "-secret", secret)
	v := p.visitor()
	set := v.logIn(joe, joesPass).header.Get("Set-Cookie")
	v.logIn(joe, "my other password")
	p.Stop()
	value, _, _ := strings.Cut(strings.TrimPrefix(set, "sid="), ";")
	if !strings.Contains(p.Log.String(), "authn_login_success") || value == "" {
		t.Fatalf("got log %q, want the log-in in it", p.Log.String())
	}
	for _, s := range []string{value, joesPass, "my other password", secret} {
		if strings.Contains(p.Log.String(), s) {
			t.Errorf("the log has %q in it: %s", s, p.Log.String())
		}
	}
}

func TestHTTPSHasASecureCookie(t *testing.T) {
	p, transport := startHTTPS(t)
	if !strings.HasPrefix(p.URL, "https://localhost:") {
		t.Fatalf("got address %s, want https", p.URL)
	}
	v := p.visitor()
	v.http.Transport = transport
	got := v.logIn(joe, joesPass)
	got.want(t, http.StatusOK, "")
	if cookie := got.header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "__Host-sid=") || !strings.Contains(cookie, "; Secure") {
		t.Errorf("got %q, want __Host-sid with Secure", cookie)
	}
	v.get("/protected").want(t, http.StatusOK, protected)
}

func TestExpressSecretSpeaksConnectSid(t *testing.T) {
	for name, s := range map[string]string{"short": "sup3rs3cr3t", "long": secret} {
		t.Run(name, func(t *testing.T) {
			p := start(t, "-express-secret", s)
			v := p.visitor()
			got := v.logIn(joe, joesPass)
			got.want(t, http.StatusOK, "")
			if cookie := got.header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "connect.sid=s%3A") {
				t.Errorf("got %q, want connect.sid", cookie)
			}
			v.get("/protected").want(t, http.StatusOK, protected)
			p.Stop()
			if got, want := strings.Contains(p.Log.String(), "fewer than 32 bytes"), name == "short"; got != want {
				t.Errorf("got a warning %t, want %t: %s", got, want, p.Log.String())
			}
		})
	}
}

func TestHelpNamesEveryFlagAndNoSecret(t *testing.T) {
	c := command(t, "-h")
	c.Env = append(c.Env, "SESSION_SECRET="+secret, "REDIS_URL=redis://:hidden@localhost")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("-h ended with %v: %s", err, out)
	}
	for _, want := range []string{"-addr host:port\n", "-redis URL\n", "-secret text\n", "-express-secret text\n", "-tls-cert file\n", "-tls-key file\n", "-insecure-http", "http://localhost:3000"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("got %s, want it to contain %q", out, want)
		}
	}
	if strings.Contains(string(out), secret) || strings.Contains(string(out), "hidden") {
		t.Errorf("-h shows a secret: %s", out)
	}
	for line := range strings.Lines(string(out)) {
		if len(line) > 81 {
			t.Errorf("a line of %d columns: %q", len(line)-1, line)
		}
	}
}

func TestServerRefusesToStartWith(t *testing.T) {
	for _, c := range []struct {
		name, args, want string
	}{
		{"plain http on every address", "-addr 0.0.0.0:0", "-insecure-http if a proxy in front speaks https"},
		{"plain http on another machine's address", "-addr 192.0.2.1:0", "-tls-cert and -tls-key"},
		{"plain http on every IPv6 address", "-addr [::]:0", "-tls-cert and -tls-key"},
		{"an address without a port", "-addr localhost", "-addr"},
		{"half of a certificate", "-tls-cert x", "give both"},
		{"bound sessions over plain http", "-device-bound 12s", "give -tls-cert and -tls-key"},
		{"a certificate that is not there", "-tls-cert x -tls-key y", "-tls-cert"},
		{"a flag that is not known", "-adr :3000", "not defined: -adr"},
		{"an argument", "now", `"now" is not a flag`},
		{"proxies that are none", "-trusted-proxies 10.0.0.0/8,everybody", `"everybody" is neither an address nor a prefix`},
		{"everybody as one of two", "-addr :0 -trusted-proxies 0.0.0.0/0 -trusted-proxies 10.0.0.0/8", "which is everybody"},
		{"everybody as a proxy", "-addr :0 -trusted-proxies 0.0.0.0/0", "which is everybody"},
		{"a short secret", "-addr :0 -secret short", "at least 32"},
		{"a Redis that is no URL", "-addr :0 -redis http://:hidden@localhost", "-redis: store: open: the URL is not like redis://"},
		{"a Redis URL that does not parse", "-addr :0 -redis redis://:hidden@%zz", "-redis: store: open: the URL is not like redis://"},
		{"a Redis that does not answer", "-addr :0 -redis redis://:hidden@127.0.0.1:1", "-redis: store: check: dial tcp 127.0.0.1:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := command(t, strings.Fields(c.args)...).CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) {
				t.Errorf("got %v, %s, want a failure with %q", err, out, c.want)
			}
			if strings.Contains(string(out), "hidden") {
				t.Errorf("the error shows the password: %s", out)
			}
		})
	}
}

func TestInsecureHTTPServesOtherAddresses(t *testing.T) {
	p := start(t, "-addr", "0.0.0.0:0", "-insecure-http")
	v := p.visitor()
	v.base = strings.Replace(p.URL, "0.0.0.0", "127.0.0.1", 1)
	v.get("/").want(t, http.StatusOK, public)
}

// TestEmbeddedRedis: its clock runs, and a pipeline that is longer than a buffer of bufio is answered.
func TestEmbeddedRedis(t *testing.T) {
	address, stop, err := server.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	opt, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(opt)
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := client.Set(ctx, "sess:x", "{}", time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	for n := int64(1); n > 0; {
		if n, err = client.Exists(ctx, "sess:x").Result(); err != nil {
			t.Fatalf("a key that has expired: got %v, want 0 keys", err)
		}
	}
	pipe := client.Pipeline()
	for i := range 500 {
		pipe.Set(ctx, fmt.Sprint("sess:", i), strings.Repeat("x", 100), time.Hour)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		t.Errorf("a pipeline of 500 commands: got %v", err)
	}
	other := redis.NewClient(&redis.Options{Addr: opt.Addr})
	defer func() { _ = other.Close() }()
	if err := other.Get(ctx, "sess:1").Err(); err == nil || !strings.HasPrefix(err.Error(), "NOAUTH") {
		t.Errorf("without the password: got %v, want NOAUTH", err)
	}
}

// startHTTPS runs the program by https, and returns how its visitors reach it.
func startHTTPS(t testing.TB, args ...string) (*process, *http.Transport) {
	t.Helper()
	peer := httptest.NewTLSServer(nil) // for its certificate
	defer peer.Close()
	cert, key := pemFiles(t, peer.TLS.Certificates[0])
	roots := x509.NewCertPool()
	roots.AddCert(peer.Certificate())
	return start(t, append(args, "-tls-cert", cert, "-tls-key", key)...),
		&http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "example.com"}}
}

// pemFiles writes a certificate and its key into files.
func pemFiles(t testing.TB, c tls.Certificate) (certFile, keyFile string) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for _, f := range []struct {
		name, kind string
		der        []byte
	}{{certFile, "CERTIFICATE", c.Certificate[0]}, {keyFile, "PRIVATE KEY", key}} {
		if err := os.WriteFile(f.name, pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// TestDeviceBoundBindsSessions, whose records lie in a Redis here.
func TestDeviceBoundBindsSessions(t *testing.T) {
	p, transport := startHTTPS(t, "-device-bound", "12s")
	browser, page := p.visitor(), p.visitor()
	browser.http.Transport, page.http.Transport = transport, transport
	page.get("/bound").want(t, http.StatusUnauthorized, "ProblemLogIn")
	got := browser.logIn(joe, joesPass)
	got.want(t, http.StatusOK, "")
	offer := got.header.Get("Secure-Session-Registration")
	challenge, ok := strings.CutPrefix(strings.TrimSuffix(offer, `"`), `(ES256 RS256);path="/device-bound";challenge="`)
	if !ok {
		t.Fatalf("got the offer %q", offer)
	}
	browser.get("/protected").want(t, http.StatusOK, protected)
	browser.get("/bound").want(t, http.StatusUnauthorized, "ProblemBound")
	base, err := url.Parse(browser.base)
	if err != nil {
		t.Fatal(err)
	}
	page.http.Jar.SetCookies(base, browser.http.Jar.Cookies(base))
	browser.do(http.MethodPost, "/device-bound", "", "", "Secure-Session-Response", devicetest.New(t).Registration(challenge)).
		want(t, http.StatusOK, `"refresh_url":"/device-bound"`)
	browser.get("/bound").want(t, http.StatusOK, "")
	page.get("/protected").want(t, http.StatusOK, protected) // its request was on its way: the id before still finds the session
	thief := p.visitor()
	thief.http.Transport = transport
	for _, c := range browser.http.Jar.Cookies(base) {
		if !strings.HasPrefix(c.Name, "__Host-bound-") { // as if the proof were over
			thief.http.Jar.SetCookies(base, []*http.Cookie{c})
		}
	}
	thief.get("/protected").want(t, http.StatusUnauthorized, "ProblemUnproved")
	browser.get("/protected").want(t, http.StatusOK, protected)
}
