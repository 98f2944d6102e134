package passkey_test

import (
	"os"
	"strings"
	"testing"
)

// TestTheScriptOfThePageIsTheOneThatIsTested: docs/PASSKEYS.md shows the example's script, without its
// comments.
func TestTheScriptOfThePageIsTheOneThatIsTested(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var code strings.Builder
	for line := range strings.Lines(read("example/passkeys.js")) {
		if !strings.HasPrefix(line, "//") {
			code.WriteString(line)
		}
	}
	if want := "```js\n" + strings.TrimSpace(code.String()) + "\n```"; !strings.Contains(read("../../docs/PASSKEYS.md"), want) {
		t.Errorf("docs/PASSKEYS.md has not got\n%s", want)
	}
}
