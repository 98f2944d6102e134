package parity_test

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// row is the test of one row of the document.
type row struct {
	name string // the option or method, as Node calls it
	test func(*testing.T)
}

// tables are the document's tables, by the name of their test.
var tables = map[string][]row{
	"TestPassport":       passportRows,
	"TestExpressSession": expressSessionRows,
	"TestConnectRedis":   connectRedisRows,
	"TestNest":           nestRows,
}

func TestPassport(t *testing.T)       { runRows(t, passportRows) }
func TestExpressSession(t *testing.T) { runRows(t, expressSessionRows) }
func TestConnectRedis(t *testing.T)   { runRows(t, connectRedisRows) }
func TestNest(t *testing.T)           { runRows(t, nestRows) }

func runRows(t *testing.T, rows []row) {
	for _, r := range rows {
		t.Run(r.name, r.test)
	}
}

// TestEveryRowOfTheDocumentHasItsTest, and every test its row. The last cell of a row names its test:
// `TestNest/LocalGuard`.
func TestEveryRowOfTheDocumentHasItsTest(t *testing.T) {
	left := map[string]bool{} // tests without a row
	for test, rows := range tables {
		for _, r := range rows {
			left[test+"/"+r.name] = true
		}
	}
	total := len(left)
	file, err := os.Open("../../docs/MIGRATING.md")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	inTable := false
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		cells := strings.Split(strings.Trim(lines.Text(), "| "), " | ")
		last := cells[len(cells)-1]
		switch {
		case !strings.HasPrefix(lines.Text(), "|"):
			inTable = false
		case last == "shown by":
			inTable = true
		case inTable && !strings.HasPrefix(lines.Text(), "|--"):
			test := strings.Trim(last, "`")
			if !left[test] {
				t.Errorf("line %d: %s is not a test, or is named twice", number, last)
			}
			if _, name, _ := strings.Cut(test, "/"); !strings.Contains(cells[0], name) {
				t.Errorf("line %d: the row is about %s, its test about %s", number, cells[0], name)
			}
			delete(left, test)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	for test := range left {
		t.Errorf("%s has no row", test)
	}
	t.Logf("%d rows", total)
}
