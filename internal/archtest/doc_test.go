package archtest

import (
	"bytes"
	"testing"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// TestADocumentationIsReadInOneSitting: the output of `go doc -all` for a strategy's package is short.
func TestADocumentationIsReadInOneSitting(t *testing.T) {
	for pkg, limit := range map[string]int{
		"strategy": 450, "strategy/password": 250, "strategy/throttle": 250, "strategy/totp": 250, "strategy/onetime": 250,
		"strategy/remember": 250, "strategy/apikey": 250,
	} {
		cmd := subprocess.Command(t, 0, "go", "doc", "-all", "./"+pkg)
		cmd.Dir = root
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", pkg, err)
		}
		if lines := bytes.Count(out, []byte("\n")); lines == 0 || lines >= limit {
			t.Errorf("%s: the documentation has %d lines, want fewer than %d", pkg, lines, limit)
		}
	}
}
