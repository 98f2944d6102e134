package jwt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/seed-6f34412b/passport/strategy/internal/cached"
)

// fetcher returns a copy of c that follows no redirects and keeps no cookies.
func fetcher(c *http.Client) *http.Client {
	var own http.Client
	if c != nil {
		own = *c
	}
	own.Jar = nil
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// fetch gets the set for the cache, and logs what is wrong with it.
func (r *RemoteKeys) fetch(ctx context.Context) ([]*Key, error) {
	keys, skipped, err := r.get(ctx)
	log := r.cfg.Logger
	if err != nil {
		log.WarnContext(ctx, "jwt: key set not fetched", "error", err.Error())
		return nil, err
	}
	for _, why := range skipped {
		log.DebugContext(ctx, "jwt: key not usable", "error", why.Error())
	}
	if len(keys) == 0 {
		log.WarnContext(ctx, "jwt: the key set has no usable key", "skipped", len(skipped))
		return nil, fmt.Errorf("the key set has no usable key: %w", cached.ErrNone)
	}
	return keys, nil
}

// get fetches the set. A malformed set is an error. A set without keys is not: the issuer
// may have withdrawn them.
func (r *RemoteKeys) get(ctx context.Context) (keys []*Key, skipped []error, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.cfg.URL, nil)
	if err != nil {
		return nil, nil, withoutURL(err)
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := r.cfg.Client.Do(req)
	if err != nil {
		return nil, nil, withoutURL(err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 == 3 {
		return nil, nil, fmt.Errorf("status %d: redirects are not followed: configure the address it leads to", res.StatusCode)
	}
	if res.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("status %d", res.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, r.cfg.MaxBytes+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read: %w", withoutURL(err))
	}
	if int64(len(data)) > r.cfg.MaxBytes {
		return nil, nil, fmt.Errorf("the answer is longer than %d bytes", r.cfg.MaxBytes)
	}
	return parseKeySet(data, r.cfg.Algorithms)
}

// withoutURL drops the address from an error: its query may hold a key to the API.
func withoutURL(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}
