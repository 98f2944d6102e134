package totp_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/totp"
)

const oldSecret, newSecret = "an old secret of 32 bytes or more", "a new secret of 32 bytes or more"

func newVault(t *testing.T, secrets ...string) *totp.Vault {
	t.Helper()
	v, err := totp.NewVault(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestAVaultOpensWhatItSealed for the same account, with the same secret, and unchanged.
func TestAVaultOpensWhatItSealed(t *testing.T) {
	key := []byte("twenty bytes of key.")
	old := newVault(t, oldSecret)
	sealed := old.Seal("joe", key)
	if again := old.Seal("joe", key); again == sealed {
		t.Error("sealing a key twice gives the same text")
	}
	if strings.Trim(sealed, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("%q has other characters than promised", sealed)
	}
	for name, v := range map[string]*totp.Vault{"the same": old, "a new secret beside": newVault(t, newSecret, oldSecret)} {
		if got, err := v.Open("joe", sealed); err != nil || !bytes.Equal(got, key) {
			t.Errorf("%s: got %q, %v, want the key", name, got, err)
		}
	}
	if got, err := old.Open("joe", newVault(t, newSecret, oldSecret).Seal("joe", key)); err == nil {
		t.Errorf("the first secret is not used for encryption: the second opens %q", got)
	}
	changed := []byte(sealed)
	changed[len(changed)/2] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another account": func() ([]byte, error) { return old.Open("jen", sealed) },
		"another secret":  func() ([]byte, error) { return newVault(t, newSecret).Open("joe", sealed) },
		"changed":         func() ([]byte, error) { return old.Open("joe", string(changed)) },
		"cut off":         func() ([]byte, error) { return old.Open("joe", sealed[:10]) },
		"empty":           func() ([]byte, error) { return old.Open("joe", "") },
		"not base64":      func() ([]byte, error) { return old.Open("joe", "%") },
	} {
		if got, err := open(); err == nil || got != nil {
			t.Errorf("%s: got %q, %v, want an error", name, got, err)
		}
	}
}

func TestAVaultWantsSecrets(t *testing.T) {
	if _, err := totp.NewVault(); err == nil {
		t.Error("without a secret: no error")
	}
	_, err := totp.NewVault("short", oldSecret, "also short")
	if err == nil || !strings.Contains(err.Error(), "secret 0 has 5 bytes") || !strings.Contains(err.Error(), "secret 2 has 10 bytes") {
		t.Errorf("got %v, want both mistakes", err)
	}
	if strings.Contains(err.Error(), "short") {
		t.Errorf("%v has a secret in it", err)
	}
}
