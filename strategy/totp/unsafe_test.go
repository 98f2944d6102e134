package totp_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/strategy/totp"
)

// cure matches the part of a mistake that says what to do.
var cure = regexp.MustCompile(`: (use|want|give|drop|choose|name|pass|say|make)\b|: make it by|at least one$|name (it|them) like`)

// TestWhatIsUnsafeDoesNotBuild: each row is one mistake, and the constructor's error names the field and
// what would be safe.
func TestWhatIsUnsafeDoesNotBuild(t *testing.T) {
	cells := newCells(t)
	build := func(edit func(*totp.CodesConfig)) error {
		cfg := totp.CodesConfig{Cells: cells, Issuer: "Shop"}
		edit(&cfg)
		_, err := totp.NewCodes(cfg)
		return err
	}
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"authenticator codes that can be used twice", build(func(c *totp.CodesConfig) { c.Cells = nil }), "Cells is nil"},
		{"authenticator codes of nobody", build(func(c *totp.CodesConfig) { c.Issuer = "" }), `Issuer is ""`},
		{"authenticator codes of 4 digits", build(func(c *totp.CodesConfig) { c.Digits = 4 }), "Digits is 4"},
		{"authenticator codes of 7 digits", build(func(c *totp.CodesConfig) { c.Digits = 7 }), "Digits is 7"},
		{"authenticator codes of a negative length", build(func(c *totp.CodesConfig) { c.Digits = -6 }), "Digits is -6"},
		{"authenticator codes that last an hour", build(func(c *totp.CodesConfig) { c.Period = time.Hour }), "Period is 1h0m0s"},
		{"authenticator codes that nobody can type", build(func(c *totp.CodesConfig) { c.Period = time.Second }), "Period is 1s"},
		{"authenticator codes of a negative period", build(func(c *totp.CodesConfig) { c.Period = -30 * time.Second }), "Period is -30s"},
		{"authenticator codes of a fraction of a second", build(func(c *totp.CodesConfig) { c.Period = 30500 * time.Millisecond }), "Period is 30.5s"},
		{"eleven authenticator codes at once", build(func(c *totp.CodesConfig) { c.Drift, c.Period = 5, 15*time.Second }), "Drift is 5"},
		{"authenticator codes that are good for minutes", build(func(c *totp.CodesConfig) { c.Drift, c.Period = 3, time.Minute }), "Drift is 3"},
		{"authenticator codes of an unknown hash", build(func(c *totp.CodesConfig) { c.Hash = 9 }), "Hash 9"},
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
