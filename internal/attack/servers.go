package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// secret is an example.
const secret = "a made-up secret of 32 bytes or more"

// setting is the example server with some of its flags, and the attacks on it.
type setting struct {
	flags   []string
	attacks []attack
}

// settings use each flag of the example once. Password guessing is tried only on the server without flags:
// it costs hashes, and the flags make no difference to it.
func settings(dir string, redis *miniredis.Miniredis) ([]setting, error) {
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := writeCertificate(cert, key); err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	return []setting{
		{nil, attacks},
		{[]string{"-totp", "-secret", secret, "-trusted-proxies", "127.0.0.9"}, slices.Concat(sessionAttacks, secondFactorAttacks)},
		{[]string{"-express-secret", secret, "-redis", "redis://" + redis.Addr(), "-insecure-http"}, append(slices.Clip(sessionAttacks), attack{"a record that a slow Express writes back", revived(redis)})},
		{[]string{"-tls-cert", cert, "-tls-key", key, "-device-bound", "10m"}, sessionAttacks},
	}, nil
}

// writeCertificate makes a certificate for localhost that is valid for an hour.
func writeCertificate(certFile, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0o600),
	)
}

// revived writes the record back after a log-out, as a slow request of Express does (G36).
func revived(redis *miniredis.Miniredis) func(c *client, report func(string, bool)) (string, error) {
	return func(c *client, report func(string, bool)) (string, error) {
		cookie, err := c.logInCookie(joe, joesPass)
		if err != nil {
			return "", err
		}
		before := map[string]string{}
		for _, key := range redis.Keys() {
			if text, err := redis.Get(key); err == nil && strings.HasPrefix(key, "sess:") {
				before[key] = text
			}
		}
		if a, err := c.protected(cookie); err != nil || !entered(a) || len(before) == 0 {
			return "", fmt.Errorf("the valid cookie is refused, or there is no record: %d, %d, %w", a.status, len(before), err)
		}
		if a, err := c.send("POST", "/auth/logout", "", "Cookie", cookie); err != nil || a.status != 200 {
			return "", fmt.Errorf("log out: %d, %w", a.status, err)
		}
		for key, text := range before {
			if err := redis.Set(key, text); err != nil {
				return "", err
			}
		}
		a, err := c.protected(cookie)
		report("the cookie after the log-out", !entered(a))
		return "", err
	}
}
