package password_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/password/limit"
)

// composed stands for norm.NFC.String, but knows one character only.
func composed(s string) string { return strings.ReplaceAll(s, "e\u0301", "é") }

// TestOnePasswordHasOneForm: a password that a Mac sends as two code points and Windows as one is the same,
// and earlier hashes stay valid.
func TestOnePasswordHasOneForm(t *testing.T) {
	const mac, windows = "cafe\u0301 au lait", "café au lait"
	b := &password.Bcrypt{InsecureFast: true, Cost: 4}
	n := password.Normalized(b, composed)
	for _, row := range []struct {
		name, hash, sent string
		good             bool
	}{
		{"chosen on a Mac, typed on Windows", mustHash(t, n, mac), windows, true},
		{"chosen on a Mac, typed there", mustHash(t, n, mac), mac, true},
		{"chosen on Windows, typed on a Mac", mustHash(t, n, windows), mac, true},
		{"stored before, on a Mac, and typed there", mustHash(t, b, mac), mac, true},
		{"stored before, on Windows, and typed on a Mac", mustHash(t, b, windows), mac, true},
		{"another password", mustHash(t, n, mac), "cafe au lait", false},
	} {
		err := n.Verify(t.Context(), row.hash, row.sent)
		if (err == nil) != row.good || err != nil && !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%s: got %v, want it good: %v", row.name, err, row.good)
		}
	}
	spaces := password.Normalized(b, nil)
	if err := spaces.Verify(t.Context(), mustHash(t, spaces, "cafe\u00a0au\u2003lait"), "cafe au lait"); err != nil {
		t.Errorf("with a no-break space: got %v, want it accepted", err)
	}
	if !n.Reads(mustHash(t, b, "x")) || n.NeedsRehash(mustHash(t, b, "x")) || !n.NeedsRehash("") {
		t.Error("Reads and NeedsRehash are not those of the hasher inside")
	}
	if _, err := password.NewCheck(&table{}, password.Config{Hasher: password.Normalized(&password.Bcrypt{Cost: 99}, nil)}); err == nil {
		t.Error("a mistake in the hasher inside is not named")
	}
}

// TestTheFormOfAPasswordDoesNotTellWhoHasAnAccount: a password in another form costs two hashes for
// everybody, one in the right form costs one.
func TestTheFormOfAPasswordDoesNotTellWhoHasAnAccount(t *testing.T) {
	shared := &limit.Limit{}
	n := password.Normalized(&password.Bcrypt{InsecureFast: true, Cost: 4, Limit: shared}, composed)
	check := mustCheck(t, &table{rows: map[string]account{
		"joe": {email: "joe", hash: mustHash(t, n, "p")}, "bad": {email: "bad", hash: "?"},
		"locked": {email: "locked", hash: mustHash(t, n, "e\u0301"), locked: true},
	}}, password.Config{Hasher: n})
	for sent, want := range map[string]uint64{"e\u0301": 2, "é": 1} {
		for _, email := range []string{"joe", "nobody", "bad", "locked"} {
			before := shared.Stats().Done
			if _, err := check.Validate(t.Context(), email, sent); !errors.Is(err, strategy.ErrUnauthenticated) {
				t.Errorf("%s: got %v, want a refusal", email, err)
			}
			if got := shared.Stats().Done - before; got != want {
				t.Errorf("%s with %+q: %d hashes, want %d", email, sent, got, want)
			}
		}
	}
}

// TestAnUnreadableHashIsNamed: for each form of hash that people import, the error names the form and says
// what to do. It contains no part of the hash.
func TestAnUnreadableHashIsNamed(t *testing.T) {
	b := &password.Bcrypt{InsecureFast: true, Cost: 4}
	good := mustHash(t, b, "p")
	argon := "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$dGFndGFndGFndGFndGFndGFn"
	for _, row := range []struct{ name, hash, want string }{
		{"Spring's prefix", "{bcrypt}" + good, "begins with {bcrypt}"},
		{"a column of fixed width", good + "    ", "white space"},
		{"a newline of an import", good + "\n", "white space"},
		{"NULs of a column", good + "\x00\x00", "white space"},
		{"a column that is too short", good[:50], "cut off"},
		{"a faulty bcrypt", "$2x$" + good[4:], "faulty"},
		{"an old bcrypt", "$2$" + good[4:], "before 1999"},
		{"more rounds than are allowed", "$2a$17$" + good[7:], "above MaxCost"},
		{"Argon2id without its Hasher", argon, "see Hashers"},
		{"Argon2i", "$argon2i$" + argon[10:], "Argon2i"},
		{"Django's PBKDF2", "pbkdf2_sha256$600000$salt$hash", "PBKDF2"},
		{"Django's bcrypt", "bcrypt$" + good, "store what follows bcrypt$"},
		{"Django's bcrypt over SHA-256", "bcrypt_sha256$" + good, "Django"},
		{"passlib's bcrypt over SHA-256", "$bcrypt-sha256$v=2,t=2b,r=12$x$y", "passlib"},
		{"scrypt", "$scrypt$ln=16,r=8,p=1$x$y", "scrypt"},
		{"a Linux system's", "$y$j9T$x$y", "yescrypt"},
		{"SHA-512-crypt", "$6$rounds=5000$x$y", "SHA-512-crypt"},
		{"SHA-256-crypt", "$5$x$y", "SHA-256-crypt"},
		{"MD5-crypt", "$1$x$y", "MD5-crypt"},
		{"WordPress", "$P$Bx", "phpass"},
		{"LDAP", "{SSHA}eHh4eHh4", "braces"},
		{"MD5 in hex", strings.Repeat("0a", 16), "unsalted"},
		{"SHA-256 in hex", strings.Repeat("0a", 32), "unsalted"},
		{"a password", "hunter2", "unknown form"},
	} {
		err := b.Verify(t.Context(), row.hash, "p")
		if !errors.Is(err, password.ErrBadHash) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want ErrBadHash that says %q", row.name, err, row.want)
		}
		if strings.Contains(err.Error(), good[10:20]) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the hash is in %q", row.name, err)
		}
	}
	if err := b.Verify(t.Context(), "", "p"); errors.Is(err, password.ErrBadHash) || !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("nobody's: got %v, want a plain refusal", err)
	}
}

// TestALookUpWithoutItsMostCommonCaseIsAnOutageWithAHint: "no rows" is the error of database/sql and pgx
// for an unknown address.
func TestALookUpWithoutItsMostCommonCaseIsAnOutageWithAHint(t *testing.T) {
	for _, text := range []string{"sql: no rows in result set", "no rows in result set"} {
		noRows := errors.New(text)
		check := mustCheck(t, password.LookupFunc[*account](func(context.Context, string) (*account, string, error) { return nil, "", noRows }), password.Config{})
		_, err := check.Validate(t.Context(), "joe", "p")
		if !errors.Is(err, noRows) || errors.Is(err, strategy.ErrUnauthenticated) || !strings.Contains(err.Error(), "wraps strategy.ErrUnauthenticated") {
			t.Errorf("got %v, want the outage, and what Lookup should return", err)
		}
	}
}
