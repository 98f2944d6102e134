package strategytest_test

import (
	"testing"

	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

func TestRFC9110_11_3_ChallengesAreRecognized(t *testing.T) {
	for _, row := range []struct {
		name, challenge string
		want            bool
	}{
		{"a scheme alone", `Negotiate`, true},
		{"a token68", `Negotiate YIIB+/8_~.-==`, true},
		{"one parameter", `Basic realm="the shop"`, true},
		{"several, quoted and not", `Bearer realm="r", error=invalid_token , scope="a b"`, true},
		{"spaces around the equals sign", "Digest realm = \"r\",\tqop=auth", true},
		{"an escaped quote", `Basic realm="a \"b\" \\"`, true},
		{"other than ASCII in quotes", `Basic realm="Läden"`, true},
		{"nothing", ``, false},
		{"a scheme with a quote", `"Basic" realm="r"`, false},
		{"a space and nothing", `Basic `, false},
		{"two words", `Negotiate a b`, false},
		{"padding alone", `Negotiate ==`, false},
		{"a quote left open", `Basic realm="r`, false},
		{"an escape of nothing", `Basic realm="r\`, false},
		{"a control character in quotes", "Basic realm=\"a\x01\"", false},
		{"an escaped control character", "Basic realm=\"a\\\r\"", false},
		{"no comma between parameters", `Bearer realm="r" error="e"`, false},
		{"a comma at the end", `Bearer realm="r",`, false},
		{"a comma at the beginning", `Bearer , realm="r"`, false},
		{"a parameter without a value", `Bearer realm="r", error=`, false},
		{"a parameter without a name", `Bearer ="r"`, false},
	} {
		if got := strategytest.IsChallenge(row.challenge); got != row.want {
			t.Errorf("%s: %q: got %t, want %t", row.name, row.challenge, got, row.want)
		}
	}
}
