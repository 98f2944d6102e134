package password_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/password/limit"
)

// cure matches the part of a mistake that says what to do.
var cure = regexp.MustCompile(`: (use|want|give|drop|choose|name|pass|say|make)\b|: make it by|at least one$|name (it|them) like`)

// TestWhatIsUnsafeDoesNotBuild: each row is one mistake, and the constructor's error names the field and
// what would be safe.
func TestWhatIsUnsafeDoesNotBuild(t *testing.T) {
	hasher := func(h password.Hasher) error {
		_, err := password.NewCheck(&table{}, password.Config{Hasher: h})
		return err
	}
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"a bcrypt cost that is guessed quickly", hasher(&password.Bcrypt{Cost: 9}), "Cost is 9"},
		{"a bcrypt cost that keeps users waiting", hasher(&password.Bcrypt{Cost: 17}), "Cost is 17"},
		{"a negative bcrypt cost", hasher(&password.Bcrypt{Cost: -1}), "Cost is -1"},
		{"a bcrypt cost below what there is, though for tests", hasher(&password.Bcrypt{Cost: 3, InsecureFast: true}), "Cost is 3"},
		{"stored bcrypt hashes that take an hour", hasher(&password.Bcrypt{MaxCost: 24}), "MaxCost is 24"},
		{"a negative bound of stored bcrypt hashes", hasher(&password.Bcrypt{MaxCost: -1}), "MaxCost is -1"},
		{"Argon2id with little memory", hasher(&password.Argon2id{MemoryKiB: 1024}), "MemoryKiB 1024 and Passes 2"},
		{"Argon2id with memory in MiB", hasher(&password.Argon2id{MemoryKiB: 19}), "MemoryKiB 19"},
		{"Argon2id with one pass over 19 MiB", hasher(&password.Argon2id{Passes: 1}), "MemoryKiB 19456 and Passes 1"},
		{"Argon2id with the memory of a machine", hasher(&password.Argon2id{MemoryKiB: 64 << 20}), "MemoryKiB is 67108864"},
		{"Argon2id with a thousand passes", hasher(&password.Argon2id{Passes: 1000}), "Passes is 1000"},
		{"Argon2id in more lanes than there are cores", hasher(&password.Argon2id{MemoryKiB: 1 << 20, Lanes: 17}), "Lanes is 17"},
		{"stored Argon2id hashes with the memory of a machine", hasher(&password.Argon2id{MaxMemoryKiB: 64 << 20}), "MaxMemoryKiB is 67108864"},
		{"stored Argon2id hashes with a thousand passes", hasher(&password.Argon2id{MaxPasses: 1000}), "MaxPasses is 1000"},
		{"a mistake behind a good hasher", hasher(password.Hashers{&password.Argon2id{}, &password.Bcrypt{Cost: 4}}), "Cost is 4"},
		{"no hashers", hasher(password.Hashers{}), "hashers: empty"},
		{"a hasher that is a nil pointer", hasher((*password.Bcrypt)(nil)), "Hasher is nil"},
		{"a negative number of hashes at work", hasher(&password.Bcrypt{Limit: &limit.Limit{Workers: -1}}), "Workers is -1"},
		{"a queue without end", hasher(&password.Argon2id{Limit: &limit.Limit{Queue: 1 << 30}}), "Queue is 1073741824"},
	} {
		switch {
		case row.err == nil:
			t.Errorf("%s: it is built", row.name)
		case strings.Contains(row.err.Error(), "\n"):
			t.Errorf("%s: got %q, want one mistake", row.name, row.err)
		case !strings.Contains(row.err.Error(), row.want) || !cure.MatchString(row.err.Error()):
			t.Errorf("%s: got %q, want it to say %q and what would be safe", row.name, row.err, row.want)
		}
	}
}

func TestWhatIsSafeBuilds(t *testing.T) {
	for _, h := range []password.Hasher{
		&password.Bcrypt{}, &password.Bcrypt{Cost: 10}, &password.Bcrypt{Cost: 16, MaxCost: 18}, &password.Bcrypt{Cost: 4, InsecureFast: true},
		&password.Argon2id{}, &password.Argon2id{MemoryKiB: 7168, Passes: 5}, &password.Argon2id{MemoryKiB: 47104, Passes: 1}, &password.Argon2id{MemoryKiB: 8, InsecureFast: true},
	} {
		if _, err := password.NewCheck(&table{}, password.Config{Hasher: h}); err != nil {
			t.Errorf("%+v: got %v, want no error", h, err)
		}
	}
}
