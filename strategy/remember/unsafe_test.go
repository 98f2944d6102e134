package remember_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/strategy/remember"
)

// cure matches the part of a mistake that says what to do.
var cure = regexp.MustCompile(`: (use|want|give|drop|choose|name|pass|say|make)\b|: make it by|at least one$|name (it|them) like`)

// TestWhatIsUnsafeDoesNotBuild: each row is one mistake, and the constructor's error names the field and
// what would be safe.
func TestWhatIsUnsafeDoesNotBuild(t *testing.T) {
	const day = 24 * time.Hour
	cells := newCells(t)
	build := func(edit func(*remember.Config)) error {
		cfg := remember.Config{Cells: cells, Secrets: secrets}
		edit(&cfg)
		_, err := remember.New(cfg)
		return err
	}
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"browsers remembered nowhere", build(func(c *remember.Config) { c.Cells = nil }), "Cells is nil"},
		{"cookies that anybody can make up", build(func(c *remember.Config) { c.Secrets = nil }), "Secrets is empty"},
		{"cookies whose secret can be guessed", build(func(c *remember.Config) { c.Secrets = append(c.Secrets, "short") }), "Secrets[1] has 5 bytes"},
		{"browsers remembered for more than 400 days", build(func(c *remember.Config) { c.MaxAge = 400*day + 1 }), "MaxAge is 9600h0m0.000000001s"},
		{"browsers remembered for less than no time", build(func(c *remember.Config) { c.MaxAge = -day }), "MaxAge is -24h"},
		{"browsers remembered in the wrong unit", build(func(c *remember.Config) { c.MaxAge = 30 }), "MaxAge is 30ns"},
		{"stolen cookies that are good for an hour", build(func(c *remember.Config) { c.Grace = time.Hour }), "Grace is 1h0m0s"},
		{"a negative time for tabs", build(func(c *remember.Config) { c.Grace = -1 }), "Grace is -1ns"},
		{"a __Host- cookie over plain http", build(func(c *remember.Config) { c.CookieName, c.InsecureHTTP = "__Host-r", true }), `CookieName "__Host-r" needs the Secure`},
		{"a __Secure- cookie over plain http", build(func(c *remember.Config) { c.CookieName, c.InsecureHTTP = "__SECURE-r", true }), `CookieName "__SECURE-r" needs the Secure`},
		{"a cookie whose name is no token", build(func(c *remember.Config) { c.CookieName = "a;b" }), `CookieName "a;b"`},
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
