package passkey_test

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/strategy/passkey"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

func TestNewNamesEveryMistake(t *testing.T) {
	_, err := passkey.New(passkey.Config[*User]{
		Name: "session", RPID: "https://shop.example", Secrets: []string{"short"}, FreshFor: -1, MaxPerUser: -1, Timeout: time.Hour,
		Once:   (*throttle.MemoryCounter)(nil),
		Policy: passkey.Policy{UserVerification: "always", ResidentKey: "never", Algorithms: []passkey.Algorithm{-65535}, Roots: []*x509.Certificate{}},
	})
	for _, want := range []string{
		`Name "session"`, "RPName", `RPID "https://shop.example"`, "Origins is empty", "Secrets[0] has 5 bytes", "Credentials is nil", "Account is nil",
		"FreshFor is -1ns", "MaxPerUser is -1", "Timeout is 1h0m0s", `UserVerification "always"`, `ResidentKey "never"`, "Algorithms has -65535", "Roots has no certificate",
		"Once is a nil pointer",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant it to name %q", err, want)
		}
	}
}

func TestOriginsAndRPIDGoTogether(t *testing.T) {
	for _, row := range []struct {
		name, rpID string
		origins    []string
		related    []string
		want       string // part of the error; empty for none
	}{
		{"the site itself", "shop.example", []string{"https://shop.example"}, nil, ""},
		{"one below it, and a port", "shop.example", []string{"https://login.shop.example:8443", "https://shop.example"}, nil, ""},
		{"localhost", "localhost", []string{"http://localhost:3000", "http://app.localhost"}, nil, ""},
		{"an Android application", "shop.example", []string{"https://shop.example", "android:apk-key-hash:7d1043473d55bfa90e8530d35801d4e381bc69f0"}, nil, ""},
		{"other domains", "shop.example", []string{"https://shop.example"}, []string{"https://shop.test", "https://www.shop.test"}, ""},
		{"another site", "shop.example", []string{"https://evil.example"}, nil, "is not at RPID"},
		{"a name that ends alike", "shop.example", []string{"https://bookshop.example"}, nil, "is not at RPID"},
		{"one above it", "login.shop.example", []string{"https://shop.example"}, nil, "is not at RPID"},
		{"http", "shop.example", []string{"http://shop.example"}, nil, "is not https"},
		{"a path", "shop.example", []string{"https://shop.example/"}, nil, "write it as a browser does"},
		{"capitals", "shop.example", []string{"https://Shop.example"}, nil, "write it as a browser does"},
		{"a default port", "shop.example", []string{"https://shop.example:443"}, nil, "write it as a browser does"},
		{"a port that is none", "shop.example", []string{"https://shop.example:"}, nil, "write it as a browser does"},
		{"a pattern", "shop.example", []string{"https://*.shop.example"}, nil, "no browser is at this origin"},
		{"letters that browsers write in others", "shop.example", []string{"https://bücher.shop.example"}, nil, "no browser is at this origin"},
		{"a name with an empty part", "shop.example", []string{"https://a..shop.example"}, nil, "no browser is at this origin"},
		{"a dot at the end", "shop.example", []string{"https://shop.example."}, nil, "no browser is at this origin"},
		{"a port with a zero", "shop.example", []string{"https://shop.example:08443"}, nil, "no browser is at this origin"},
		{"a port that is too large", "shop.example", []string{"https://shop.example:70000"}, nil, "no browser is at this origin"},
		{"a related origin with a pattern", "shop.example", []string{"https://shop.example"}, []string{"https://*.shop.test"}, "no browser is at this origin"},
		{"a user", "shop.example", []string{"https://joe@shop.example"}, nil, "write it as a browser does"},
		{"a host alone", "shop.example", []string{"shop.example"}, nil, "write it as a browser does"},
		{"null", "shop.example", []string{"null"}, nil, "write it as a browser does"},
		{"an address", "127.0.0.1", []string{"http://127.0.0.1:3000"}, nil, "give a domain in lower case"},
		{"a top-level domain", "example", []string{"https://shop.example"}, nil, "give a domain in lower case"},
		{"RPID in capitals", "Shop.example", []string{"https://shop.example"}, nil, "give a domain in lower case"},
		{"RPID with a port", "shop.example:443", []string{"https://shop.example"}, nil, "give a domain in lower case"},
		{"a related origin that is none", "shop.example", []string{"https://shop.example"}, []string{"https://www.shop.example"}, "list it in Origins"},
		{"six other names", "shop.example", []string{"https://shop.example"}, []string{"https://a.test", "https://b.test", "https://c.test", "https://d.test", "https://e.test", "https://f.test"}, "RelatedOrigins: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			cfg := config(&world{table: &table{}})
			cfg.RPID, cfg.Origins, cfg.RelatedOrigins = row.rpID, row.origins, row.related
			_, err := passkey.New(cfg)
			if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}

func TestNoSecretIsPrintedWithTheStrategy(t *testing.T) {
	w := newWorld(t)
	if text := fmt.Sprintf("%+v", w.passkeys); strings.Contains(text, cookieSecret) {
		t.Errorf("got %s", text)
	}
}
