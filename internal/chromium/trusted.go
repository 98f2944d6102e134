package chromium

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// Site is a server with a certificate that a browser trusts: it is signed by an authority in the browser's
// own list. It is for features that browsers enable for trusted sites only, such as device-bound sessions.
type Site struct {
	Host   string   // its host name, with https and the default port
	also   []string // other host names of the same server
	home   string   // the browser's HOME, which has the list of authorities
	server *httptest.Server
	ca     *x509.Certificate
}

// Serve serves app over https under host, and under the names in also. It needs certutil, from Debian's
// package libnss3-tools.
func Serve(t *testing.T, app http.Handler, host string, also ...string) *Site {
	t.Helper()
	home, err := os.MkdirTemp("", "chromium-") //nolint:usetesting // Chromium still writes there when the test ends
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	s := &Site{Host: host, also: also, home: home}
	certificate := s.certify(t)
	s.server = httptest.NewUnstartedServer(app)
	s.server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	s.server.Config.ErrorLog = log.New(noLog{}, "", 0) // a browser that exits breaks off connections
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	return s
}

// noLog discards what is written.
type noLog struct{}

func (noLog) Write(p []byte) (int, error) { return len(p), nil }

// certify makes an authority, adds it to the browser's list, and returns a certificate for the hosts.
func (s *Site) certify(t *testing.T) tls.Certificate {
	t.Helper()
	now := time.Now()
	make509 := func(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if signer == nil {
			signer = key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		return der, key
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "a test's own authority"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, IsCA: true, BasicConstraintsValid: true,
	}
	der, signer := make509(authority, authority, nil)
	var err error
	if s.ca, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	leaf, key := make509(&x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano() + 1), Subject: pkix.Name{CommonName: s.Host}, DNSNames: append([]string{s.Host}, s.also...),
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, s.ca, signer)

	file := filepath.Join(s.home, "authority.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(s.home, ".pki", "nssdb")
	if err := os.MkdirAll(list, 0o700); err != nil {
		t.Fatal(err)
	}
	certutil, err := exec.LookPath("certutil")
	if err != nil {
		t.Fatalf("install Debian's package libnss3-tools: %v", err)
	}
	for _, args := range [][]string{{"-N", "--empty-password"}, {"-A", "-t", "C,,", "-n", "test", "-i", file}} {
		cmd := subprocess.Command(t, patience, certutil, append([]string{"-d", "sql:" + list}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("certutil %v: %v: %s", args, err, out)
		}
	}
	return tls.Certificate{Certificate: [][]byte{leaf, der}, PrivateKey: key}
}

// Address returns the host and port where the server really listens.
func (s *Site) Address() string {
	u, _ := url.Parse(s.server.URL) // no error: httptest made it
	return u.Host
}

// URL returns the address of path.
func (s *Site) URL(path string) string { return "https://" + s.Host + path }

// Client returns a client that trusts and finds the server too.
func (s *Site) Client() *http.Client {
	transport, _ := s.server.Client().Transport.(*http.Transport) // always one: httptest made it
	transport = transport.Clone()
	pool := x509.NewCertPool()
	pool.AddCert(s.ca)
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Address())
	}
	return &http.Client{Transport: transport}
}
