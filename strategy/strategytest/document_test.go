package strategytest_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheDocumentShowsTheCodeThatRuns: each block of Go in docs/STRATEGIES.md is, unchanged, in one of the
// examples here.
func TestTheDocumentShowsTheCodeThatRuns(t *testing.T) {
	document, err := os.ReadFile("../../docs/STRATEGIES.md")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, name := range []string{"example_apikey_test.go", "apikey_test.go", "example_ldap_test.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(text)
	}
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(string(document), -1)
	if len(blocks) != 4 {
		t.Errorf("got %d blocks of Go in the document, want 4", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(code.String(), block[1]) {
			t.Errorf("this block is in no example:\n%s", block[1])
		}
	}
}
