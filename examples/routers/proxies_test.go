//go:build integration

package main_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	routers "github.com/seed-6f34412b/passport/examples/routers"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/internal/subprocess"
	"github.com/seed-6f34412b/passport/store"
)

// proxied are the proxies of docs/PROXIES.md: what is around the lines there, and how the program is started.
var proxied = []struct {
	name, config string // %[1]s is the lines, %[2]s the folder, %[3]s the address
	command      []string
}{
	{"nginx", `
daemon off;
user root;
pid %[2]s/pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/f; uwsgi_temp_path %[2]s/u; scgi_temp_path %[2]s/s;
    map $http_upgrade $upgrade_or_close { default upgrade; '' ''; }
    server {
        listen %[3]s ssl http2;
        ssl_certificate %[2]s/pem;
        ssl_certificate_key %[2]s/pem;
        %[1]s
    }
}`, []string{"/usr/sbin/nginx", "-e", "stderr", "-c"}},
	{"caddy", `
{
    admin off
    auto_https disable_redirects
    storage file_system %[2]s
}
https://%[3]s {
    tls %[2]s/pem %[2]s/pem
    %[1]s
}`, []string{"caddy", "run", "--adapter", "caddyfile", "--config"}},
	{"haproxy", `
defaults
    timeout connect 5s
    timeout client 60s
frontend tls
    mode http
    bind %[3]s ssl crt %[2]s/pem alpn h2,http/1.1
    default_backend shop
%[1]s
`, []string{"/usr/sbin/haproxy", "-db", "-f"}},
}

// lines returns the block of docs/PROXIES.md in the language of a proxy.
func lines(t *testing.T, name, backend string) string {
	page, err := os.ReadFile("../../docs/PROXIES.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(page), "```"+name+"\n")
	block, _, ended := strings.Cut(block, "```")
	if !found || !ended || !strings.Contains(block, "127.0.0.1:3000") {
		t.Fatalf("docs/PROXIES.md has no lines for %s", name)
	}
	return strings.ReplaceAll(block, "127.0.0.1:3000", backend)
}

// behind starts the application behind a proxy.
func behind(t *testing.T, name, config string, command []string) *site {
	s := &site{T: t, router: "net/http", log: &buffer{}}
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	s.build(routers.Settings{Store: memory.Sessions, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	backend := httptest.NewServer(routers.NetHTTP(s.app))
	t.Cleanup(backend.Close)

	dir := t.TempDir()
	certified := httptest.NewTLSServer(nil) // for its certificate
	defer certified.Close()
	key, err := x509.MarshalPKCS8PrivateKey(certified.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	file := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	if err := os.WriteFile(filepath.Join(dir, "pem"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	addr := subprocess.FreeAddr(t)
	path := filepath.Join(dir, "config")
	if err := os.WriteFile(path, fmt.Appendf(nil, config, lines(t, name, backend.Listener.Addr().String()), dir, addr), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := subprocess.Command(t, subprocess.Start, command[0], append(command[1:], path)...)
	cmd.Stdout, cmd.Stderr, cmd.Env = &said, &said, append(os.Environ(), "HOME="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	err = redistest.Poll(func(context.Context) error {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	if err != nil {
		_ = subprocess.Kill(cmd)
		_ = cmd.Wait()
		t.Fatalf("%v\n%s", err, &said)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	s.url = "https://" + addr + "/shop"
	s.transport = func() *http.Transport {
		return &http.Transport{
			DisableCompression: true, TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: s.two,
			DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext, // the browser has another address than the proxy
		}
	}
	return s
}

// TestProxies runs the lines of docs/PROXIES.md.
func TestProxies(t *testing.T) {
	for _, p := range proxied {
		t.Run(p.name, func(t *testing.T) {
			s := behind(t, p.name, p.config, p.command)
			v := s.visitor()
			r := v.request("api/login")
			r.Header.Set("X-Forwarded-For", "203.0.113.9") // a lie
			a := v.send(r)
			a.want(t, http.StatusOK, "joe@example.com")
			if c := a.Header.Get("Set-Cookie"); !strings.HasPrefix(c, "__Host-") || !strings.Contains(c, "Secure") || !strings.Contains(c, "Path=/;") {
				t.Errorf("got the cookie %q, want a __Host- one", c)
			}
			if !strings.Contains(s.log.String(), "address=127.0.0.2") || strings.Contains(s.log.String(), "203.0.113.9") {
				t.Errorf("the log has another client's address than 127.0.0.2:\n%s", s.log)
			}
			for origin, status := range map[string]int{strings.TrimSuffix(s.url, "/shop"): http.StatusOK, trusted: http.StatusOK, foreign: http.StatusForbidden} {
				r := v.request("note?milk")
				r.Header.Set("Origin", origin)
				v.send(r).want(t, status, "")
			}
			v.get("page").want(t, http.StatusOK, "worth compressing")

			s.two = true
			two := v.twin()
			if a := two.get("me"); a.StatusCode != http.StatusOK || a.ProtoMajor != 2 {
				t.Errorf("got %d by %s, want 200 by HTTP/2", a.StatusCode, a.Proto)
			}
			stream(s)
			s.two = false
			stream(s)
			talk(s)
		})
	}
}
