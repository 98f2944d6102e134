package journey

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
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// This file has the users' authenticators, in software, and what browsers do with them. Each user of a
// table has one passkey.

const origin, relyingParty = "https://app.example", "app.example"

// authenticator holds one passkey that the table knows.
type authenticator struct {
	credential passkey.Credential
	handle     []byte
	signer     *ecdsa.PrivateKey
}

func newAuthenticator(user int) *authenticator {
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // only reading random bytes could fail
	}
	point, err := signer.PublicKey.Bytes() // the bytes 4, X, Y
	if err != nil {
		panic(err)
	}
	id := fmt.Append(nil, "passkey ", user)
	// A map in CBOR: an elliptic curve, ES256, P-256, X and Y.
	public := slices.Concat([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[1:33], []byte{0x22, 0x58, 32}, point[33:])
	return &authenticator{
		passkey.Credential{ID: id, PublicKey: public, UserVerified: true, BackupEligible: true, BackedUp: true},
		fmt.Appendf(nil, "handle of user %8d", user), signer,
	}
}

// answer returns what navigator.credentials.get returns to a page for the options. If wrong is true, the
// signature is for something else.
func (k *authenticator) answer(options []byte, wrong bool) string {
	var o struct{ Challenge string }
	_ = json.Unmarshal(options, &o) // without a challenge the answer is refused
	client, _ := json.Marshal(map[string]any{"type": "webauthn.get", "challenge": o.Challenge, "origin": origin})
	party, clientHash := sha256.Sum256([]byte(relyingParty)), sha256.Sum256(client)
	const flags = 1 | 4 | 8 | 16 // user present, user verified, backup eligible, backed up
	data := append(party[:], flags, 0, 0, 0, 0)
	signed := sha256.Sum256(slices.Concat(data, clientHash[:]))
	if wrong {
		signed[0]++
	}
	signature, _ := ecdsa.SignASN1(rand.Reader, k.signer, signed[:])
	encoded := base64.RawURLEncoding.EncodeToString
	text, _ := json.Marshal(map[string]any{
		"id": encoded(k.credential.ID), "rawId": encoded(k.credential.ID), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{
			"clientDataJSON": encoded(client), "authenticatorData": encoded(data), "signature": encoded(signature), "userHandle": encoded(k.handle),
		},
	})
	return string(text)
}

// Find implements [passkey.Credentials].
func (t *table) Find(_ context.Context, id []byte) (c passkey.Credential, u *user, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for number, k := range t.keys {
		if bytes.Equal(k.credential.ID, id) {
			row := t.rows[number]
			return k.credential, &row, nil
		}
	}
	return c, nil, passkey.ErrUnknown
}

// List implements [passkey.Credentials].
func (t *table) List(_ context.Context, u *user) ([]passkey.Credential, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return []passkey.Credential{t.keys[u.ID].credential}, nil
}

// Add implements [passkey.Credentials].
func (*table) Add(context.Context, *user, passkey.Credential) error { return passkey.ErrExists }

// Update implements [passkey.Credentials].
func (*table) Update(context.Context, passkey.Credential, uint32) (bool, error) { return true, nil }

// Remove implements [passkey.Credentials].
func (*table) Remove(context.Context, *user, []byte, bool) (bool, error) {
	return false, passkey.ErrLast
}

// passkeyName returns the name of a strategy or factor of guard g: the guards' passkey strategies have two
// names.
func passkeyName(g int, name string) string {
	if name == "passkey" && g > 0 {
		return "passkey2"
	}
	return name
}

func plainName(strategy string) string {
	if strategy == "passkey2" {
		return "passkey"
	}
	return strategy
}

// factorsIn returns the factors that the model knows, under the model's names.
func factorsIn(list []string) (known []string) {
	for _, name := range list {
		if name = plainName(name); name == "totp" || name == "passkey" {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	return known
}

func (p *process) newPasskeys(g int, logger *slog.Logger) (*passkey.Strategy[*user], error) {
	t := p.shared.tables[g]
	return passkey.New(passkey.Config[*user]{
		Name: passkeyName(g, "passkey"), RPID: relyingParty, RPName: "App", Origins: []string{origin}, Secrets: p.secrets(secret, newer),
		Credentials: t, Once: p.shared.counter, Logger: logger,
		Account: func(_ context.Context, u *user) (passkey.Account, error) {
			t.mu.Lock()
			defer t.mu.Unlock()
			return passkey.Account{Handle: t.keys[u.ID].handle, Name: fmt.Sprint(u.ID)}, nil
		},
	})
}

// shows returns the path to which a step sends the answer of an authenticator, or "".
func (s Step) shows() string {
	switch s.Do {
	case "log in by passkey", "log in by a wrong passkey":
		return "passkey"
	case "step up by passkey":
		return "stepup"
	}
	return ""
}

// byPasskey lets the browser request a challenge, which does not use the session, and the user's
// authenticator answer it. The cookie that ties the challenge to the browser is not stored in the jar: it
// is a new one each time.
func (w *world) byPasskey(ctx context.Context, s Step) *request {
	p, g := w.at(s)
	res := send(ctx, p.handler, http.MethodPost, fmt.Sprintf("/%d/challenge", g), "", nil, nil)
	defer res.Body.Close()
	var options bytes.Buffer
	_, _ = options.ReadFrom(res.Body)
	b := w.browser(s)
	b.beside = map[string]cookie{}
	for _, c := range res.Cookies() {
		b.beside[c.Name] = cookie{value: c.Value}
	}
	defer func() { b.beside = nil }()
	t := p.shared.tables[g]
	return w.request(ctx, s, http.MethodPost, fmt.Sprintf("/%d/%s", g, s.shows()), t.keys[s.who()].answer(options.Bytes(), strings.Contains(s.Do, "wrong")))
}

// passkeys are the steps with authenticators.
var passkeys = []action{
	{"log in by passkey", 3, func(w *world, ctx context.Context, s Step) *request { return w.byPasskey(ctx, s) },
		func(w *world, s Step, r *request) { w.model.LogIn(&r.Visit, "passkey", s.who(), true, false) }},
	{"log in by a wrong passkey", 1, func(w *world, ctx context.Context, s Step) *request { return w.byPasskey(ctx, s) },
		func(w *world, s Step, r *request) { w.model.LogIn(&r.Visit, "passkey", s.who(), false, false) }},
	{"step up by passkey", 3, func(w *world, ctx context.Context, s Step) *request { return w.byPasskey(ctx, s) },
		func(w *world, s Step, r *request) { w.model.StepUp(&r.Visit, "passkey", s.who(), true) }},
}
