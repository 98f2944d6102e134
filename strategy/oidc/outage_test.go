package oidc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/internal/subprocess"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

var errDown = errors.New("connection refused")

// An outage of the provider is a 503 at every step, and the log says what is wrong.
func TestAProviderThatIsDownOrTalksNonsense(t *testing.T) {
	respond := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body) // to a recorder
		}
	}
	for _, row := range []struct {
		name, path string
		route      http.HandlerFunc
		reason     string
	}{
		{"metadata: 500", "/.well-known/openid-configuration", respond(500, "internal detail"), "answered status 500"},
		{"metadata: 404", "/.well-known/openid-configuration", respond(404, ""), "answered status 404"},
		{"metadata: a page", "/.well-known/openid-configuration", respond(200, "<html>"), "did not answer with the expected JSON"},
		{"metadata: a list", "/.well-known/openid-configuration", respond(200, "[]"), "did not answer with the expected JSON"},
		{"metadata: cut short", "/.well-known/openid-configuration", respond(200, `{"issuer":"https://op.exa`), "did not answer with the expected JSON"},
		{"metadata: empty", "/.well-known/openid-configuration", respond(200, "{}"), "it calls itself"},
		{"metadata: without end", "/.well-known/openid-configuration", respond(200, strings.Repeat(" ", 2<<20)), "over 1 MiB"},
		{"token: 500", "/token", respond(500, `{"error":"server_error"}`), "status 500, server_error"},
		{"token: 503", "/token", respond(503, "down"), "status 503"},
		{"token: too many requests", "/token", respond(429, ""), "status 429"},
		{"token: our secret is wrong", "/token", respond(401, `{"error":"invalid_client"}`), "status 401, invalid_client"},
		{"token: our secret is wrong, with 400", "/token", respond(400, `{"error":"unauthorized_client"}`), "status 400, unauthorized_client"},
		{"token: a page", "/token", respond(200, "<html>access-secret"), "without a token"},
		{"token: empty", "/token", respond(200, "{}"), "without a token"},
		{"token: no ID token", "/token", respond(200, `{"access_token":"access-secret","token_type":"Bearer"}`), "without an ID token"},
		{"token: an ID token that is a number", "/token", respond(200, `{"access_token":"access-secret","token_type":"Bearer","id_token":1}`), "without an ID token"},
		{"token: not a bearer token", "/token", respond(200, `{"access_token":"access-secret","token_type":"DPoP","id_token":"x"}`), "not a bearer token"},
		{"token: without end", "/token", respond(200, strings.Repeat(" ", 2<<20)), "exchange the code"},
		{"keys: 500", "/jwks", respond(500, ""), "answered status 500"},
		{"keys: a page", "/jwks", respond(200, "<html>"), "did not answer with the expected JSON"},
		{"keys: none", "/jwks", respond(200, `{"keys":[]}`), "none among them that signs"},
		{"keys: of kinds that nobody knows", "/jwks", respond(200, `{"keys":[{"kty":"PQ"},1,{"kty":"oct","k":"AAAA"}]}`), "none among them that signs"},
		{"userinfo: 500", "/me", respond(500, ""), "answered status 500"},
		{"userinfo: 401", "/me", respond(401, ""), "answered status 401"},
		{"userinfo: a page", "/me", respond(200, "<html>"), "did not answer with the expected JSON"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, func(c *oidc.Config) { c.UserInfo = true })
			w.op.route[row.path] = row.route
			w.refused(w.open(), w.try(), http.StatusServiceUnavailable, row.reason)
			for _, secret := range []string{"access-secret", "internal detail", clientSecret} {
				if strings.Contains(w.logged(), secret) {
					t.Errorf("the log has %q in it", secret)
				}
			}
			if len(w.ids) != 0 {
				t.Error("validate was called")
			}
		})
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/token", "/jwks", "/me"} {
		t.Run("no connection for "+path, func(t *testing.T) {
			w := newWorld(t, func(c *oidc.Config) { c.UserInfo = true })
			w.op.network = func(r *http.Request) error {
				if r.URL.Path == path {
					return errDown
				}
				return nil
			}
			w.refused(w.open(), w.try(), http.StatusServiceUnavailable, "connection refused")
		})
	}
}

// try begins a log-in and, if that works, completes it.
func (w *world) try() browser.Answer {
	b := w.open()
	a := b.Get("/login/op")
	if a.StatusCode != http.StatusSeeOther {
		return a
	}
	return w.finish(b, w.op.authorize(a.Header.Get("Location")))
}

func TestASlowProviderIsWaitedForUpToTimeout(t *testing.T) {
	for _, path := range []string{"/.well-known/openid-configuration", "/token", "/jwks", "/me"} {
		t.Run(path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(c *oidc.Config) { c.UserInfo, c.Timeout = true, 3*time.Second })
				w.op.network = func(r *http.Request) error {
					if r.URL.Path == path {
						<-r.Context().Done()
						return r.Context().Err()
					}
					return nil
				}
				began := time.Now()
				w.refused(w.open(), w.try(), http.StatusServiceUnavailable, "deadline exceeded")
				if took := time.Since(began); took != 3*time.Second {
					t.Errorf("waited %v, want 3s", took)
				}
			})
		})
	}
}

// A real listener that accepts and never answers, and a port without a listener.
func TestAProviderOverARealNetwork(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"issuer":`) // then the handler returns, which closes the connection
	}))
	defer cut.Close()
	for _, row := range []struct {
		name, addr string
		limit      time.Duration
		reason     string
	}{
		{"silent", silent.Addr().String(), 100 * time.Millisecond, "deadline exceeded"},
		{"nobody", subprocess.FreeAddr(t), subprocess.Patience, "connection refused"},
		{"cut", strings.TrimPrefix(cut.URL, "http://"), subprocess.Patience, "unexpected EOF"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, func(c *oidc.Config) {
				c.InsecureHTTP, c.Issuer, c.HTTPClient, c.Timeout = true, "http://"+row.addr, nil, row.limit
			})
			b := w.open()
			w.refused(b, b.Get("/login/op"), http.StatusServiceUnavailable, row.reason)
		})
	}
}

func TestNobodyIsLoggedOutByAnOutageOfTheProvider(t *testing.T) {
	w := newWorld(t)
	b := w.loggedIn()
	w.op.network = func(*http.Request) error { return errDown }
	b.Get("/me").Want(t, http.StatusOK, "hello")
	b.Get("/login/op").Want(t, http.StatusSeeOther, "") // fetches the metadata
	b.Get("/me").Want(t, http.StatusOK, "hello")
}

func TestTheProgramStartsWhileTheProviderIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.op.network = func(*http.Request) error { return errDown }
		b := w.open()
		for range 20 {
			b.Get("/login/op").Want(t, http.StatusServiceUnavailable, "")
		}
		if n := w.op.called("/.well-known/openid-configuration"); n != 1 {
			t.Errorf("asked %d times in one moment, want once", n)
		}
		w.op.network = nil
		time.Sleep(time.Second)
		w.logIn(b).Want(t, http.StatusSeeOther, "")
	})
}

// keysDown fails all requests for metadata and keys, and no others.
func keysDown(r *http.Request) error {
	if strings.HasPrefix(r.URL.Path, "/.well-known") || r.URL.Path == "/jwks" {
		return errDown
	}
	return nil
}

// asked checks the number of requests for metadata and for keys so far.
func (w *world) asked(when string, want int) {
	w.t.Helper()
	synctest.Wait() // for fetches in the background
	if m, k := w.op.called("/.well-known/openid-configuration"), w.op.called("/jwks"); m != want || k != want {
		w.t.Errorf("%s: asked for metadata %d times and for keys %d times, want %d each", when, m, k, want)
	}
}

func TestMetadataAndKeysAreAskedForEveryTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for range 5 {
			w.loggedIn()
		}
		w.asked("at first", 1)
		time.Sleep(10*time.Minute - 1)
		w.loggedIn()
		w.asked("just before they are old", 1)
		time.Sleep(time.Nanosecond)
		w.loggedIn()
		w.asked("when they are", 2)
		time.Sleep(time.Hour)
		w.op.rotate("k1") // revokes the old key, and uses its name again
		w.loggedIn()
		w.asked("an hour later", 3)
		// The known keys are used during an outage, and not every request asks the provider again.
		w.op.network = keysDown
		time.Sleep(time.Hour)
		for range 5 {
			w.loggedIn()
		}
		w.asked("in an outage", 4)
	})
}

// An attacker who can block this program's connections to the provider must not keep a revoked key valid for
// ever.
func TestKeysThatCannotBeFetchedAreTrustedForSixHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.loggedIn()
		w.op.network = keysDown
		time.Sleep(6*time.Hour + 10*time.Minute - 1)
		w.loggedIn()
		time.Sleep(time.Nanosecond)
		b := w.open()
		w.refused(b, w.try(), http.StatusServiceUnavailable, "connection refused")
		w.op.network = nil
		time.Sleep(time.Second)
		w.loggedIn()
	})
}

func TestManyAtOnceShareOneQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.op.network = func(*http.Request) error {
			time.Sleep(time.Second)
			return nil
		}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { w.open().Get("/login/op").Want(t, http.StatusSeeOther, "") })
		}
		all.Wait()
		if n := w.op.called("/.well-known/openid-configuration"); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
	})
}

func TestAVisitorWhoLeavesDoesNotEndTheQuestionOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.op.network = func(r *http.Request) error {
			select {
			case <-time.After(time.Second):
				return nil
			case <-r.Context().Done():
				return r.Context().Err()
			}
		}
		ctx, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			b := w.open()
			b.Do(b.Request(http.MethodGet, "/login/op", "").WithContext(ctx)).Want(t, http.StatusServiceUnavailable, "")
		})
		synctest.Wait()
		all.Go(func() { w.open().Get("/login/op").Want(t, http.StatusSeeOther, "") })
		synctest.Wait()
		leave()
		all.Wait()
	})
}

func TestRotatedKeysAreFetchedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.loggedIn()
	w.op.rotate("k2")
	w.loggedIn()
	w.op.rotate("k2") // with the same name, which providers should not do
	w.loggedIn()
	if n := w.op.called("/jwks"); n != 3 {
		t.Errorf("asked for the keys %d times, want 3", n)
	}
	old, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w.op.sign = func(c map[string]any) string { return signed(t, jose.ES256, old, "k0", c, nil) }
	b := w.open()
	w.refused(b, w.logIn(b), http.StatusUnauthorized, "no key of the provider")
}

func TestRotatedKeysThatCannotBeFetchedAreAnOutage(t *testing.T) {
	w := newWorld(t)
	w.loggedIn()
	w.op.rotate("k2")
	w.op.route["/jwks"] = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(500) }
	b := w.open()
	w.refused(b, w.logIn(b), http.StatusServiceUnavailable, "fetch the provider's keys")
}

// brokenCounter is a counter that is down.
type brokenCounter struct{}

func (brokenCounter) Add(context.Context, string, int64, time.Duration) (int64, time.Duration, error) {
	return 0, 0, errDown
}

func TestACounterThatIsDownIsAnOutage(t *testing.T) {
	w := newWorld(t, func(c *oidc.Config) { c.Once = brokenCounter{} })
	b := w.open()
	in := w.op.authorize(w.begin(b)) // beginning a log-in does not use the counter
	w.refused(b, w.finish(b, in), http.StatusServiceUnavailable, "use up the state")
}

func TestWhatValidateReturns(t *testing.T) {
	for _, row := range []struct {
		name   string
		err    error
		status int
	}{
		{"a refusal", strategy.ErrUnauthenticated, http.StatusUnauthorized},
		{"a refusal with a status", &strategy.Failure{Status: http.StatusForbidden}, http.StatusForbidden},
		{"an outage", errDown, http.StatusServiceUnavailable},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			w.err = row.err
			w.logIn(w.open()).Want(t, row.status, "")
		})
	}
	t.Run("a nil user is a mistake", func(t *testing.T) {
		op := newProvider(t, issuer)
		s, err := oidc.New(config(op), func(context.Context, oidc.Identity) (*User, error) { return nil, nil })
		if err != nil {
			t.Fatal(err)
		}
		b := newWorld(t).open()
		in := op.authorize(redirectOf(t, s, b, "/login"))
		if err := httpAnswer(t, s, b, in); !errors.Is(err, strategy.ErrNilUser) {
			t.Errorf("got %v, want ErrNilUser", err)
		}
	})
}

func TestASecretFuncThatFailsIsAnOutage(t *testing.T) {
	w := newWorld(t, func(c *oidc.Config) {
		c.ClientSecret, c.SecretFunc = "", func(context.Context) (string, error) { return "", errDown }
	})
	b := w.open()
	w.refused(b, w.logIn(b), http.StatusServiceUnavailable, "make the client secret")
}
