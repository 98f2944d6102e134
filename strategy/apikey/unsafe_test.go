package apikey_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/apikey"
)

// cure matches the part of a mistake that says what to do.
var cure = regexp.MustCompile(`: (use|give|choose|pass)\b`)

// TestWhatIsUnsafeDoesNotBuild: each row is one mistake, and the constructor's error names the field and
// what would be safe.
func TestWhatIsUnsafeDoesNotBuild(t *testing.T) {
	db := newTable()
	build := func(edit func(*apikey.Config)) error {
		cfg := apikey.Config{Prefix: "shop"}
		edit(&cfg)
		_, err := apikey.New(cfg, db.find)
		return err
	}
	headers := func(name string) error { return build(func(c *apikey.Config) { c.Headers = []string{name} }) }
	keys := func(prefix string) error {
		_, err := apikey.NewKeys(prefix, db)
		return err
	}
	_, noTable := apikey.NewKeys("shop", (*table)(nil))
	_, noFind := apikey.New[*robot](apikey.Config{Prefix: "shop"}, nil)
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"keys without a prefix", build(func(c *apikey.Config) { c.Prefix = "" }), `Prefix: the prefix is ""`},
		{"a prefix in capitals", build(func(c *apikey.Config) { c.Prefix = "Shop" }), `the prefix is "Shop"`},
		{"a prefix with a hyphen", keys("shop-test"), `the prefix is "shop-test"`},
		{"a prefix of one letter", keys("s"), `the prefix is "s"`},
		{"a prefix that ends in an underscore", keys("shop_"), `the prefix is "shop_"`},
		{"a prefix of 21 characters", keys(strings.Repeat("s", 21)), "the prefix is"},
		{"keys kept nowhere", noTable, "the table is nil"},
		{"keys that nobody finds", noFind, "find is nil"},
		{"keys in cookies", headers("Cookie"), `Headers has "Cookie"`},
		{"a whole Authorization header", headers("authorization"), `Headers has "authorization"`},
		{"a header that is none", headers("X API Key"), `Headers has "X API Key"`},
		{"a scheme that browsers answer", build(func(c *apikey.Config) { c.Scheme = "basic" }), `Scheme is "basic"`},
		{"a scheme that is none", build(func(c *apikey.Config) { c.Scheme = "Api Key" }), `Scheme is "Api Key"`},
		{"a realm that ends the header", build(func(c *apikey.Config) { c.Realm = "a\r\nb" }), "Realm is"},
		{"the session's name", build(func(c *apikey.Config) { c.Name = "session" }), `Name "session" is reserved`},
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
