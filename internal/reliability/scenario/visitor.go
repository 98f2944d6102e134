// Package scenario makes visitors race with each other in a program with sessions, over HTTP, and counts
// how many times a promise is broken. It does not depend on the program, so that this library and others,
// in Go or not, run the same races.
//
// The program must have these routes. Each answers 200 only if it did what was asked.
//
//	POST /login?user=7            remembers the user, a number
//	POST /logout                  ends the session
//	POST /renew                   gives the session another id, where there are ids
//	GET  /me                      the user's number; 401 for nobody
//	POST /set?key=k&value=v       changes the session of a user; 401 for nobody
//	POST /add                     adds one to the value n of a user's session
//	GET  /data                    the session's values as a JSON object of strings
//
// The changing routes accept hold=µs: how long the handler waits after the change and before its response.
package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"time"
)

// Target is the program under test.
type Target struct {
	base   *url.URL
	client *http.Transport
}

// At returns the target that listens at address, an http URL.
func At(address string) (*Target, error) {
	base, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("scenario: address: %w", err)
	}
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // otherwise hundreds of thousands of closed connections would use up the ports
		}
		return conn, err
	}
	return &Target{base, &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 256}}, nil
}

// Close closes the idle connections to the target.
func (t *Target) Close() { t.client.CloseIdleConnections() }

// Visitor is a browser with cookies. It is safe for concurrent use.
type Visitor struct {
	t   *Target
	jar *cookiejar.Jar
}

// Visitor returns a new visitor.
func (t *Target) Visitor() *Visitor {
	jar, _ := cookiejar.New(nil) // never fails without options
	return &Visitor{t, jar}
}

// Twin returns a visitor with a copy of the current cookies.
func (v *Visitor) Twin() *Visitor { return v.At(v.t) }

// At returns a visitor of another target of the same program, with a copy of the current cookies.
func (v *Visitor) At(t *Target) *Visitor {
	w := t.Visitor()
	w.jar.SetCookies(t.base, v.jar.Cookies(v.t.base))
	return w
}

// Cookie returns the value of the named cookie, or "".
func (v *Visitor) Cookie(name string) string {
	for _, c := range v.jar.Cookies(v.t.base) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// Answer is a response. Status is 0 if there was none.
type Answer struct {
	Status int
	Text   string
	Header http.Header
	Err    error
	Took   time.Duration
}

// OK reports whether the program said that it did what was asked.
func (a Answer) OK() bool { return a.Status == http.StatusOK }

// Do sends a request. path may have a query.
func (v *Visitor) Do(ctx context.Context, method, path string) Answer {
	start := time.Now()
	to, err := v.t.base.Parse(path)
	if err != nil {
		return Answer{Err: err}
	}
	r, err := http.NewRequestWithContext(ctx, method, to.String(), nil)
	if err != nil {
		return Answer{Err: err}
	}
	client := http.Client{Transport: v.t.client, Jar: v.jar}
	res, err := client.Do(r)
	if err != nil {
		return Answer{Err: err, Took: time.Since(start)}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return Answer{Err: err, Took: time.Since(start)}
	}
	return Answer{res.StatusCode, string(text), res.Header, nil, time.Since(start)}
}

// LogIn logs the visitor in.
func (v *Visitor) LogIn(ctx context.Context, user int) Answer {
	return v.Do(ctx, http.MethodPost, fmt.Sprintf("/login?user=%d", user))
}

// LogOut logs the visitor out.
func (v *Visitor) LogOut(ctx context.Context) Answer { return v.Do(ctx, http.MethodPost, "/logout") }

// Me asks for the visitor's user.
func (v *Visitor) Me(ctx context.Context) Answer { return v.Do(ctx, http.MethodGet, "/me") }

// Set changes one value of the session.
func (v *Visitor) Set(ctx context.Context, key, value string, hold time.Duration) Answer {
	q := url.Values{"key": {key}, "value": {value}, "hold": {fmt.Sprint(hold.Microseconds())}}
	return v.Do(ctx, http.MethodPost, "/set?"+q.Encode())
}

// Add adds one to the counter in the session.
func (v *Visitor) Add(ctx context.Context, hold time.Duration) Answer {
	return v.Do(ctx, http.MethodPost, fmt.Sprintf("/add?hold=%d", hold.Microseconds()))
}

// Renew gives the session another id.
func (v *Visitor) Renew(ctx context.Context, hold time.Duration) Answer {
	return v.Do(ctx, http.MethodPost, fmt.Sprintf("/renew?hold=%d", hold.Microseconds()))
}

// Data returns the session's values.
func (v *Visitor) Data(ctx context.Context) (map[string]string, error) {
	a := v.Do(ctx, http.MethodGet, "/data")
	if !a.OK() {
		return nil, fmt.Errorf("scenario: data: %d %s: %w", a.Status, a.Text, a.Err)
	}
	var data map[string]string
	if err := json.Unmarshal([]byte(a.Text), &data); err != nil {
		return nil, fmt.Errorf("scenario: data: %w", err)
	}
	return data, nil
}

// Wait waits for a random time, at most d.
func Wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(Random(d))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Random returns a random duration, at most d.
func Random(d time.Duration) time.Duration { return rand.N(d + 1) } //nolint:gosec // no secret
