package onetime_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy/onetime"
)

// cure matches the part of a mistake that says what to do.
var cure = regexp.MustCompile(`: (use|want|give|drop|choose|name|pass|say|make)\b|: make it by|at least one$|name (it|them) like`)

// TestWhatIsUnsafeDoesNotBuild: each row is one mistake, and the constructor's error names the field and
// what would be safe.
func TestWhatIsUnsafeDoesNotBuild(t *testing.T) {
	const day = 24 * time.Hour
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	build := func(edit func(*onetime.Config)) error {
		cfg := onetime.Config{Tokens: memory.Tokens, Purpose: "log-in"}
		edit(&cfg)
		_, err := onetime.New(cfg)
		return err
	}
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"one-time tokens kept nowhere", build(func(c *onetime.Config) { c.Tokens = nil }), "Tokens is nil"},
		{"one-time tokens for everything", build(func(c *onetime.Config) { c.Purpose = "" }), "Purpose is empty"},
		{"one-time tokens for a week", build(func(c *onetime.Config) { c.TTL = 7 * day }), "TTL is 168h"},
		{"one-time tokens that never expire", build(func(c *onetime.Config) { c.TTL = -1 }), "TTL is -1ns"},
		{"one-time tokens in the wrong unit", build(func(c *onetime.Config) { c.TTL = 600 }), "TTL is 600ns"},
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
