package jwt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/strategy/internal/cached"
)

// RemoteConfig says where RemoteKeys finds a key set and how long it is valid. URL and
// Algorithms must be set.
type RemoteConfig struct {
	// URL is the address of a JWK Set, an issuer's jwks_uri: https, without a password in
	// it. All trust depends on it: write it by hand or take it from the issuer's own
	// metadata, never from a token. jose: createRemoteJWKSet.
	URL string

	// Algorithms are those the issuer signs with, none of them for secrets. A key of the
	// set is bound to one of them, or to those of its type if it does not say which, as in
	// [ParseKeySet].
	Algorithms []Algorithm

	// RefreshAfter is the age at which the set is fetched again. Requests use the old one
	// meanwhile; from twice that age on they wait for the new one, at most a second. Zero
	// means 10 minutes; at most 24 hours. jose: cacheMaxAge.
	RefreshAfter time.Duration

	// StaleFor is how much longer a set is used if it cannot be fetched again. Zero means
	// 6 hours, negative not at all; at most 7 days. An attacker who can cut this program off
	// from the issuer can use a withdrawn key for that long.
	StaleFor time.Duration

	// MinInterval is the least time between two fetches, so that tokens with made-up key
	// ids do not cause more of them. A token signed by a key that is newer than the last
	// fetch waits for that long in the worst case. Zero means 10 seconds; at most an hour.
	// While there are no usable keys it is at most 1 second. jose: cooldownDuration.
	MinInterval time.Duration

	// Timeout bounds one fetch. Zero means 5 seconds; at most a minute. jose: timeoutDuration.
	Timeout time.Duration

	// MaxBytes bounds the answer. Zero means 256 KiB; at most 16 MiB.
	MaxBytes int64

	// Client fetches. Its CheckRedirect and Jar are not used: redirects are refused.
	// Nil means one like http.DefaultClient.
	Client *http.Client

	// InsecureHTTP allows a URL with http: whoever can change what is sent there can sign
	// tokens of anyone.
	InsecureHTTP bool

	// Logger gets a line for each fetch that failed and each key that cannot be used. Nil
	// means slog.Default().
	Logger *slog.Logger
}

const (
	defaultRefreshAfter = cached.FreshFor
	defaultStaleFor     = cached.StaleFor
	defaultMinInterval  = cached.MinInterval
	defaultTimeout      = 5 * time.Second
	defaultMaxSet       = 256 << 10

	mostRefreshAfter = 24 * time.Hour
	mostStaleFor     = 7 * 24 * time.Hour
	mostMinInterval  = time.Hour
	mostTimeout      = time.Minute
	mostSet          = 16 << 20
)

// RemoteKeys are the keys that an issuer publishes as a JWK Set. They are made by
// [NewRemoteKeys] and safe for concurrent use.
//
// The set is fetched at the first token, and again when it is old or a token names a key
// that is not in it. There is only one fetch at a time, however many requests wait for it,
// and it goes on if the request that caused it ends. No goroutine lives longer than one
// fetch, and nothing needs closing.
//
// After a failed fetch the old set stays in use for StaleFor. After that, and for a token
// whose key may be one that could not be fetched, the error is an outage.
type RemoteKeys struct {
	cfg RemoteConfig
	set *cached.Value[[]*Key]
}

var _ Keys = (*RemoteKeys)(nil)

// NewRemoteKeys returns the keys at cfg.URL. It does not fetch them yet. The error names
// every mistake at once.
func NewRemoteKeys(cfg RemoteConfig) (*RemoteKeys, error) {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("jwt: new remote keys: "+format, args...))
	}
	cfg.Algorithms = slices.Clone(cfg.Algorithms)
	if err := checkAlgorithms(cfg.Algorithms); err != nil {
		wrong("Algorithms: %w", err)
	}
	switch u, err := url.Parse(cfg.URL); {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		wrong("URL is not a URL: write it like https://id.example/jwks.json")
	case u.User != nil:
		wrong("URL has a password in it, which ends up in logs: let Client send it")
	case u.Scheme == "http" && !cfg.InsecureHTTP:
		wrong("URL is http: use https, or set InsecureHTTP on a network of your own")
	}
	for _, d := range []struct {
		name       string
		value      *time.Duration
		zero, most time.Duration
	}{
		{"RefreshAfter", &cfg.RefreshAfter, defaultRefreshAfter, mostRefreshAfter},
		{"MinInterval", &cfg.MinInterval, defaultMinInterval, mostMinInterval},
		{"Timeout", &cfg.Timeout, defaultTimeout, mostTimeout},
	} {
		if *d.value < 0 || *d.value > d.most {
			wrong("%s is %v: give a time, at most %v, or 0 for %v", d.name, *d.value, d.most, d.zero)
		}
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	if cfg.StaleFor == 0 {
		cfg.StaleFor = defaultStaleFor
	}
	cfg.StaleFor = max(cfg.StaleFor, 0)
	if cfg.StaleFor > mostStaleFor {
		wrong("StaleFor is %v: a withdrawn key could live as long: give at most %v, or 0 for %v", cfg.StaleFor, mostStaleFor, defaultStaleFor)
	}
	if cfg.MaxBytes < 0 || cfg.MaxBytes > mostSet {
		wrong("MaxBytes is %d: give a number of bytes, at most %d, or 0 for 256 KiB", cfg.MaxBytes, mostSet)
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = defaultMaxSet
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	cfg.Client = fetcher(cfg.Client)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	r := &RemoteKeys{cfg: cfg}
	r.set = cached.New(cached.Rules{FreshFor: cfg.RefreshAfter, StaleFor: cfg.StaleFor, MinInterval: cfg.MinInterval, Timeout: cfg.Timeout}, r.fetch)
	return r, nil
}

// Keys implements [Keys]. It fetches only if there are no keys, they are old, or none has
// the id keyID; then the error may wrap that of ctx or of the fetch.
func (r *RemoteKeys) Keys(ctx context.Context, keyID string) ([]*Key, error) {
	keys, err := r.set.Find(ctx, r.cfg.MinInterval, func(keys []*Key) bool {
		return keyID == "" || slices.ContainsFunc(keys, func(k *Key) bool { return k.id == "" || k.id == keyID })
	})
	if err != nil {
		return nil, fmt.Errorf("jwt: remote keys: %w", err)
	}
	return keys, nil
}
