package password_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/crypto/bcrypt"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/password/limit"
)

var digits80 = strings.Repeat("0123456789", 8)

// fromNode are hashes that bcrypt@6.0.0 and bcryptjs@3.0.3 made on Node 20.
var fromNode = []struct{ name, password, hash string }{
	{"bcrypt, $2b$", "Passw0rd!", "$2b$04$2OVQp9x2FkClqHYSq89KA.eyq9DOH0Z7DQDXGDzgw6zTnHKu2AMFO"},
	{"bcryptjs, $2b$", "Passw0rd!", "$2b$04$Jvres/XFFIl9biXtNVflQeMnJmOw7YfU4kNWTTNPLKtHHMJDNEBqi"},
	{"bcrypt, $2a$", "Passw0rd!", "$2a$04$OmdeSh5r8hTpVG4NJUWKAO5LKOpuJ9k3Cw51OBQy6Qr6Bu5VUrhyW"},
	{"$2y$, as PHP writes it", "Passw0rd!", "$2y$04$2OVQp9x2FkClqHYSq89KA.eyq9DOH0Z7DQDXGDzgw6zTnHKu2AMFO"},
	{"bcrypt, beyond ASCII", "pässwörd-密码-🔑", "$2b$04$ATtCKp5lyyoMfXlkgi3c0u44ja/QcvDeDDexjj6bjSBbyM4nCs466"},
	{"bcryptjs, beyond ASCII", "pässwörd-密码-🔑", "$2b$04$5Bk8u8uBHE6C9e.w9UA7BuihIgfudwtsOkKkYtHwRps2tWFQIczzq"},
	{"bcrypt, 72 bytes", digits80[:72], "$2b$04$zAaVXEuku4f6quZIOCW86OS/WMp/Lt6bAvRRFDKN/UzLPMTVGgTJq"},
	{"bcryptjs, 72 bytes", digits80[:72], "$2b$04$RE8Xaks39BeNrQVn5W6hRuhv9XEAVE3RWLkPDagOmGmHcoTaBZGpC"},
}

// truncated are hashes of digits80 by the same packages.
var truncated = []struct{ name, hash string }{
	{"bcrypt", "$2b$04$AAGcKo4TVMiTEoeEpRozKehGDjARU21KokR/KPEdRk8t.U4wjZsTu"},
	{"bcryptjs", "$2b$04$b5XslXMQqSbOekd9ukCB9uYWh7UIA5sXwThA6lqWhqOznG0udp./e"},
}

func TestBcryptReadsTheHashesOfNode(t *testing.T) {
	b := &password.Bcrypt{InsecureFast: true, Cost: 4}
	for _, row := range fromNode {
		if err := b.Verify(t.Context(), row.hash, row.password); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		for _, wrong := range []string{"", row.password + "x", row.password[1:]} {
			if err := b.Verify(t.Context(), row.hash, wrong); !errors.Is(err, strategy.ErrUnauthenticated) {
				t.Errorf("%s: for another password: %v, want ErrUnauthenticated", row.name, err)
			}
		}
		if !b.Reads(row.hash) || b.NeedsRehash(row.hash) {
			t.Errorf("%s: Reads = %v, NeedsRehash = %v, want true and false", row.name, b.Reads(row.hash), b.NeedsRehash(row.hash))
		}
	}
}

func TestBcryptHashesAndVerifies(t *testing.T) {
	b := &password.Bcrypt{InsecureFast: true, Cost: 4}
	for _, password := range []string{"", "Passw0rd!", "pässwörd", digits80[:72], "\xff\x01"} {
		hash, err := b.Hash(t.Context(), password)
		if err != nil {
			t.Errorf("%q: %v", password, err)
			continue
		}
		if !strings.HasPrefix(hash, "$2a$04$") {
			t.Errorf("the hash begins with %.7s, want $2a$04$", hash)
		}
		if err := b.Verify(t.Context(), hash, password); err != nil {
			t.Errorf("%q: %v", password, err)
		}
		if again, err := b.Hash(t.Context(), password); err != nil || again == hash {
			t.Errorf("%q: the salt is the same twice, or %v", password, err)
		}
	}
}

func TestCVE_2025_22228_BcryptNeverComparesHalfAPassword(t *testing.T) {
	b := &password.Bcrypt{InsecureFast: true, Cost: 4}
	for name, long := range map[string]string{"73 bytes": digits80[:73], "a NUL": "abc\x00def", "a NUL at the end": "abc\x00"} {
		if _, err := b.Hash(t.Context(), long); !errors.Is(err, password.ErrUnhashable) || errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%s: Hash: %v, want ErrUnhashable", name, err)
		}
	}
	for _, row := range []struct{ name, of, password string }{
		{"longer than what was hashed", digits80[:72], digits80},
		{"one NUL more", "abc", "abc\x00"},
		{"something behind a NUL", "abc", "abc\x00def"},
		{"the key bytes of bcrypt repeated", "a", "a\x00a\x00a"},
	} {
		stored, err := bcrypt.GenerateFromPassword([]byte(row.of), 4)
		if err != nil {
			t.Fatal(err)
		}
		before := b.Stats()
		if err := b.Verify(t.Context(), string(stored), row.password); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%s: %v, want ErrUnauthenticated", row.name, err)
		}
		if done, work := b.Stats().Done-before.Done, b.Stats().Work-before.Work; done != 1 || work != 1<<4 {
			t.Errorf("%s: %d hashes of work %d in all, want 1 of 16", row.name, done, work)
		}
	}
	for _, row := range truncated {
		if err := b.Verify(t.Context(), row.hash, digits80); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%s, 80 bytes: %v, want ErrUnauthenticated", row.name, err)
		}
	}
}

func TestBcryptAdmitsTruncatedHashesByChoiceOnly(t *testing.T) {
	b := &password.Bcrypt{InsecureFast: true, Cost: 4, AllowTruncated: true}
	for _, row := range truncated {
		if err := b.Verify(t.Context(), row.hash, digits80); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if err := b.Verify(t.Context(), row.hash, "x"+digits80); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%s, another password: %v, want ErrUnauthenticated", row.name, err)
		}
	}
	if err := b.Verify(t.Context(), fromNode[0].hash, "Passw0rd!\x00"+digits80); !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("a NUL: %v, want ErrUnauthenticated", err)
	}
	if _, err := b.Hash(t.Context(), digits80); !errors.Is(err, password.ErrUnhashable) {
		t.Errorf("Hash: %v, want ErrUnhashable: no new hash is truncated", err)
	}
}

func TestASVS_6_3_8_BcryptWorksTheSameForWhatItCannotRead(t *testing.T) {
	const salt, sum = "......................", "..............................."
	b := &password.Bcrypt{InsecureFast: true, Cost: 6, MaxCost: 7}
	for _, row := range []struct {
		name, hash string
		want       error
	}{
		{"no hash", "", strategy.ErrUnauthenticated},
		{"the current cost", "$2b$06$" + salt + sum, strategy.ErrUnauthenticated},
		{"a lower cost", "$2b$04$" + salt + sum, strategy.ErrUnauthenticated},
		{"a cost over the bound", "$2b$08$" + salt + sum, password.ErrBadHash},
		{"the highest cost there is", "$2b$31$" + salt + sum, password.ErrBadHash},
		{"a cost under the lowest", "$2b$03$" + salt + sum, password.ErrBadHash},
		{"a cost that is no number", "$2b$+6$" + salt + sum, password.ErrBadHash},
		{"the variant of a faulty implementation", "$2x$06$" + salt + sum, password.ErrBadHash},
		{"the variant without a letter", "$2$06$" + salt + sum + ".", password.ErrBadHash},
		{"a character too few", "$2b$06$" + salt + sum[1:], password.ErrBadHash},
		{"a character too many", "$2b$06$" + salt + sum + ".", password.ErrBadHash},
		{"a character outside the alphabet", "$2b$06$" + salt + sum[1:] + "=", password.ErrBadHash},
		{"a clear password", "Passw0rd!", password.ErrBadHash},
		{"another kind of hash", "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$c3VtLi4uLg", password.ErrBadHash},
	} {
		before := b.Stats()
		err := b.Verify(t.Context(), row.hash, "Passw0rd!")
		if !errors.Is(err, row.want) || errors.Is(err, password.ErrBadHash) == errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
		if done, work := b.Stats().Done-before.Done, b.Stats().Work-before.Work; done != 1 || work != 1<<6 {
			t.Errorf("%s: %d hashes of work %d in all, want 1 of 64", row.name, done, work)
		}
		if readable := row.want == strategy.ErrUnauthenticated && row.hash != ""; b.Reads(row.hash) != readable {
			t.Errorf("%s: Reads = %v, want %v", row.name, !readable, readable)
		}
		if needs := row.hash[:min(7, len(row.hash))] != "$2b$06$" || row.want != strategy.ErrUnauthenticated; b.NeedsRehash(row.hash) != needs {
			t.Errorf("%s: NeedsRehash = %v, want %v", row.name, !needs, needs)
		}
	}
	higher := "$2b$07$" + salt + sum
	if !b.Reads(higher) || b.NeedsRehash(higher) {
		t.Errorf("a higher cost: Reads = %v, NeedsRehash = %v, want true and false", b.Reads(higher), b.NeedsRehash(higher))
	}
}

func TestBcryptZeroValueIsCost12(t *testing.T) {
	var b password.Bcrypt
	hash, err := b.Hash(t.Context(), "Passw0rd!")
	if err != nil || !strings.HasPrefix(hash, "$2a$12$") {
		t.Errorf("the hash begins with %.7s, %v, want $2a$12$", hash, err)
	}
	if got, want := b.Stats(), (limit.Stats{Done: 1, Work: 1 << 12}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if b.NeedsRehash(hash) || !b.NeedsRehash(fromNode[0].hash) {
		t.Error("the zero value upgrades its own hash, or not one of cost 4")
	}
	for cost, reads := range map[string]bool{"15": true, "16": false} {
		if got := b.Reads("$2a$" + cost + hash[6:]); got != reads {
			t.Errorf("a stored cost of %s: Reads = %v, want %v", cost, got, reads)
		}
	}
}

func TestBcryptRefusesAnImpossibleCost(t *testing.T) {
	for _, cost := range []int{-1, 3, 32} {
		b := &password.Bcrypt{Cost: cost}
		if _, err := b.Hash(t.Context(), "p"); err == nil || !strings.Contains(err.Error(), "Cost") {
			t.Errorf("Cost %d: Hash: %v, want an error that names the field", cost, err)
		}
		if err := b.Verify(t.Context(), fromNode[0].hash, "Passw0rd!"); err == nil || errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("Cost %d: Verify: %v, want an error that is not a refusal", cost, err)
		}
	}
}

func TestBcryptIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := &limit.Limit{Workers: 1, Queue: -1}
		release := hold(shared)
		one, two := &password.Bcrypt{InsecureFast: true, Cost: 4, Limit: shared}, &password.Bcrypt{InsecureFast: true, Cost: 4, Limit: shared}
		if _, err := one.Hash(t.Context(), "p"); !errors.Is(err, strategy.ErrBusy) {
			t.Errorf("Hash: %v, want ErrBusy", err)
		}
		if err := two.Verify(t.Context(), fromNode[0].hash, "Passw0rd!"); !errors.Is(err, strategy.ErrBusy) {
			t.Errorf("Verify: %v, want ErrBusy", err)
		}
		release()
		if err := two.Verify(t.Context(), fromNode[0].hash, "Passw0rd!"); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}
