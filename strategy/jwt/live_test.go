//go:build integration

package jwt_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/subprocess"
	"github.com/seed-6f34412b/passport/strategy/jwt"
)

// TestNodeAcceptsTokensOfGo verifies tokens of an Issuer with npm's jose, by its remote key set, and with
// jsonwebtoken. It needs node and these packages:
//
//	npm ci --prefix strategy/jwt/testdata/interop
func TestNodeAcceptsTokensOfGo(t *testing.T) {
	if _, err := os.Stat("testdata/interop/node_modules/jose"); err != nil {
		t.Fatal("npm's packages are missing: run npm ci --prefix strategy/jwt/testdata/interop")
	}
	keys := keyList(allKeys(t)...)
	server := httptest.NewServer(jwt.KeySetHandler(keys))
	defer server.Close()

	type made struct {
		Alg   jwt.Algorithm `json:"alg"`
		Token string        `json:"token"`
	}
	var tokens []made
	verifiers := 0
	for _, alg := range algorithms {
		i := must(jwt.NewIssuer[jwt.AccessClaims](jwt.IssuerConfig{Keys: keyList(keyOf(t, string(alg), alg)), Issuer: issuer, Audience: []string{audience}}))
		tokens = append(tokens, made{alg, must(i.Issue(t.Context(), "42", jwt.AccessClaims{Scope: "read"}))})
		verifiers += 2
		if alg == jwt.EdDSA || alg == jwt.Ed25519 {
			verifiers-- // jsonwebtoken does not know them
		}
	}
	input := must(json.Marshal(map[string]any{"keySetURL": server.URL, "issuer": issuer, "audience": audience, "tokens": tokens}))
	node := subprocess.Command(t, time.Minute, "node", "testdata/interop/verify.mjs")
	var failure bytes.Buffer
	node.Stdin, node.Stderr = bytes.NewReader(input), &failure
	output, err := node.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, failure.String())
	}
	var answers []struct {
		Alg, By, Error string
		Claims         struct{ Sub, Scope string }
	}
	if err := json.Unmarshal(output, &answers); err != nil {
		t.Fatalf("node printed %s: %v", output, err)
	}
	if len(answers) != verifiers {
		t.Errorf("%d answers, want %d", len(answers), verifiers)
	}
	for _, a := range answers {
		if a.Error != "" || a.Claims.Sub != "42" || a.Claims.Scope != "read" {
			t.Errorf("%s of %s: %q, claims %+v", a.By, a.Alg, a.Error, a.Claims)
		}
	}
}
