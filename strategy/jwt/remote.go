package jwt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// RemoteConfig says where RemoteKeys finds a key set and how long it is good for.
// URL and Algorithms must be set.
type RemoteConfig struct {
	// URL is the address of a JWK Set, an issuer's jwks_uri: https, without a password in
	// it. It is the root of all trust here, so it is written by hand or comes from the
	// issuer's own metadata, never from a token. jose: createRemoteJWKSet.
	URL string

	// Algorithms are those the issuer signs with, none of them for secrets. A key of the
	// set is bound to one of them as in [ParseKeySet].
	Algorithms []Algorithm

	// RefreshAfter is the age at which the set is fetched again while requests go on
	// with the old one. Zero means 10 minutes; at most 24 hours. jose: cacheMaxAge.
	RefreshAfter time.Duration

	// StaleFor is how much longer a set is used when it cannot be fetched again. Zero
	// means 6 hours, negative not at all; at most 7 days. It is the time for which whoever can cut this
	// program off from the issuer can keep a withdrawn key alive.
	StaleFor time.Duration

	// MinInterval is the least time between two fetches, so that tokens with made-up key
	// ids cause no more. A token under a key that is newer than the last fetch waits as
	// long in the worst case. Zero means 10 seconds; at most an hour. Without any usable keys it is 1
	// second at most. jose: cooldownDuration.
	MinInterval time.Duration

	// Timeout bounds one fetch. Zero means 5 seconds; at most a minute. jose: timeoutDuration.
	Timeout time.Duration

	// MaxBytes bounds the answer. Zero means 256 KiB; at most 16 MiB.
	MaxBytes int64

	// Client fetches. Its CheckRedirect and Jar are not used: redirects are refused.
	// Nil means one like http.DefaultClient.
	Client *http.Client

	// InsecureHTTP allows a URL with http: whoever is on the way can sign for anyone.
	InsecureHTTP bool

	// Logger hears of fetches that failed and of keys that cannot be used. Nil means
	// slog.Default().
	Logger *slog.Logger
}

const (
	defaultRefreshAfter = 10 * time.Minute
	defaultStaleFor     = 6 * time.Hour
	defaultMinInterval  = 10 * time.Second
	defaultTimeout      = 5 * time.Second
	defaultMaxSet       = 256 << 10
	emptyInterval       = time.Second // between fetches while there are no keys

	mostRefreshAfter = 24 * time.Hour
	mostStaleFor     = 7 * 24 * time.Hour
	mostMinInterval  = time.Hour
	mostTimeout      = time.Minute
	mostSet          = 16 << 20
)

// RemoteKeys are the keys that an issuer publishes as a JWK Set. They are made by
// [NewRemoteKeys] and safe for concurrent use.
//
// The set is fetched at the first token, kept, and fetched again when it is old or
// when a token names a key that is not in it. However many requests wait, there is one
// fetch at a time, and it does not end with the request that caused it. No goroutine
// lives longer than one fetch, and nothing needs closing.
//
// A failed fetch leaves the old set in use for StaleFor. After that, and for a token
// whose key may be one that could not be fetched, the error is an outage.
type RemoteKeys struct {
	cfg RemoteConfig

	mu       sync.Mutex
	keys     []*Key
	fetched  time.Time     // when keys were; zero for never
	tried    time.Time     // when the last fetch began; zero for never
	failure  error         // of the last fetch
	inflight chan struct{} // closed when the fetch under way is over; nil when there is none
}

var _ Keys = (*RemoteKeys)(nil)

// NewRemoteKeys returns the keys at cfg.URL, without asking for them yet. The error
// names every mistake at once.
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
		wrong("URL is not one: write it like https://id.example/jwks.json")
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
	return &RemoteKeys{cfg: cfg}, nil
}

// Keys implements [Keys]. It asks the network only if there are no keys, they are old,
// or none has the id keyID; then the error may wrap that of ctx, or of the fetch.
func (r *RemoteKeys) Keys(ctx context.Context, keyID string) ([]*Key, error) {
	keys, wait := r.look(keyID)
	if keys != nil {
		return keys, nil
	}
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, fmt.Errorf("jwt: remote keys: gave up waiting: %w", ctx.Err())
		}
	}
	return r.answer(keyID)
}

// look starts a fetch if one is wanted and due. keys are those in hand if they will
// do, or nil; wait is closed when the fetch under way is over, and nil when there is none.
func (r *RemoteKeys) look(keyID string) (keys []*Key, wait <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.known(now, keyID) {
		keys = r.keys
		if now.Sub(r.fetched) < r.cfg.RefreshAfter {
			return keys, nil
		}
	}
	if r.inflight == nil && r.due(now) {
		r.tried, r.inflight = now, make(chan struct{})
		go r.fetch(r.inflight)
	}
	return keys, r.inflight
}

// usable reports whether the keys are young enough to be used. r.mu is held.
func (r *RemoteKeys) usable(now time.Time) bool {
	return len(r.keys) > 0 && now.Sub(r.fetched) < r.cfg.RefreshAfter+r.cfg.StaleFor
}

// known reports whether a usable key may have signed a token of keyID. r.mu is held.
func (r *RemoteKeys) known(now time.Time, keyID string) bool {
	return r.usable(now) && (keyID == "" || slices.ContainsFunc(r.keys, func(k *Key) bool { return k.id == "" || k.id == keyID }))
}

// due reports whether another fetch may begin. r.mu is held.
func (r *RemoteKeys) due(now time.Time) bool {
	interval := r.cfg.MinInterval
	if !r.usable(now) {
		interval = min(interval, emptyInterval)
	}
	return r.tried.IsZero() || now.Sub(r.tried) >= interval
}

// answer returns what is known when there is nothing to wait for.
func (r *RemoteKeys) answer(keyID string) ([]*Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	switch {
	case r.known(now, keyID):
		return r.keys, nil
	case r.failure != nil:
		return nil, r.failure
	case !r.usable(now):
		return nil, errNoKeys
	}
	return r.keys, nil // the issuer has no such key, and said so a moment ago
}
