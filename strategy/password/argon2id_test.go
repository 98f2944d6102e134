package password_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/password/limit"
)

// Hashes that @node-rs/argon2@2.2.1 made on Node 20.
const (
	nodeArgon     = "$argon2id$v=19$m=19456,t=2,p=1$fYguH83QfOifoAFQr00OSw$6ICIhOFPlaB9UPreLkalYRL39L9x0AZI8w3odJkY84g" // Passw0rd!
	nodeArgonUTF8 = "$argon2id$v=19$m=64,t=3,p=4$o2VQ431aSr8aqsnaG/sIzA$wyAkg+KZv4MQtKCR9PmMYEyOQyad1Z9u"               // pässwörd-密码-🔑
	nodeArgonI    = "$argon2i$v=19$m=64,t=1,p=1$UgS3EKd2PBXX/1xetWWX4A$dfTnBDj0ObKSLnyEvi4j0ilwQLnkiafTpz0vB+NbqhQ"     // x
)

// smallArgon returns a hasher with low costs.
func smallArgon() *password.Argon2id {
	return &password.Argon2id{InsecureFast: true, MemoryKiB: 64, Passes: 2}
}

func TestArgon2idReadsTheHashesOfNode(t *testing.T) {
	a := smallArgon()
	for _, row := range []struct{ name, password, hash string }{
		{"the default parameters", "Passw0rd!", nodeArgon},
		{"beyond ASCII, four lanes, a short tag", "pässwörd-密码-🔑", nodeArgonUTF8},
	} {
		if err := a.Verify(t.Context(), row.hash, row.password); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if err := a.Verify(t.Context(), row.hash, row.password+"x"); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%s, another password: %v, want ErrUnauthenticated", row.name, err)
		}
	}
	if !a.NeedsRehash(nodeArgonUTF8) || a.NeedsRehash(nodeArgon) {
		t.Error("a hash with a short tag is kept, or a strong one is not")
	}
}

func TestArgon2idHashesAndVerifies(t *testing.T) {
	a := smallArgon()
	for _, password := range []string{"", "Passw0rd!", digits80, digits80 + "x", "abc\x00def"} {
		hash := mustHash(t, a, password)
		if !strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=2,p=1$") || !a.Reads(hash) || a.NeedsRehash(hash) {
			t.Errorf("%q: the hash begins with %.28s, Reads = %v, NeedsRehash = %v", password, hash, a.Reads(hash), a.NeedsRehash(hash))
		}
		if err := a.Verify(t.Context(), hash, password); err != nil {
			t.Errorf("%q: %v", password, err)
		}
		if err := a.Verify(t.Context(), hash, password+"\x00"); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%q and a NUL: %v, want ErrUnauthenticated", password, err)
		}
		if mustHash(t, a, password) == hash {
			t.Errorf("%q: the salt is the same twice", password)
		}
	}
}

func TestArgon2idZeroValueIsOWASPsChoice(t *testing.T) {
	var a password.Argon2id
	if hash := mustHash(t, &a, "p"); !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the hash begins with %.31s", hash)
	}
	if got, want := a.Stats(), (limit.Stats{Done: 1, Work: 2 * 19456}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestASVS_6_3_8_Argon2idWorksTheSameForWhatItCannotRead(t *testing.T) {
	const salt, tag = "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	a := &password.Argon2id{InsecureFast: true, MemoryKiB: 64, Passes: 2, MaxMemoryKiB: 128, MaxPasses: 3}
	for _, row := range []struct {
		name, hash string
		want       error
		rehash     bool
	}{
		{"no hash", "", strategy.ErrUnauthenticated, true},
		{"the current parameters", "$argon2id$v=19$m=64,t=2,p=1$" + salt + "$" + tag, strategy.ErrUnauthenticated, false},
		{"more lanes", "$argon2id$v=19$m=64,t=2,p=2$" + salt + "$" + tag, strategy.ErrUnauthenticated, false},
		{"less memory", "$argon2id$v=19$m=16,t=2,p=1$" + salt + "$" + tag, strategy.ErrUnauthenticated, true},
		{"fewer passes", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + tag, strategy.ErrUnauthenticated, true},
		{"much less of both", "$argon2id$v=19$m=8,t=1,p=1$" + salt + "$" + tag, strategy.ErrUnauthenticated, true},
		{"a short salt", "$argon2id$v=19$m=64,t=2,p=1$AAAAAAAAAAA$" + tag, strategy.ErrUnauthenticated, true},
		{"memory over the bound", "$argon2id$v=19$m=129,t=2,p=1$" + salt + "$" + tag, password.ErrBadHash, true},
		{"passes over the bound", "$argon2id$v=19$m=64,t=4,p=1$" + salt + "$" + tag, password.ErrBadHash, true},
		{"lanes over the bound", "$argon2id$v=19$m=128,t=2,p=17$" + salt + "$" + tag, password.ErrBadHash, true},
		{"too little memory for its lanes", "$argon2id$v=19$m=64,t=2,p=9$" + salt + "$" + tag, password.ErrBadHash, true},
		{"no passes", "$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + tag, password.ErrBadHash, true},
		{"a number with a zero in front", "$argon2id$v=19$m=064,t=2,p=1$" + salt + "$" + tag, password.ErrBadHash, true},
		{"a number that is too large", "$argon2id$v=19$m=4294967360,t=2,p=1$" + salt + "$" + tag, password.ErrBadHash, true},
		{"a negative number", "$argon2id$v=19$m=64,t=-2,p=1$" + salt + "$" + tag, password.ErrBadHash, true},
		{"parameters in another order", "$argon2id$v=19$t=2,m=64,p=1$" + salt + "$" + tag, password.ErrBadHash, true},
		{"one parameter too many", "$argon2id$v=19$m=64,t=2,p=1,x=1$" + salt + "$" + tag, password.ErrBadHash, true},
		{"no version", "$argon2id$m=64,t=2,p=1$" + salt + "$" + tag, password.ErrBadHash, true},
		{"another version", "$argon2id$v=16$m=64,t=2,p=1$" + salt + "$" + tag, password.ErrBadHash, true},
		{"Argon2i", nodeArgonI, password.ErrBadHash, true},
		{"a salt that is too short", "$argon2id$v=19$m=64,t=2,p=1$AAAAAAAAAA$" + tag, password.ErrBadHash, true},
		{"a salt with stray bits", "$argon2id$v=19$m=64,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAB$" + tag, password.ErrBadHash, true},
		{"a tag that is too short", "$argon2id$v=19$m=64,t=2,p=1$" + salt + "$AAAA", password.ErrBadHash, true},
		{"a tag that is too long", "$argon2id$v=19$m=64,t=2,p=1$" + salt + "$" + strings.Repeat("A", 88), password.ErrBadHash, true},
		{"padding", "$argon2id$v=19$m=64,t=2,p=1$" + salt + "==$" + tag, password.ErrBadHash, true},
		{"text in front", "x$argon2id$v=19$m=64,t=2,p=1$" + salt + "$" + tag, password.ErrBadHash, true},
		{"a bcrypt hash", fromNode[0].hash, password.ErrBadHash, true},
	} {
		before := a.Stats()
		err := a.Verify(t.Context(), row.hash, "Passw0rd!")
		if !errors.Is(err, row.want) || errors.Is(err, password.ErrBadHash) == errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
		if done, work := a.Stats().Done-before.Done, a.Stats().Work-before.Work; done != 1 || work != 128 {
			t.Errorf("%s: %d hashes of work %d in all, want 1 of 128", row.name, done, work)
		}
		if readable := row.want == strategy.ErrUnauthenticated && row.hash != ""; a.Reads(row.hash) != readable {
			t.Errorf("%s: Reads = %v, want %v", row.name, !readable, readable)
		}
		if a.NeedsRehash(row.hash) != row.rehash {
			t.Errorf("%s: NeedsRehash = %v, want %v", row.name, !row.rehash, row.rehash)
		}
	}
}

func TestArgon2idRefusesImpossibleParameters(t *testing.T) {
	for _, row := range []struct {
		a    *password.Argon2id
		want string
	}{
		{&password.Argon2id{MemoryKiB: 7}, "MemoryKiB"},
		{&password.Argon2id{MemoryKiB: 31, Lanes: 4}, "MemoryKiB"},
		{&password.Argon2id{Lanes: 17}, "Lanes"},
	} {
		if _, err := row.a.Hash(t.Context(), "p"); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("Hash: %v, want an error that names %s", err, row.want)
		}
		if err := row.a.Verify(t.Context(), nodeArgonUTF8, "p"); err == nil || errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("Verify: %v, want an error that is not a refusal", err)
		}
		if _, err := password.NewCheck(&table{}, password.Config{Hasher: row.a}); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("NewCheck: %v, want an error that names %s", err, row.want)
		}
	}
}

func TestHashersMoveFromBcryptToArgon2idAtLogIn(t *testing.T) {
	shared := &limit.Limit{}
	b, a := &password.Bcrypt{InsecureFast: true, Cost: 4, AllowTruncated: true, Limit: shared}, &password.Argon2id{InsecureFast: true, MemoryKiB: 64, Passes: 2, Limit: shared}
	hashers := password.Hashers{a, b}
	accounts := &upgrading{table: table{rows: map[string]account{
		"a": {email: "a", hash: mustHash(t, b, "p")},
		"b": {email: "b", hash: truncated[0].hash},
	}}}
	check := mustCheck(t, accounts, password.Config{Hasher: hashers})
	for email, password := range map[string]string{"a": "p", "b": digits80} {
		for range 2 {
			if _, err := check.Validate(t.Context(), email, password); err != nil {
				t.Errorf("%s: %v", email, err)
			}
		}
		if got := accounts.rows[email].hash; !strings.HasPrefix(got, "$argon2id$") {
			t.Errorf("%s: the hash begins with %.10s after a log-in, want $argon2id$", email, got)
		}
		if _, err := check.Validate(t.Context(), email, password+"x"); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%s, another password: %v, want ErrUnauthenticated", email, err)
		}
	}
	before := shared.Stats()
	for _, hash := range []string{"", "garbage"} {
		_ = hashers.Verify(t.Context(), hash, "p")
	}
	if done, work := shared.Stats().Done-before.Done, shared.Stats().Work-before.Work; done != 2 || work != 2*128 {
		t.Errorf("without a readable hash: %d hashes of work %d in all, want 2 of 256", done, work)
	}
	if !hashers.Reads(fromNode[0].hash) || !hashers.Reads(nodeArgon) || hashers.Reads("garbage") {
		t.Error("Reads is not that of any of them")
	}
}

func TestHashersWithoutAHasherVerifyNothing(t *testing.T) {
	var none password.Hashers
	if _, err := none.Hash(t.Context(), "p"); err == nil {
		t.Error("Hash succeeds")
	}
	if err := none.Verify(t.Context(), fromNode[0].hash, "Passw0rd!"); err == nil || errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("Verify: %v, want an error that is not a refusal", err)
	}
	if none.Reads(nodeArgon) || !none.NeedsRehash(nodeArgon) {
		t.Error("a hash is readable, or current")
	}
}

func TestArgon2idIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := smallArgon()
		a.Limit = &limit.Limit{Workers: 1, Queue: -1}
		release := hold(a.Limit)
		if _, err := a.Hash(t.Context(), "p"); !errors.Is(err, strategy.ErrBusy) {
			t.Errorf("Hash: %v, want ErrBusy", err)
		}
		if err := a.Verify(t.Context(), nodeArgonUTF8, "p"); !errors.Is(err, strategy.ErrBusy) {
			t.Errorf("Verify: %v, want ErrBusy", err)
		}
		release()
	})
}

func FuzzStoredHash(f *testing.F) {
	f.Add(nodeArgonUTF8)
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add(fromNode[0].hash)
	f.Add("")
	hashers := password.Hashers{
		&password.Argon2id{InsecureFast: true, MemoryKiB: 8, Passes: 1, MaxMemoryKiB: 64, MaxPasses: 3},
		&password.Bcrypt{InsecureFast: true, Cost: 4, MaxCost: 4},
	}
	f.Fuzz(func(t *testing.T, hash string) {
		err := hashers.Verify(t.Context(), hash, "no hash is of this")
		if readable := hashers.Reads(hash) || hash == ""; errors.Is(err, password.ErrBadHash) == readable || errors.Is(err, strategy.ErrUnauthenticated) != readable {
			t.Fatalf("Reads(%q) = %v, Verify: %v", hash, readable, err)
		}
		if !hashers.Reads(hash) && !hashers.NeedsRehash(hash) {
			t.Fatalf("%q is not readable, and needs no rehash", hash)
		}
	})
}
