package passkey_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// applePasswords is fbfc3007-154e-4ecc-8c0b-6e020557d7bd.
var applePasswords = [16]byte{0xfb, 0xfc, 0x30, 0x07, 0x15, 0x4e, 0x4e, 0xcc, 0x8c, 0x0b, 0x6e, 0x02, 0x05, 0x57, 0xd7, 0xbd}

func TestALifeWithPasskeys(t *testing.T) {
	w := newWorld(t)
	v := w.visit(newAuthenticator(t))
	v.byPassword(w.joe)
	v.register().Want(t, http.StatusCreated, `"name":"Passkey"`)
	v.Get("/me").Want(t, http.StatusOK, "hello joefoo@test.com")
	v.Get("/strong").Want(t, http.StatusOK, "hello joefoo@test.com") // it was just used, and counts
	v.Post("/logout").Want(t, http.StatusOK, "")
	v.Get("/me").Want(t, http.StatusUnauthorized, "")
	v.logIn().Want(t, http.StatusOK, "done")
	v.Get("/strong").Want(t, http.StatusOK, "hello joefoo@test.com")
	v.Get("/aal3").Want(t, http.StatusUnauthorized, "passkey:device")
	if got := w.info.Factors; !slices.Equal(got, []string{"passkey", "passkey:verified"}) {
		t.Errorf("got the factors %q, want the key and its user", got)
	}
}

func TestALogInSaysWhatItKnows(t *testing.T) {
	for _, row := range []struct {
		name    string
		policy  passkey.Policy
		edit    func(*authenticator)
		later   byte // the flags at the log-in; 0 means those of the registration
		factors []string
		want    passkey.Assertion // UserVerified, Model, BackupEligible and BackedUp
	}{
		{"a synced passkey", passkey.Policy{}, func(*authenticator) {}, 0, []string{"passkey", "passkey:verified"},
			passkey.Assertion{UserVerified: true, Credential: passkey.Credential{BackupEligible: true, BackedUp: true}}},
		{"a security key", passkey.Policy{}, func(a *authenticator) { *a = *newSecurityKey(a.t) }, 0, []string{"passkey", "passkey:verified", "passkey:device"},
			passkey.Assertion{UserVerified: true}},
		{"a model", passkey.Policy{}, func(a *authenticator) { a.aaguid = applePasswords }, 0, []string{"passkey", "passkey:verified"},
			passkey.Assertion{UserVerified: true, Model: "Apple Passwords", Credential: passkey.Credential{BackupEligible: true, BackedUp: true}}},
		{"nobody was verified", passkey.Policy{UserVerification: passkey.Preferred}, func(*authenticator) {}, present | eligible, []string{"passkey"},
			passkey.Assertion{Credential: passkey.Credential{BackupEligible: true}}},
		{"nobody was verified at the registration", passkey.Policy{UserVerification: passkey.Discouraged}, func(a *authenticator) { a.flags = present }, present | verified, []string{"passkey", "passkey:device"},
			passkey.Assertion{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, func(c *passkey.Config[*User]) { c.Policy = row.policy })
			a := newAuthenticator(t)
			row.edit(a)
			v := w.registered(a)
			if row.later != 0 {
				v.flags = row.later
			}
			v.logIn().Want(t, http.StatusOK, "done")
			got, ok := w.info.Detail.(passkey.Assertion)
			if !slices.Equal(w.info.Factors, row.factors) || !ok || got.UserVerified != row.want.UserVerified || got.Model != row.want.Model ||
				got.Credential.BackupEligible != row.want.Credential.BackupEligible || got.Credential.BackedUp != row.want.Credential.BackedUp {
				t.Errorf("got %q and %+v, want %q and %+v", w.info.Factors, w.info.Detail, row.factors, row.want)
			}
			if got.Credential.LastUsed.IsZero() {
				t.Error("got no time of the use")
			}
		})
	}
}
