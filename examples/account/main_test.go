package main_test

import (
	"os"
	"strings"
	"testing"

	main "github.com/seed-6f34412b/passport/examples/account"
	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// TestItRefusesToShowSecrets to other machines: passwords over plain http, or everybody's mails.
func TestItRefusesToShowSecrets(t *testing.T) {
	for name, args := range map[string][]string{
		"every address, by http":            {"-addr", "0.0.0.0:0"},
		"a proxy, without a mail server":    {"-addr", "127.0.0.1:0", "-url", "https://app.example", "-secret", "0123456789012345678901234567890123456789"},
		"a proxy, without a secret":         {"-addr", "127.0.0.1:0", "-url", "https://app.example", "-smtp", "smtp://localhost:25"},
		"a proxy that speaks http":          {"-addr", "127.0.0.1:0", "-url", "http://app.example", "-smtp", "smtp://localhost:25", "-secret", "0123456789012345678901234567890123456789"},
		"another name for this machine":     {"-addr", "127.0.0.1:0", "-url", "http://app.localhost:3000"},
		"a certificate without its key":     {"-addr", "127.0.0.1:0", "-tls-cert", "cert.pem"},
		"a key without its certificate":     {"-addr", "127.0.0.1:0", "-tls-key", "key.pem"},
		"a certificate that is not there":   {"-addr", "127.0.0.1:0", "-tls-cert", "no.pem", "-tls-key", "no.pem"},
		"an address without a host":         {"-addr", "127.0.0.1:0", "-url", "https://"},
		"an address of another kind":        {"-addr", "127.0.0.1:0", "-url", "ftp://localhost"},
		"an address with a path":            {"-addr", "127.0.0.1:0", "-url", "https://app.example/account"},
		"a flag that is none":               {"-addr", "127.0.0.1:0", "account"},
		"a slash in the mail's password":    {"-addr", "localhost:0", "-smtp", "smtp://joe:1/hidden@localhost:25"},
		"a mail server that is not a URL":   {"-addr", "localhost:0", "-smtp", "localhost:25"},
		"a secret that is easy to guess":    {"-addr", "localhost:0", "-secret", "secret"},
		"a database that cannot be reached": {"-addr", "localhost:0", "-db", "/nowhere/account.db"},
		"a Redis that cannot be reached":    {"-addr", "localhost:0", "-redis", "redis://joe:hidden@127.0.0.1:1?max_retries=-1"},
	} {
		err := main.Run(t.Context(), func(string) { t.Errorf("%s: it started", name) }, args...)
		if err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: got error %v, want one without a password", name, err)
		}
	}
}

// TestHelpShowsNoSecret of the environment.
func TestHelpShowsNoSecret(t *testing.T) {
	if os.Getenv("HELP") != "" {
		os.Args = []string{"account", "-h"}
		main.Main() // exits
	}
	help := subprocess.Command(t, 0, os.Args[0], "-test.run", "^TestHelpShowsNoSecret$")
	help.Env = append(os.Environ(), "HELP=1")
	for _, name := range []string{"DATABASE_URL", "REDIS_URL", "SESSION_SECRET", "SMTP_URL", "CLIENT_SECRET"} {
		help.Env = append(help.Env, name+"=hidden")
	}
	out, err := help.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "$SESSION_SECRET") || strings.Contains(string(out), "hidden") {
		t.Errorf("got %v: %s, want the flags without values of the environment", err, out)
	}
}
