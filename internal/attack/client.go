package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// client sends requests as an attacker does: without a cookie jar or redirects, with any header.
type client struct {
	base string
	http *http.Client
}

// newClient returns a client whose connections come from 127.0.0.n, so that each attack is a different
// visitor to code that counts addresses.
func newClient(base string, n byte) *client {
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, n)}, Timeout: 10 * time.Second}
	if u, err := url.Parse(base); err != nil || u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" {
		from.LocalAddr = nil
	}
	return &client{base, &http.Client{
		Timeout: time.Minute,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return from.DialContext(ctx, strings.Replace(network, "tcp", "tcp4", 1), addr)
			},
			MaxIdleConnsPerHost: 32,
			TLSClientConfig:     &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the certificate was made for this run
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   string
	took   time.Duration
}

// cookie returns the value of the first cookie that the answer sets, "" for none.
func (a answer) cookie() (name, value string) {
	for _, line := range a.header.Values("Set-Cookie") {
		pair, _, _ := strings.Cut(line, ";")
		name, value, _ = strings.Cut(pair, "=")
		return name, value
	}
	return "", ""
}

// send sends a request. header is pairs of name and value.
func (c *client) send(method, path, body string, header ...string) (answer, error) {
	r, err := http.NewRequestWithContext(context.Background(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	start := time.Now()
	res, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(text), time.Since(start)}, err
}

// protected asks for the guarded page with a Cookie header.
func (c *client) protected(cookie string) (answer, error) {
	return c.send(http.MethodGet, "/protected", "", "Cookie", cookie)
}

// logIn posts credentials.
func (c *client) logIn(email, password string, header ...string) (answer, error) {
	return c.send(http.MethodPost, "/auth/login", form("email", email, "password", password), header...)
}

// logInCookie logs in and returns the cookie as a browser sends it.
func (c *client) logInCookie(email, password string, header ...string) (string, error) {
	a, err := c.logIn(email, password, header...)
	if err != nil {
		return "", err
	}
	name, value := a.cookie()
	if a.status != http.StatusOK || value == "" {
		return "", fmt.Errorf("log in as %s: got %d and cookie %q", email, a.status, name)
	}
	return name + "=" + value, nil
}

func form(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}
