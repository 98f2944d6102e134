//go:build integration

package main_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// composed registers a user and lists their devices through compose/nginx.conf, with the flags and the
// environment of compose.yaml. Only addresses and files are the test's own.
func composed(t *testing.T, database, redis string) {
	t.Helper()
	text, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	public := subprocess.FreeAddr(t)
	_, port, _ := net.SplitHostPort(public)
	smtp, mail := mailServer(t, 0)
	for name, value := range map[string]string{"DATABASE_URL": database, "REDIS_URL": redis, "SMTP_URL": "smtp://" + smtp, "SESSION_SECRET": "a made-up secret of 32 bytes or more"} {
		if !strings.Contains(string(text), "\n      "+name+": ") {
			t.Errorf("compose.yaml sets no %s", name)
		}
		t.Setenv(name, value)
	}
	found := regexp.MustCompile(`(?s)exec /tmp/account\s+(.*?)"\n`).FindSubmatch(text)
	if found == nil {
		t.Fatal("compose.yaml starts no program")
	}
	flags := strings.Fields(strings.NewReplacer("https://localhost:8443", "https://localhost:"+port).Replace(string(found[1])))
	site := subprocess.FreeAddr(t)
	start(t, append(flags, "-addr", site, "-proxies", "127.0.0.1")...)
	logged := nginx(t, public, site)

	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: logged.roots, ServerName: "example.com"},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { // the browser has another address than the proxy
			return (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext(ctx, "tcp", public)
		},
	}}
	at := "https://localhost:" + port
	page := func(address string, form url.Values) string { // posts form if it is not nil, and returns the page
		t.Helper()
		method := http.MethodPost
		if form == nil {
			method = http.MethodGet
		}
		r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: got %d, %v: %s", answer.Request.URL.Path, answer.StatusCode, err, body)
		}
		return string(body)
	}
	page(at+"/register", url.Values{"email": {"kim@test.example"}})
	link := regexp.MustCompile(regexp.QuoteMeta(at) + `/register/finish\?\S+`).FindString(<-mail)
	field := regexp.MustCompile(`name="token" value="([^"]*)"`).FindStringSubmatch(page(link, nil))
	if field == nil {
		t.Fatalf("the mail's link %q shows no form", link)
	}
	token := html.UnescapeString(field[1])
	page(at+"/register/finish", url.Values{"token": {token}, "email": {"kim@test.example"}, "password": {secret}})
	if devices := page(at+"/account/devices", nil); !strings.Contains(devices, "127.0.0.2") {
		t.Errorf("the devices lack the browser's address: %s", devices)
	}
	client.CloseIdleConnections()
	if log := logged.read(); !strings.Contains(log, `"GET /register/finish HTTP/`) || strings.Contains(log, token) || strings.Contains(log, "token") {
		t.Errorf("got the log %s, want the page of the link in it, and no token", log)
	}
}

type proxyLog struct {
	roots *x509.CertPool
	read  func() string
}

// nginx runs compose/nginx.conf at an address, as the proxy of the site.
func nginx(t *testing.T, public, site string) proxyLog {
	t.Helper()
	dir := t.TempDir()
	certified := httptest.NewUnstartedServer(nil)
	certified.StartTLS() // only for its certificate, which is for example.com and 127.0.0.1
	certified.Close()
	key, err := x509.MarshalPKCS8PrivateKey(certified.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile("compose/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	replaced := string(config)
	for _, pair := range [][2]string{
		{"listen 8443 ssl;", "listen " + public + " ssl http2;"}, {"http2 on;", ""}, // "http2 on" needs nginx 1.25
		{"http://account:3000", "http://" + site}, {"/etc/nginx/", dir + "/"}, {"/var/log/nginx/", dir + "/"},
	} {
		if !strings.Contains(replaced, pair[0]) {
			t.Errorf("compose/nginx.conf has no %q", pair[0])
		}
		replaced = strings.ReplaceAll(replaced, pair[0], pair[1])
	}
	var temporary string
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary += name + "_temp_path " + filepath.Join(dir, name) + ";\n"
	}
	for name, data := range map[string][]byte{
		"cert.pem":   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw}),
		"key.pem":    pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"nginx.conf": []byte("daemon off;\nuser root;\npid " + dir + "/pid;\nevents {}\nhttp {\n" + temporary + replaced + "}\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said subprocess.Log
	cmd := subprocess.Command(t, subprocess.Start, "/usr/sbin/nginx", "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf"))
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	err = subprocess.Poll(func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", public)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	if err != nil {
		t.Fatalf("%v: %s", err, &said)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	return proxyLog{roots, func() string {
		access, err := os.ReadFile(filepath.Join(dir, "access.log"))
		if err != nil {
			t.Fatal(err)
		}
		errors, err := os.ReadFile(filepath.Join(dir, "error.log"))
		if err != nil {
			t.Fatal(err)
		}
		return string(access) + string(errors)
	}}
}
