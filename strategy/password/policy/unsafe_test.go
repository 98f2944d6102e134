package policy_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/password/policy"
)

// cure matches the part of a mistake that says what to do.
var cure = regexp.MustCompile(`: (use|want|give|drop|choose|name|pass|say|make)\b|: make it by|at least one$|name (it|them) like`)

// TestWhatIsUnsafeDoesNotBuild: each row is one mistake, and the constructor's error names the field and
// what would be safe.
func TestWhatIsUnsafeDoesNotBuild(t *testing.T) {
	build := func(cfg policy.Config) error {
		_, err := policy.New(cfg)
		return err
	}
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"passwords of 7 characters", build(policy.Config{MinLength: 7}), "MinLength is 7"},
		{"passwords of a negative length", build(policy.Config{MinLength: -1}), "MinLength is -1"},
		{"long passwords refused", build(policy.Config{MaxLength: 32}), "MaxLength is 32"},
		{"no password is long enough", build(policy.Config{MinLength: 100}), "MaxLength is 72"},
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
