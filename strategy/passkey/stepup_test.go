package passkey_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/passkey"
)

func TestASecondFactor(t *testing.T) {
	w := newWorld(t)
	v := w.registered(newSecurityKey(t))
	w.needed = []string{"passkey"}
	v.send(http.MethodPost, "/stepup/options", "").Want(t, http.StatusUnauthorized, "")
	v.Post("/login", "email", w.joe.Email, "password", w.joe.Password).Want(t, http.StatusUnauthorized, `"factor":"passkey"`)
	v.Get("/me").Want(t, http.StatusUnauthorized, "")
	text := v.options("/stepup/options")
	if !strings.Contains(text, `"allowCredentials":[{"type":"public-key","id":"`+b64(v.keys[0].id)+`","transports":["internal","hybrid"]}]`) {
		t.Errorf("got the options %s, want Joe's key in them", text)
	}
	v.json = func(m map[string]any) { delete(response(m), "userHandle") } // a key that is not discoverable
	v.send(http.MethodPost, "/stepup", v.get(text)).Want(t, http.StatusOK, "done")
	v.Get("/me").Want(t, http.StatusOK, "hello joefoo@test.com")
	v.Get("/strong").Want(t, http.StatusOK, "")
	v.Get("/aal3").Want(t, http.StatusOK, "")
	if !slices.Contains(w.info.Factors, "local") {
		t.Errorf("got the factors %q, want the password among them", w.info.Factors)
	}
}

// TestANewPasskeyIsNotAskedForAtOnce: its registration has proved it.
func TestANewPasskeyIsNotAskedForAtOnce(t *testing.T) {
	w := newWorld(t)
	v := w.visit(newSecurityKey(t))
	v.byPassword(w.joe)
	v.Get("/strong").Want(t, http.StatusUnauthorized, "")
	v.register().Want(t, http.StatusCreated, "")
	w.needed = []string{"passkey"}
	v.Get("/me").Want(t, http.StatusOK, "hello joefoo@test.com")
	v.Get("/aal3").Want(t, http.StatusOK, "")
	if !slices.Contains(w.info.Factors, "local") {
		t.Errorf("got the factors %q, want the password among them", w.info.Factors)
	}
}

// meanwhile is a table of passkeys in which a function runs before one is added.
type meanwhile struct {
	*table
	happens func()
}

func (m *meanwhile) Add(ctx context.Context, u *User, c passkey.Credential) error {
	m.happens()
	return m.table.Add(ctx, u, c)
}

// TestANewPasskeyIsAnsweredAsStored, even if the session has ended meanwhile and cannot have it as a
// factor.
func TestANewPasskeyIsAnsweredAsStored(t *testing.T) {
	var keys *meanwhile
	w := newWorld(t, func(c *passkey.Config[*User]) {
		keys = &meanwhile{table: c.Credentials.(*table)}
		c.Credentials = keys
	})
	v := w.visit(newSecurityKey(t))
	v.byPassword(w.joe)
	keys.happens = func() { v.Twin().Post("/logout").Want(t, http.StatusOK, "") }
	v.register().Want(t, http.StatusCreated, `"passkey"`)
	v.Get("/me").Want(t, http.StatusUnauthorized, "")
	if got := w.logged(); !strings.Contains(got, "passkey not counted as a factor yet") {
		t.Errorf("got the log %s", got)
	}
}

func TestASecondFactorIsTheUsersOwn(t *testing.T) {
	w := newWorld(t)
	v := w.registered(newAuthenticator(t))
	v.byPassword(w.jen)
	v.send(http.MethodPost, "/stepup/options", "").Want(t, http.StatusNotFound, "") // she has no passkey
	// Joe's passkey in Jen's session, with a challenge for anybody.
	v.send(http.MethodPost, "/stepup", v.get(v.options("/passkey/options"))).Want(t, http.StatusUnauthorized, "")
	v.Get("/strong").Want(t, http.StatusUnauthorized, "")
	v.Get("/me").Want(t, http.StatusOK, "hello jenbar@test.com")
}

// TestOneOrTwoFactors is how a site counts that does not require user verification: a passkey that verified
// its user is two factors, another one is one, and so is a password.
func TestOneOrTwoFactors(t *testing.T) {
	needed := []string{"passkey:verified|local", "passkey"}
	for _, row := range []struct {
		name         string
		flags        byte
		password     bool
		logIn, after int // the statuses of the log-in with the passkey, and of a page
	}{
		{"a verified passkey", present | verified | eligible, false, 200, 200},
		{"one that is not", present | eligible, false, 401, 401},
		{"a password", 0, true, 401, 401},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, func(c *passkey.Config[*User]) { c.Policy.UserVerification = passkey.Preferred })
			v := w.registered(newAuthenticator(t))
			w.needed = needed
			if row.password {
				v.Post("/login", "email", w.joe.Email, "password", w.joe.Password).Want(t, row.logIn, "")
			} else {
				v.flags = row.flags
				v.logIn().Want(t, row.logIn, "")
			}
			v.Get("/me").Want(t, row.after, "")
		})
	}
}

// TestTwoStrategiesOverOneTable: a less strict one behind StepUp cannot be used to log in.
func TestTwoStrategiesOverOneTable(t *testing.T) {
	strict := newWorld(t)
	v := strict.registered(newAuthenticator(t))
	cfg := config(strict)
	cfg.Name, cfg.Policy.UserVerification = "key", passkey.Discouraged
	lax, err := passkey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	strict.mux.Handle("POST /key/options", lax.BeginLogIn(strict.auth))
	v.flags = present | eligible
	text := v.options("/key/options")
	v.SetCookie("__Host-passkey", v.Cookie("__Host-passkey.key"))
	v.wantRefused(v.send(http.MethodPost, "/passkey", v.get(text)), http.StatusUnauthorized, "or by another program")
}

func TestPoliciesAreInTheOptions(t *testing.T) {
	for _, row := range []struct {
		name   string
		policy passkey.Policy
		want   []string
	}{
		{"the default", passkey.Policy{}, []string{
			`"userVerification":"required"`, `"residentKey":"preferred"`, `"requireResidentKey":false`, `"attestation":"none"`,
			`"pubKeyCredParams":[{"type":"public-key","alg":-7},{"type":"public-key","alg":-8},{"type":"public-key","alg":-257}]`,
			`"rp":{"name":"Shop","id":"app.example"}`, `"name":"joefoo@test.com","displayName":"joefoo@test.com"`, `"timeout":300000`,
		}},
		{"a bank's", passkey.Policy{ResidentKey: passkey.Required, UserVerification: passkey.Preferred, Algorithms: []passkey.Algorithm{passkey.ES384}, Roots: testRoots(t)}, []string{
			`"userVerification":"preferred"`, `"residentKey":"required"`, `"requireResidentKey":true`, `"attestation":"direct"`, `"pubKeyCredParams":[{"type":"public-key","alg":-35}]`,
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, func(c *passkey.Config[*User]) { c.Policy = row.policy })
			v := w.visit(newAuthenticator(t))
			v.byPassword(w.joe)
			text := v.options("/passkeys/options")
			for _, want := range row.want {
				if !strings.Contains(text, want) {
					t.Errorf("got %s, want %s", text, want)
				}
			}
		})
	}
}

func TestEachAlgorithm(t *testing.T) {
	for _, alg := range []passkey.Algorithm{passkey.ES256, passkey.EdDSA, passkey.RS256, passkey.ES384} {
		w := newWorld(t, func(c *passkey.Config[*User]) { c.Policy.Algorithms = []passkey.Algorithm{alg} })
		a := newAuthenticator(t)
		a.alg = int(alg)
		w.registered(a).logIn().Want(t, http.StatusOK, "done")
	}
}

// TestTheBackupStateIsFollowed when a passkey is copied to another device, and when the copy is removed.
func TestTheBackupStateIsFollowed(t *testing.T) {
	w := newWorld(t)
	a := newAuthenticator(t)
	a.flags = present | verified | eligible
	v := w.registered(a)
	for _, flags := range []byte{present | verified | eligible | backedUp, present | verified | eligible} {
		v.flags = flags
		v.logIn().Want(t, http.StatusOK, "done")
		if got, want := w.table.rows[0].BackedUp, flags&backedUp != 0; got != want {
			t.Errorf("got backed up: %t, want %t", got, want)
		}
	}
}

// TestTheRoutesThatFinish a log-in and a second factor: they answer 204, and tell the browser to forget a
// passkey that the table does not have.
func TestTheRoutesThatFinish(t *testing.T) {
	w := newWorld(t)
	v := w.registered(newSecurityKey(t))
	w.mux.Handle("POST /finish/login", w.passkeys.FinishLogIn(w.auth))
	w.mux.Handle("POST /finish/stepup", w.passkeys.FinishStepUp(w.auth))
	if a := v.send(http.MethodPost, "/finish/login", v.get(v.options("/passkey/options"))); a.StatusCode != http.StatusNoContent || a.Text != "" {
		t.Errorf("a log-in: got %d %q, want 204", a.StatusCode, a.Text)
	}
	v.Get("/me").Want(t, http.StatusOK, "hello joefoo@test.com")
	v.Post("/logout")
	w.needed = []string{"passkey"}
	v.Post("/login", "email", w.joe.Email, "password", w.joe.Password).Want(t, http.StatusUnauthorized, "")
	if a := v.send(http.MethodPost, "/finish/stepup", v.get(v.options("/stepup/options"))); a.StatusCode != http.StatusNoContent {
		t.Errorf("a second factor: got %d %q, want 204", a.StatusCode, a.Text)
	}
	v.Get("/strong").Want(t, http.StatusOK, "")
	v.Get("/finish/login").Want(t, http.StatusMethodNotAllowed, "")

	w.table.rows = nil
	v.send(http.MethodPost, "/finish/login", v.get(v.options("/passkey/options"))).Want(t, http.StatusUnauthorized, "unknownCredential")
}
