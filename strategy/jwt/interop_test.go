package jwt_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/strategy/jwt"
)

// golden is testdata/interop/node.json: tokens that npm's jose and jsonwebtoken made.
type golden struct {
	Accepted []struct{ Name, By, Alg, Typ, Token string }
	Nest     []struct{ Name, Token string }
	Refused  []struct{ Name, Token string }
	KeySet   json.RawMessage
}

func readGolden(t *testing.T) golden {
	t.Helper()
	data, err := os.ReadFile("testdata/interop/node.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// allKeys returns the keys of all algorithms; the strategy finds the key of each token.
func allKeys(t *testing.T) []*jwt.Key {
	var keys []*jwt.Key
	for _, alg := range algorithms {
		keys = append(keys, keyOf(t, string(alg), alg))
	}
	return keys
}

func TestTokensOfNodeAreAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := readGolden(t)
		if len(g.Accepted) < 2*len(algorithms)-2 {
			t.Fatalf("%d tokens are too few", len(g.Accepted))
		}
		for _, r := range g.Accepted {
			cfg := configOf(allKeys(t)...)
			cfg.Types = []string{r.Typ}
			got := present(t, subjects(t, cfg), r.Token)
			if got.user != "42" {
				t.Errorf("%s: got %+v, want the user 42", r.Name, got)
			}
			var others []*jwt.Key
			for _, k := range allKeys(t) {
				if k.Algorithm() != jwt.Algorithm(r.Alg) {
					others = append(others, k)
				}
			}
			cfg.Keys = keyList(others...)
			if got := present(t, subjects(t, cfg), r.Token); got.status != 401 {
				t.Errorf("%s, with keys for all other algorithms: got %+v, want 401", r.Name, got)
			}
		}
	})
}

func TestTokensOfNodeAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := readGolden(t)
		if len(g.Refused) < 10 {
			t.Fatalf("%d tokens are too few", len(g.Refused))
		}
		s := subjects(t, configOf(allKeys(t)...))
		for _, r := range g.Refused {
			if got := present(t, s, r.Token); got.status != 401 {
				t.Errorf("%s: got %+v, want 401", r.Name, got)
			}
		}
	})
}

// A token of Nest's guide has no iss and no aud, and its sub is a number.
func TestTokensOfNestsGuide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := jwt.Config{Keys: keyList(keyOf(t, "", jwt.HS256)), InsecureAnyIssuer: true, InsecureAnyAudience: true, Types: []string{"JWT"}}
		byID := must(jwt.New(cfg, func(_ context.Context, c nest) (string, error) { return c.ID.String() + " " + c.Username, nil }))
		token := readGolden(t).Nest[0].Token
		if got := present(t, byID, token); got.user != "1 joefoo@test.com" {
			t.Errorf("got %+v, want the user of the guide", got)
		}
		if got := present(t, subjects(t, cfg), token); got.status != 401 {
			t.Errorf("with a claims type whose sub is a string: got %+v, want 401", got)
		}
		<-time.After(90 * time.Second)
		if got := present(t, byID, token); got.reason != "jwt: claims: token is expired" {
			t.Errorf("after its 60 s and the leeway: got %+v, want a refusal", got)
		}
	})
}

func TestKeySetOfNodeIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := readGolden(t)
		keys := must(jwt.ParseKeySet(g.KeySet, algorithms[3:]...))
		if got := len(must(keys.Keys(t.Context(), ""))); got != len(algorithms)-3 {
			t.Errorf("%d keys are usable of %d", got, len(algorithms)-3)
		}
		for _, r := range g.Accepted {
			if isSecret(jwt.Algorithm(r.Alg)) {
				continue
			}
			cfg := jwt.Config{Keys: keys, Issuer: issuer, Audience: []string{audience}, Types: []string{r.Typ}}
			if got := present(t, subjects(t, cfg), r.Token); got.user != "42" {
				t.Errorf("%s: got %+v, want the user 42", r.Name, got)
			}
		}
	})
}
