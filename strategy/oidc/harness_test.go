package oidc_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

const (
	cookieSecret = "a made-up cookie secret of 32 bytes or more"
	clientSecret = "a made-up client secret"
	issuer       = "https://op.example"
	callback     = "https://app.example/login/op/callback"
	subject      = "248289761001"
)

// provider is an OpenID provider that follows the specification until a test changes a part of it. It is an
// [http.RoundTripper], so it needs no network.
type provider struct {
	t      testing.TB
	issuer string
	client string
	secret string

	mu      sync.Mutex
	key     *ecdsa.PrivateKey
	kid     string
	codes   map[string]url.Values // code -> its authorization request
	calls   []string
	meta    func(map[string]any)               // changes the metadata
	claims  func(map[string]any)               // changes an ID token's claims
	sign    func(claims map[string]any) string // replaces p.jwt
	jwks    func() any                         // replaces the key set
	tokens  func(map[string]any)               // changes a token response
	route   map[string]http.HandlerFunc        // replaces endpoints
	network func(*http.Request) error          // called before any endpoint
}

func newProvider(t testing.TB, issuer string) *provider {
	t.Helper()
	p := &provider{t: t, issuer: issuer, client: "shop", secret: clientSecret, codes: map[string]url.Values{}, route: map[string]http.HandlerFunc{}}
	p.rotate("k1")
	return p
}

// rotate replaces the signing key by a new one.
func (p *provider) rotate(kid string) {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.kid = key, kid
}

// RoundTrip implements [http.RoundTripper].
func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.calls = append(p.calls, r.URL.Path)
	route, network := p.route[r.URL.Path], p.network
	p.mu.Unlock()
	if network != nil {
		if err := network(r); err != nil {
			return nil, err
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	switch {
	case route != nil:
		route(rec, r)
	case !strings.HasPrefix(r.URL.String(), p.issuer+"/"):
		return nil, fmt.Errorf("no such host: %s", r.URL.Host)
	default:
		p.serve(rec, r)
	}
	res := rec.Result()
	res.Request = r
	return res, nil
}

// called returns the number of requests to an endpoint.
func (p *provider) called(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, c := range p.calls {
		if c == path {
			n++
		}
	}
	return n
}

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	base, _ := url.Parse(p.issuer)
	switch strings.TrimPrefix(r.URL.Path, base.Path) {
	case "/.well-known/openid-configuration":
		m := map[string]any{
			"issuer": p.issuer, "authorization_endpoint": p.issuer + "/auth", "token_endpoint": p.issuer + "/token",
			"jwks_uri": p.issuer + "/jwks", "userinfo_endpoint": p.issuer + "/me", "end_session_endpoint": p.issuer + "/end?a=1",
			"id_token_signing_alg_values_supported":          []string{"ES256", "RS256", "HS256", "none"},
			"authorization_response_iss_parameter_supported": true,
			"backchannel_logout_supported":                   true,
		}
		if p.meta != nil {
			p.meta(m)
		}
		answer(w, 200, m)
	case "/jwks":
		if p.jwks != nil {
			answer(w, 200, p.jwks())
			return
		}
		answer(w, 200, map[string]any{"keys": []any{p.public()}})
	case "/token":
		p.token(w, r)
	case "/me":
		if r.Header.Get("Authorization") != "Bearer access-1" {
			w.WriteHeader(401)
			return
		}
		answer(w, 200, map[string]any{"sub": subject, "name": "Jen from userinfo", "email": "jen@op.example", "email_verified": "true"})
	default:
		w.WriteHeader(404)
	}
}

func (p *provider) public() any {
	return jose.JSONWebKey{Key: &p.key.PublicKey, KeyID: p.kid, Algorithm: "ES256", Use: "sig"}
}

// token is the token endpoint: it checks the code as RFC 6749 §4.1.3 and RFC 7636 §4.6 require, and removes
// it.
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if id != p.client || secret != url.QueryEscape(p.secret) {
		answer(w, 401, map[string]any{"error": "invalid_client"})
		return
	}
	p.mu.Lock()
	request := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if request == nil || request.Get("redirect_uri") != r.FormValue("redirect_uri") ||
		request.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
		answer(w, 400, map[string]any{"error": "invalid_grant"})
		return
	}
	claims := p.idClaims(request.Get("nonce"))
	raw := p.jwt(claims, nil)
	if p.sign != nil {
		raw = p.sign(claims)
	}
	m := map[string]any{"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "refresh-1", "id_token": raw, "scope": "openid email"}
	if p.tokens != nil {
		p.tokens(m)
	}
	answer(w, 200, m)
}

func (p *provider) idClaims(nonce string) map[string]any {
	now := time.Now()
	hash := sha256.Sum256([]byte("access-1"))
	c := map[string]any{
		"iss": p.issuer, "sub": subject, "aud": p.client, "nonce": nonce, "sid": "sid-1", "name": "Jen", "email": "jen@op.example",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "auth_time": now.Add(-time.Minute).Unix(),
		"at_hash": base64.RawURLEncoding.EncodeToString(hash[:16]),
	}
	if p.claims != nil {
		p.claims(c)
	}
	return c
}

// logOutToken returns a log-out token for the user, changed by edit.
func (p *provider) logOutToken(edit func(map[string]any)) string {
	now := time.Now()
	c := map[string]any{
		"iss": p.issuer, "aud": p.client, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": "jti-1", "sub": subject, "sid": "sid-1",
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if edit != nil {
		edit(c)
	}
	return p.jwt(c, map[jose.HeaderKey]any{"typ": "logout+jwt"})
}

// jwt signs claims with the current key.
func (p *provider) jwt(claims map[string]any, header map[jose.HeaderKey]any) string {
	return signed(p.t, jose.ES256, p.key, p.kid, claims, header)
}

func signed(t testing.TB, alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any, header map[jose.HeaderKey]any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, &jose.SignerOptions{ExtraHeaders: header})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // to a recorder
}

// authorize logs the user in at the provider: it takes the URL of the authorization request and returns the
// parameters of the answer.
func (p *provider) authorize(location string) url.Values {
	p.t.Helper()
	u, err := url.Parse(location)
	if err != nil || !strings.HasPrefix(location, p.issuer+"/auth?") {
		p.t.Fatalf("got a redirect to %q, want one to %s/auth: %v", location, p.issuer, err)
	}
	q := u.Query()
	code := rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[code] = q
	return url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.issuer}}
}

// User is the application's user.
type User struct {
	ID  int
	Key string
}

// world is an application with one OpenID provider.
type world struct {
	t        testing.TB
	op       *provider
	strategy *oidc.Strategy[*User]
	sessions *session.Manager
	auth     *guard.Guard[*User]
	mux      *http.ServeMux

	mu   sync.Mutex
	log  bytes.Buffer
	ids  []oidc.Identity // what validate got
	err  error           // what validate returns
	rows []*User
}

func config(op *provider) oidc.Config {
	return oidc.Config{
		Name: "op", Issuer: op.issuer, ClientID: op.client, ClientSecret: clientSecret, RedirectURL: callback,
		CookieSecrets: []string{cookieSecret}, HTTPClient: &http.Client{Transport: op},
	}
}

// newWorld returns an application; edit changes the strategy's configuration.
func newWorld(t testing.TB, edit ...func(*oidc.Config)) *world {
	t.Helper()
	return newGuardedWorld(t, guard.Config{}, session.Config{}, edit...)
}

// newGuardedWorld is newWorld with other settings of the guard and the session.
func newGuardedWorld(t testing.TB, guarded guard.Config, remembered session.Config, edit ...func(*oidc.Config)) *world {
	t.Helper()
	w := &world{t: t, op: newProvider(t, issuer), mux: http.NewServeMux()}
	cfg := config(w.op)
	cfg.Logger = w.logger()
	for _, e := range edit {
		e(&cfg)
	}
	var err error
	if w.strategy, err = oidc.New(cfg, w.validate); err != nil {
		t.Fatal(err)
	}
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	remembered.Store, remembered.Codec, remembered.Logger = memory.Sessions, session.SecureCookie(cookieSecret), w.logger()
	w.sessions, err = session.New(remembered)
	if err != nil {
		t.Fatal(err)
	}
	users := serializer.ByID(func(u *User) int { return u.ID }, w.byID)
	guarded.Sessions, guarded.Logger = w.sessions, w.logger()
	w.auth, err = guard.New(guarded, users, w.strategy)
	if err != nil {
		t.Fatal(err)
	}
	login := w.auth.Authenticate("op")(w.auth.LogInWith(guard.LogInOptions{ReturnTo: true, SuccessRedirect: "/me"})(nil))
	w.mux.Handle("/login/op", login)
	w.mux.Handle("/login/op/callback", login)
	w.mux.Handle("GET /me", w.auth.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		u, _ := w.auth.User(r.Context())
		fmt.Fprintf(rw, "hello %s", u.Key)
	})))
	w.mux.Handle("POST /backchannel", w.strategy.BackChannelLogOut(w.auth))
	return w
}

func (w *world) validate(_ context.Context, id oidc.Identity) (*User, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids = append(w.ids, id)
	if w.err != nil {
		return nil, w.err
	}
	key := id.Issuer + " " + id.Subject
	i := slices.IndexFunc(w.rows, func(u *User) bool { return u.Key == key })
	if i < 0 {
		i = len(w.rows)
		w.rows = append(w.rows, &User{ID: i + 1, Key: key})
	}
	return w.rows[i], nil
}

func (w *world) byID(_ context.Context, id int) (*User, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if id < 1 || id > len(w.rows) {
		return nil, serializer.ErrUserGone
	}
	return w.rows[id-1], nil
}

// Write implements [io.Writer] for the log.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

func (w *world) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// identity returns the last identity that validate got.
func (w *world) identity() oidc.Identity {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.ids) == 0 {
		w.t.Fatal("validate was not called")
	}
	return w.ids[len(w.ids)-1]
}

// open returns a new visitor.
func (w *world) open() *browser.Browser { return browser.New(w.t, w.mux) }

// begin starts a log-in and returns the redirect to the provider.
func (w *world) begin(b *browser.Browser) string {
	w.t.Helper()
	a := b.Get("/login/op")
	a.Want(w.t, http.StatusSeeOther, "")
	return a.Header.Get("Location")
}

// finish sends the provider's answer to the callback.
func (w *world) finish(b *browser.Browser, in url.Values) browser.Answer {
	w.t.Helper()
	return b.Get("/login/op/callback?" + in.Encode())
}

// logIn does a whole log-in.
func (w *world) logIn(b *browser.Browser) browser.Answer {
	w.t.Helper()
	return w.finish(b, w.op.authorize(w.begin(b)))
}

// loggedIn returns a visitor who is logged in.
func (w *world) loggedIn() *browser.Browser {
	w.t.Helper()
	b := w.open()
	w.logIn(b).Want(w.t, http.StatusSeeOther, "")
	b.Get("/me").Want(w.t, http.StatusOK, "hello "+issuer+" "+subject)
	return b
}

// refused checks that a has the status, that the log has the reason, and that nobody is logged in.
func (w *world) refused(b *browser.Browser, a browser.Answer, status int, reason string) {
	w.t.Helper()
	a.Want(w.t, status, "")
	if log := w.logged(); !strings.Contains(log, reason) {
		w.t.Errorf("got the log %s, want the reason %q in it", log, reason)
	}
	b.Get("/me").Want(w.t, http.StatusUnauthorized, "")
}

// flowCookies returns the names of the cookies of b's unfinished log-ins.
func flowCookies(b *browser.Browser) []string {
	var names []string
	for _, c := range b.Request(http.MethodGet, "/", "").Cookies() {
		if strings.HasPrefix(c.Name, "__Host-oidc.") {
			names = append(names, c.Name)
		}
	}
	return names
}
