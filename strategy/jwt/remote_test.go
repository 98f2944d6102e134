package jwt_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/jwt"
)

// provider publishes a key set. It is an http.RoundTripper, so that it uses the clock of the test's bubble.
type provider struct {
	set   atomic.Pointer[[]byte] // nil: the provider is down
	slow  atomic.Int64           // nanoseconds until it answers
	asked atomic.Int64
}

func newProvider(keys ...*jwt.Key) *provider {
	p := new(provider)
	p.publish(keys...)
	return p
}

func (p *provider) publish(keys ...*jwt.Key) { p.say(jwt.PublicKeySet(keys...)) }
func (p *provider) say(set []byte)           { p.set.Store(&set) }
func (p *provider) down()                    { p.set.Store(nil) }

var errDown = errors.New("connection refused")

func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	p.asked.Add(1)
	select {
	case <-time.After(time.Duration(p.slow.Load())):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	set := p.set.Load()
	if set == nil {
		return nil, errDown
	}
	w := httptest.NewRecorder()
	_, _ = w.Write(*set)
	return w.Result(), nil
}

// remote returns a strategy with the provider's keys.
func remote(t *testing.T, p *provider, edit ...func(*jwt.RemoteConfig)) *jwt.Strategy[string] {
	t.Helper()
	cfg := jwt.RemoteConfig{
		URL: "https://id.example/jwks.json?key=hidden", Algorithms: []jwt.Algorithm{jwt.ES256, jwt.RS256},
		Client: &http.Client{Transport: p}, Logger: silent,
	}
	for _, e := range edit {
		e(&cfg)
	}
	return subjects(t, jwt.Config{Keys: must(jwt.NewRemoteKeys(cfg)), Issuer: issuer, Audience: []string{audience}})
}

// es256 makes a token that is valid for a day, with the given key ID.
func es256(t *testing.T, kid string) string {
	private := must(gojwt.ParseECPrivateKeyFromPEM(pemOf(t, "p256")))
	header := `{"alg":"ES256","typ":"at+jwt","kid":"` + kid + `"}`
	if kid == "" {
		header = `{"alg":"ES256","typ":"at+jwt"}`
	}
	return sign(gojwt.SigningMethodES256, private, header, with(claims{"iat": begin, "exp": begin + 86400}))
}

// asks presents token, and compares the status and the number of requests to the provider so far.
func asks(t *testing.T, what string, s *jwt.Strategy[string], token string, status int, p *provider, asked int64) {
	t.Helper()
	got := present(t, s, token)
	synctest.Wait()
	if got.status != status || p.asked.Load() != asked {
		t.Errorf("%s: got %d (%s) with the key set asked for %d times, want %d, %d times", what, got.status, got.reason, p.asked.Load(), status, asked)
	}
}

func TestKeySetIsCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(keyOf(t, "a", jwt.ES256))
		s := remote(t, p)
		token := es256(t, "a")
		if p.asked.Load() != 0 {
			t.Error("the set is fetched before the first token")
		}
		asks(t, "no token", s, "", 400, p, 0)
		asks(t, "a malformed token", s, "a.b.c", 401, p, 0)
		asks(t, "the algorithm none", s, encode(`{"alg":"none","typ":"at+jwt"}`)+"."+encode("{}")+".", 401, p, 0)
		asks(t, "the first token", s, token, 200, p, 1)
		asks(t, "the second", s, token, 200, p, 1)
		asks(t, "one without a key id", s, es256(t, ""), 200, p, 1)
		<-time.After(10*time.Minute - 1)
		asks(t, "just before it is old", s, token, 200, p, 1)
		<-time.After(1)
		p.slow.Store(int64(time.Second))
		asks(t, "when it is old, with the old one while the new one comes", s, token, 200, p, 2)
		asks(t, "while it comes", s, token, 200, p, 2)
		<-time.After(time.Second)
		asks(t, "after it came", s, token, 200, p, 2)
	})
}

func TestKeysRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := keyOf(t, "a", jwt.ES256), keyOf(t, "b", jwt.ES256)
		p := newProvider(a)
		s := remote(t, p)
		asks(t, "the first key", s, es256(t, "a"), 200, p, 1)
		<-time.After(10 * time.Second)
		p.publish(a, b)
		asks(t, "a new key is looked for at once", s, es256(t, "b"), 200, p, 2)
		asks(t, "the old one goes on", s, es256(t, "a"), 200, p, 2)
		p.publish(b)
		<-time.After(10 * time.Minute)
		asks(t, "a withdrawn key is good until the set is fetched again", s, es256(t, "a"), 200, p, 3)
		asks(t, "and not after that", s, es256(t, "a"), 401, p, 3)
		<-time.After(10 * time.Second)
		asks(t, "it is looked for once more", s, es256(t, "a"), 401, p, 4)
		asks(t, "the new key", s, es256(t, "b"), 200, p, 4)
	})
}

func TestUnknownKeyIDsCauseBoundedFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(keyOf(t, "a", jwt.ES256))
		s := remote(t, p)
		asks(t, "the first token", s, es256(t, "a"), 200, p, 1)
		for i := range 1000 {
			if got := present(t, s, es256(t, "made up "+strings.Repeat("x", i%7))); got.status != 401 {
				t.Fatalf("a made-up key id: got %+v", got)
			}
		}
		if got := p.asked.Load(); got != 1 {
			t.Errorf("1000 made-up key ids within the interval: the set was asked for %d times, want once", got)
		}
		for range 60 {
			<-time.After(time.Second)
			if got := present(t, s, es256(t, "made up")); got.status != 401 {
				t.Fatalf("a made-up key id: got %+v", got)
			}
		}
		if got := p.asked.Load(); got != 7 {
			t.Errorf("one a second for a minute: the set was asked for %d times, want 7", got)
		}
	})
}

func TestOneFetchServesAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(keyOf(t, "a", jwt.ES256))
		p.slow.Store(int64(time.Second))
		s := remote(t, p)
		token := es256(t, "a")
		gone, cancel := context.WithCancel(context.Background())
		first := make(chan error)
		go func() {
			r := httptest.NewRequest("GET", "/", nil).WithContext(gone)
			r.Header.Set("Authorization", "Bearer "+token)
			_, err := s.Authenticate(nil, r)
			first <- err
		}()
		synctest.Wait()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if got := present(t, s, token); got.status != 200 {
					t.Errorf("got %+v", got)
				}
			})
		}
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) || errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("the first client went away: got %v, want its context's error", err)
		}
		all.Wait()
		if got := p.asked.Load(); got != 1 {
			t.Errorf("the set was asked for %d times, want once", got)
		}
	})
}

func TestOutageWithKeysGoesOnForABoundedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(keyOf(t, "a", jwt.ES256))
		s := remote(t, p)
		token := es256(t, "a")
		asks(t, "before", s, token, 200, p, 1)
		p.down()
		<-time.After(10 * time.Second)
		asks(t, "an unknown key may be one that cannot be had", s, es256(t, "b"), 503, p, 2)
		asks(t, "so it is until the set can be had", s, es256(t, "b"), 503, p, 2)
		asks(t, "a known key", s, token, 200, p, 2)
		asks(t, "a bad signature under a known key", s, token[:len(token)-86]+strings.Repeat("A", 86), 401, p, 2)
		<-time.After(6*time.Hour + 10*time.Minute - 10*time.Second - 1)
		asks(t, "just before the keys are too old", s, token, 200, p, 3)
		<-time.After(time.Second)
		asks(t, "when they are", s, token, 503, p, 4)
		<-time.After(999 * time.Millisecond)
		asks(t, "within a second of the last fetch", s, token, 503, p, 4)
		p.publish(keyOf(t, "a", jwt.ES256))
		<-time.After(time.Millisecond)
		asks(t, "a second after it", s, token, 200, p, 5)
	})
}

func TestStaleKeysCanBeForbidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(keyOf(t, "a", jwt.ES256))
		s := remote(t, p, func(c *jwt.RemoteConfig) { c.StaleFor = -1 })
		asks(t, "before", s, es256(t, "a"), 200, p, 1)
		p.down()
		<-time.After(10*time.Minute - 1)
		asks(t, "while they are fresh", s, es256(t, "a"), 200, p, 1)
		<-time.After(1)
		asks(t, "after that", s, es256(t, "a"), 503, p, 2)
	})
}

func TestOutageWithoutKeysIs503(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(provider)
		s := remote(t, p)
		asks(t, "the first token", s, es256(t, "a"), 503, p, 1)
		asks(t, "the next, without another fetch", s, es256(t, "a"), 503, p, 1)
		asks(t, "one without a key id", s, es256(t, ""), 503, p, 1)
		p.slow.Store(int64(time.Hour))
		<-time.After(time.Second)
		began := time.Now()
		asks(t, "a provider that never answers", s, es256(t, "a"), 503, p, 2)
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it took %v, want 5s", took)
		}
		p.slow.Store(0)
		p.publish(keyOf(t, "a", jwt.ES256))
		asks(t, "when it is back", s, es256(t, "a"), 200, p, 3)
	})
}

func TestWhatIsNoKeySetIsAnOutage(t *testing.T) {
	for _, r := range []struct{ name, set string }{
		{"garbage", "<html>Sign in</html>"},
		{"a list", `[]`},
		{"nothing", ""},
		{"a set that is too long", `{"keys":[]` + strings.Repeat(" ", 256<<10) + `}`},
		{"an empty set", `{"keys":[]}`},
		{"a set with keys of others only", string(jwt.PublicKeySet(keyOf(t, "a", jwt.ES512)))},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := new(provider)
			p.say([]byte(r.set))
			asks(t, r.name, remote(t, p), es256(t, "a"), 503, p, 1)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(keyOf(t, "a", jwt.ES256))
		s := remote(t, p)
		asks(t, "a good set", s, es256(t, "a"), 200, p, 1)
		p.say([]byte("garbage"))
		<-time.After(10 * time.Minute)
		asks(t, "garbage after it", s, es256(t, "a"), 200, p, 2)
		asks(t, "which changes nothing", s, es256(t, "a"), 200, p, 2)
		p.say([]byte(`{"keys":[]}`))
		<-time.After(10 * time.Second)
		asks(t, "an empty set after it", s, es256(t, "a"), 200, p, 3)
		asks(t, "which withdraws the keys", s, es256(t, "a"), 503, p, 3)
	})
}

func TestKeysWithoutIDsAreTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(keyOf(t, "", jwt.ES256))
		s := remote(t, p)
		asks(t, "a token with an id", s, es256(t, "a"), 200, p, 1)
		<-time.After(time.Minute)
		asks(t, "another id causes no fetch", s, es256(t, "b"), 200, p, 1)
	})
}

func TestFetchesTellTheLogAndNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := new(provider)
		s := remote(t, p, func(c *jwt.RemoteConfig) {
			c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		down := present(t, s, es256(t, "a"))
		p.publish(keyOf(t, "a", jwt.ES512))
		<-time.After(time.Second)
		present(t, s, es256(t, "a"))
		for _, want := range []string{"connection refused", "key 1: its alg is not among the algorithms", "no usable key"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log has nothing about %q:\n%s", want, log.String())
			}
		}
		if strings.Contains(log.String()+down.reason, "hidden") {
			t.Errorf("the query of the URL is in %s\n%s", log.String(), down.reason)
		}
	})
}

// The same over real connections: TLS, redirects, statuses, and a body that is cut off.
func TestKeySetsAreFetchedOverTLS(t *testing.T) {
	good := jwt.PublicKeySet(keyOf(t, "a", jwt.ES256))
	var evil atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		evil.Add(1)
		_, _ = w.Write(good)
	}))
	defer other.Close()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/good":
			if !strings.Contains(r.Header.Get("Accept"), "application/jwk-set+json") || r.Header.Get("Cookie") != "" {
				http.Error(w, "what?", http.StatusNotAcceptable)
				return
			}
			w.Header().Set("Set-Cookie", "a=b")
			_, _ = w.Write(good)
		case "/redirect":
			http.Redirect(w, r, other.URL, http.StatusFound)
		case "/short":
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write(good[:10])
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat(" ", 1<<16)); err != nil {
					return
				}
			}
		default:
			http.Error(w, string(good), http.StatusNotFound)
		}
	}))
	defer server.Close()
	token := sign(gojwt.SigningMethodES256, must(gojwt.ParseECPrivateKeyFromPEM(pemOf(t, "p256"))),
		`{"alg":"ES256","typ":"at+jwt","kid":"a"}`, with(claims{"exp": 4102444800}))
	for _, r := range []struct {
		name, path string
		client     *http.Client
		status     int
		reason     string
	}{
		{"a good set", "/good", server.Client(), 200, ""},
		{"a certificate nobody vouches for", "/good", nil, 503, "certificate"},
		{"a redirect", "/redirect", server.Client(), 503, "redirects are not followed"},
		{"an error page with a set in it", "/gone", server.Client(), 503, "status 404"},
		{"an answer that breaks off", "/short", server.Client(), 503, "unexpected EOF"},
		{"an answer without an end", "/endless", server.Client(), 503, "longer than 262144 bytes"},
	} {
		keys := must(jwt.NewRemoteKeys(jwt.RemoteConfig{URL: server.URL + r.path, Algorithms: []jwt.Algorithm{jwt.ES256}, Client: r.client, Logger: silent}))
		got := present(t, subjects(t, jwt.Config{Keys: keys, Issuer: issuer, Audience: []string{audience}}), token)
		if got.status != r.status || !strings.Contains(got.reason, r.reason) {
			t.Errorf("%s: got %+v, want %d, %q", r.name, got, r.status, r.reason)
		}
	}
	if evil.Load() != 0 {
		t.Error("the redirect was followed")
	}
}

func TestEveryMistakeInARemoteConfigIsNamed(t *testing.T) {
	_, err := jwt.NewRemoteKeys(jwt.RemoteConfig{URL: "id.example/jwks", RefreshAfter: -1, MinInterval: -1, Timeout: -1, MaxBytes: -1})
	mentions(t, "everything wrong", err, "Algorithms: no algorithms", "URL is not a URL", "RefreshAfter", "MinInterval", "Timeout", "MaxBytes")
	for url, want := range map[string]string{
		"":                              "URL is not a URL",
		"https://":                      "URL is not a URL",
		"ftp://id.example/jwks":         "URL is not a URL",
		"https://id.example/%zz":        "URL is not a URL",
		"file:///etc/passwd":            "URL is not a URL",
		"http://id.example/jwks":        "set InsecureHTTP",
		"https://me:pass@id.example/js": "URL has a password",
	} {
		_, err := jwt.NewRemoteKeys(jwt.RemoteConfig{URL: url, Algorithms: []jwt.Algorithm{jwt.ES256}})
		mentions(t, url, err, want)
		if strings.Contains(err.Error(), "pass@") {
			t.Errorf("the password is in %v", err)
		}
	}
	if _, err := jwt.NewRemoteKeys(jwt.RemoteConfig{URL: "http://127.0.0.1/jwks", Algorithms: []jwt.Algorithm{jwt.ES256}, InsecureHTTP: true}); err != nil {
		t.Errorf("http on purpose: %v", err)
	}
}
