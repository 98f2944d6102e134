package strategy_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/strategy"
)

// cure matches the part of a mistake that says what to do.
var cure = regexp.MustCompile(`: (use|want|give|drop|choose|name|pass|say|make)\b|: make it by|at least one$|name (it|them) like`)

// TestWhatIsUnsafeDoesNotBuild: each row is one mistake, and the constructor's error names the field and
// what would be safe.
func TestWhatIsUnsafeDoesNotBuild(t *testing.T) {
	local := func(cfg strategy.LocalConfig) error {
		_, err := strategy.NewLocalWith(cfg, accept)
		return err
	}
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"a body without end", local(strategy.LocalConfig{MaxBody: 1 << 40}), "MaxBody is 1099511627776"},
		{"a body of less than nothing", local(strategy.LocalConfig{MaxBody: -1}), "MaxBody is -1"},
		{"one field for both credentials", local(strategy.LocalConfig{EmailField: "x", PasswordField: "x"}), `EmailField "x" and PasswordField "x" overlap`},
		{"a field that cannot be named", local(strategy.LocalConfig{EmailField: "user["}), `EmailField "user["`},
		{"the session's name", local(strategy.LocalConfig{Name: "session"}), `Name "session" is reserved`},
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
