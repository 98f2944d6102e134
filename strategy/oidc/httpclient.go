package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// maxAnswer is how much of a provider's answer is read.
const maxAnswer = 1 << 20

var (
	errTooLarge = errors.New("the provider's answer is over 1 MiB")
	errPlain    = errors.New("the provider named an address that is not https")
)

// boundedClient returns a client with the transport and the timeout of c. It follows no
// redirect, which could carry a secret or a token to another host, keeps no cookies, and
// limits every answer.
func boundedClient(c *http.Client, insecure bool) *http.Client {
	b := &boundedTransport{base: http.DefaultTransport, insecure: insecure}
	bounded := &http.Client{
		Transport:     b,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if c != nil {
		bounded.Timeout = c.Timeout
		if c.Transport != nil {
			b.base = c.Transport
		}
	}
	return bounded
}

type boundedTransport struct {
	base     http.RoundTripper
	insecure bool
}

// RoundTrip implements [http.RoundTripper].
func (t *boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !t.insecure {
		return nil, errPlain
	}
	res, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = &boundedBody{res.Body, maxAnswer}
	return res, nil
}

// boundedBody returns an error at its limit, where io.LimitReader would return a part as if it
// were the whole.
type boundedBody struct {
	io.ReadCloser
	left int64
}

// Read implements [io.Reader].
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}

// getJSON fetches address into v. The error never has the answer's body in it.
func getJSON(ctx context.Context, client *http.Client, address string, v any) error {
	body, _, err := get(ctx, client, address, "application/json")
	if err != nil {
		return err
	}
	return decodeJSON(address, body, v)
}

// get fetches address, and returns the answer and its media type.
func get(ctx context.Context, client *http.Client, address, accept string) (body []byte, mediaType string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", err
	}
	r.Header.Set("Accept", accept)
	res, err := client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = res.Body.Close() }() // it was read, or the error is known
	if res.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("%s answered status %d", r.URL.Redacted(), res.StatusCode)
	}
	if body, err = io.ReadAll(res.Body); err != nil {
		return nil, "", err
	}
	mediaType, _, _ = mime.ParseMediaType(res.Header.Get("Content-Type")) // "" is as good as JSON
	return body, mediaType, nil
}

// decodeJSON reads what was found at address.
func decodeJSON(address string, body []byte, v any) error {
	if json.Unmarshal(body, v) == nil {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	return fmt.Errorf("%s did not answer with the expected JSON", u.Redacted())
}
