// Package provider is an OpenID provider for examples: the other site with which users log in.
package provider

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config says who the provider and its one client are.
type Config struct {
	Issuer       string   // the provider's own address
	ClientID     string   // of the application
	ClientSecret string   // no secret: it is an example
	Redirects    []string // where the application takes the answers
	Home         string   // where users are sent after a log-out
	BackChannel  string   // where log-outs are reported to the application; empty for nowhere
}

// provider believes what users say about themselves. It does what OpenID Connect Core and Back-Channel Logout
// require of a provider for the one flow that is used, and forgets everything when it ends. It is for examples
// only.
type provider struct {
	Config
	key *ecdsa.PrivateKey
	mux *http.ServeMux

	mu     sync.Mutex
	grants map[string]grant  // by code
	logins map[string]string // subject, by sid: the provider's own sessions
}

// grant is what a code is exchanged for.
type grant struct {
	subject, sid     string
	nonce, challenge string
	redirect         string
	until            time.Time
}

// people are the accounts, by subject.
var people = map[string]person{"1001": {"Jen Bar", "jen@provider.example"}, "1002": {"Jo Baz", "jo@provider.example"}}

type person struct{ Name, Email string }

// sidCookie is the cookie of the provider's own session.
const sidCookie = "provider-sid"

// New returns a provider.
func New(cfg Config) (http.Handler, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	p := &provider{Config: cfg, key: key, mux: http.NewServeMux(), grants: map[string]grant{}, logins: map[string]string{}}
	p.mux.HandleFunc("GET /.well-known/openid-configuration", p.metadata)
	p.mux.HandleFunc("GET /keys", p.keys)
	p.mux.HandleFunc("GET /authorize", p.ask)
	p.mux.HandleFunc("POST /authorize", p.authorize)
	p.mux.HandleFunc("POST /token", p.token)
	p.mux.HandleFunc("GET /logout", p.logOut)
	return http.NewCrossOriginProtection().Handler(p.mux), nil
}

func (p *provider) metadata(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/authorize", "token_endpoint": p.Issuer + "/token",
		"jwks_uri": p.Issuer + "/keys", "end_session_endpoint": p.Issuer + "/logout",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"}, "code_challenge_methods_supported": []string{"S256"},
		"authorization_response_iss_parameter_supported": true, "backchannel_logout_supported": true,
	})
}

func (p *provider) keys(w http.ResponseWriter, _ *http.Request) {
	public, err := p.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		http.Error(w, "no key", http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "1", "x": encode(public[1:33]), "y": encode(public[33:]),
	}}})
}

// render writes a page.
func render(w http.ResponseWriter, t *template.Template, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	if err := t.Execute(w, data); err != nil {
		http.Error(w, "This page does not work.", http.StatusInternalServerError)
	}
}

// valid reports whether an authorization request is the application's. The user is
// never sent to a redirect URI that is not registered.
func (p *provider) valid(q url.Values) bool {
	redirect := q.Get("redirect_uri")
	return q.Get("client_id") == p.ClientID && slices.Contains(p.Redirects, redirect) &&
		q.Get("response_type") == "code" && q.Get("code_challenge_method") == "S256" && q.Get("code_challenge") != ""
}

// ask is the page on which the user says who they are.
func (p *provider) ask(w http.ResponseWriter, r *http.Request) {
	if !p.valid(r.URL.Query()) {
		http.Error(w, "This is no request of an application that is known here.", http.StatusBadRequest)
		return
	}
	render(w, askPage, people)
}

// authorize answers the application.
func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	subject := r.PostFormValue("subject")
	if !p.valid(q) || people[subject].Name == "" && subject != "" {
		http.Error(w, "This is no request of an application that is known here.", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}, "iss": {p.Issuer}}
	if subject == "" {
		answer.Set("error", "access_denied")
	} else {
		g := grant{subject: subject, sid: rand.Text(), nonce: q.Get("nonce"), challenge: q.Get("code_challenge"), redirect: q.Get("redirect_uri"), until: time.Now().Add(time.Minute)}
		code := rand.Text()
		p.mu.Lock()
		p.grants[code], p.logins[g.sid] = g, subject
		p.mu.Unlock()
		answer.Set("code", code)
		http.SetCookie(w, &http.Cookie{Name: sidCookie, Value: g.sid, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}) //nolint:gosec // http on loopback
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+answer.Encode(), http.StatusSeeOther) //nolint:gosec // valid knows the address
}

// token redeems a code, once.
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if id != p.ClientID || subtle.ConstantTimeCompare([]byte(secret), []byte(url.QueryEscape(p.ClientSecret))) != 1 {
		writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	code := r.PostFormValue("code")
	p.mu.Lock()
	g, ok := p.grants[code]
	delete(p.grants, code)
	p.mu.Unlock()
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || time.Now().After(g.until) || g.redirect != r.PostFormValue("redirect_uri") || g.challenge != encode(challenge[:]) {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	now := time.Now()
	idToken, err := p.sign("JWT", map[string]any{
		"iss": p.Issuer, "sub": g.subject, "aud": p.ClientID, "nonce": g.nonce, "sid": g.sid,
		"name": people[g.subject].Name, "email": people[g.subject].Email, "email_verified": true,
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "auth_time": now.Unix(),
	})
	if err != nil {
		writeJSON(w, http.StatusInternalServerError, map[string]any{"error": "server_error"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 300, "id_token": idToken})
}

// logOut ends the provider's own session, tells the application by the back channel,
// and sends the user back.
func (p *provider) logOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(sidCookie); err == nil {
		p.mu.Lock()
		subject, ok := p.logins[c.Value]
		delete(p.logins, c.Value)
		p.mu.Unlock()
		if ok && p.BackChannel != "" {
			if err := p.report(r.Context(), subject, c.Value); err != nil {
				slog.WarnContext(r.Context(), "provider: back-channel log-out", "err", err)
			}
		}
		http.SetCookie(w, &http.Cookie{Name: sidCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode}) //nolint:gosec // http on loopback
	}
	to := p.Home
	if r.URL.Query().Get("post_logout_redirect_uri") != to {
		http.Error(w, "You are logged out here.", http.StatusOK)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// report tells the application that a user logged out: Back-Channel Logout 1.0 §2.5.
func (p *provider) report(ctx context.Context, subject, sid string) error {
	now := time.Now()
	token, err := p.sign("logout+jwt", map[string]any{
		"iss": p.Issuer, "sub": subject, "aud": p.ClientID, "sid": sid, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.BackChannel, strings.NewReader(url.Values{"logout_token": {token}}.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the application answered %s", res.Status)
	}
	return nil
}

// sign makes a JWT with ES256 (RFC 7515, RFC 7518 §3.4).
func (p *provider) sign(typ string, claims map[string]any) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": "ES256", "kid": "1", "typ": typ})
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := encode(header) + "." + encode(payload)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, p.key, sum[:])
	if err != nil {
		return "", err
	}
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return text + "." + encode(signature), nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(v); err != nil {
		http.Error(w, "This does not work.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

var askPage = template.Must(template.New("ask").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>example provider</title>
<meta name="viewport" content="width=device-width"><style>body{font:16px/1.5 sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem;background:#eef}</style>
<h1>The example provider</h1>
<p>An application on this machine wants to know who you are.</p>
<form method="post">
{{range $subject, $person := .}}<p><button name="subject" value="{{$subject}}">I am {{$person.Name}}</button></p>
{{end}}<p><button>I do not say</button></p>
</form>
</html>
`))
