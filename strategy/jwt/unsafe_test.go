package jwt_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/strategy/jwt"
)

// TestWhatIsUnsafeDoesNotBuild: each row is one mistake, and the error of the constructor names the field.
func TestWhatIsUnsafeDoesNotBuild(t *testing.T) {
	verify := func(edit func(*jwt.Config)) error {
		cfg := configOf(keyOf(t, "", jwt.HS256))
		edit(&cfg)
		_, err := jwt.New(cfg, nobody)
		return err
	}
	issue := func(edit func(*jwt.IssuerConfig)) error {
		cfg := jwt.IssuerConfig{Keys: keyList(keyOf(t, "", jwt.HS256)), Issuer: issuer, Audience: []string{audience}}
		edit(&cfg)
		_, err := jwt.NewIssuer[jwt.AccessClaims](cfg)
		return err
	}
	remote := func(edit func(*jwt.RemoteConfig)) error {
		cfg := jwt.RemoteConfig{URL: "https://id.example/jwks.json", Algorithms: []jwt.Algorithm{jwt.ES256}}
		edit(&cfg)
		_, err := jwt.NewRemoteKeys(cfg)
		return err
	}
	_, short := jwt.NewSecret("", jwt.HS256, []byte("short"))
	_, empty := jwt.NewSecret("", jwt.HS256, nil)
	_, none := jwt.NewSecret("", "none", []byte(strings.Repeat("k", 32)))
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"a short secret", short, "32"},
		{"an empty secret", empty, "32"},
		{"no signature", none, "none"},
		{"any issuer", verify(func(c *jwt.Config) { c.Issuer = "" }), "Issuer is empty"},
		{"any audience", verify(func(c *jwt.Config) { c.Audience = nil }), "Audience is empty"},
		{"clocks that are an hour apart", verify(func(c *jwt.Config) { c.Leeway = time.Hour }), "Leeway is 1h0m0s"},
		{"tokens of a gigabyte", verify(func(c *jwt.Config) { c.MaxBytes = 1 << 30 }), "MaxBytes is 1073741824"},
		{"a cookie that any sub-domain can set", verify(func(c *jwt.Config) { c.Cookie = "token" }), `Cookie "token"`},
		{"the name of remembered log-ins", verify(func(c *jwt.Config) { c.Name = "remember" }), `Name "remember" is reserved`},
		{"tokens for a year", issue(func(c *jwt.IssuerConfig) { c.Lifetime = 365 * 24 * time.Hour }), "Lifetime is 8760h0m0s"},
		{"tokens in the wrong unit", issue(func(c *jwt.IssuerConfig) { c.Lifetime = 300 }), "Lifetime is 300ns"},
		{"tokens for everybody", issue(func(c *jwt.IssuerConfig) { c.Audience = nil }), "Audience is empty"},
		{"keys over plain http", remote(func(c *jwt.RemoteConfig) { c.URL = "http://id.example/jwks.json" }), "URL is http"},
		{"a password in the keys' address", remote(func(c *jwt.RemoteConfig) { c.URL = "https://joe:x@id.example/" }), "URL has a password"},
		{"keys for secrets", remote(func(c *jwt.RemoteConfig) { c.Algorithms = []jwt.Algorithm{jwt.HS256} }), "Algorithms"},
		{"keys that are never fetched again", remote(func(c *jwt.RemoteConfig) { c.RefreshAfter = 365 * 24 * time.Hour }), "RefreshAfter is 8760h0m0s"},
		{"withdrawn keys that live for a year", remote(func(c *jwt.RemoteConfig) { c.StaleFor = 365 * 24 * time.Hour }), "StaleFor is 8760h0m0s"},
		{"new keys that wait for a day", remote(func(c *jwt.RemoteConfig) { c.MinInterval = 24 * time.Hour }), "MinInterval is 24h0m0s"},
		{"an outage that hangs for an hour", remote(func(c *jwt.RemoteConfig) { c.Timeout = time.Hour }), "Timeout is 1h0m0s"},
		{"keys of a gigabyte", remote(func(c *jwt.RemoteConfig) { c.MaxBytes = 1 << 30 }), "MaxBytes is 1073741824"},
	} {
		if row.err == nil || !strings.Contains(row.err.Error(), row.want) || strings.Contains(row.err.Error(), "\n") {
			t.Errorf("%s: got %v, want one mistake with %q in it", row.name, row.err, row.want)
		}
	}
}
