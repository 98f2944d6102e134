package main

import (
	"slices"
	"strings"
	"testing"
)

func TestTheRequirementsCanBeRead(t *testing.T) {
	list, err := parse(requirementsText)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if r.statement == "" || r.duty != "" && len(r.tests) > 0 {
			t.Errorf("%v: want a statement, and tests or a duty", r.sources)
		}
	}
	for _, bad := range []string{"ASVS 1 | a | b", "[s]\nASVS x | a | b", "[s]\nASVS 1 | a", "[s]\nASVS 1 | a | TestX", "\ta: TestX", "[s]\nASVS 1 | a | duty: b\n\ta: TestX"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
}

func TestATestIsFoundByTheNumberInItsName(t *testing.T) {
	for _, row := range []struct {
		source, test string
		want         bool
	}{
		{"ASVS 7.2.3", "TestASVS_7_2_3_IDs", true},
		{"ASVS 7.2.3", "TestASVS_7_2_31_IDs", false},
		{"ASVS 6.2", "TestASVS_6_2_Policy", true},
		{"CVE-2015-5143", "TestDjangoCVE_2015_5143_X", true},
		{"RFC 7617", "TestRFC7617_Basic", true},
		{"RFC 761", "TestRFC7617_Basic", false},
		{"RFC 6265bis", "TestRFC6265bis_5_5_X", true},
		{"S1", "TestS1_X", true},
		{"S1", "TestS10_X", false},
		{"NIST 2.1.3", "TestNIST_2_1_3_X", true},
	} {
		if got := names(row.source, row.test); got != row.want {
			t.Errorf("names(%q, %q): got %t, want %t", row.source, row.test, got, row.want)
		}
	}
}

func TestTheEditionsAreOnThePage(t *testing.T) {
	if got := editions("# a\n> ASVS is 5.0.0.\n>\n[s]\nASVS 1 | a > b |\n> read today\n"); got != "ASVS is 5.0.0.\n\nread today\n" {
		t.Errorf("got %q, want the lines that begin with >", got)
	}
	if text := render(nil); !strings.Contains(text, "OWASP ASVS 5.0.0") || !strings.Contains(text, "2026-") {
		t.Errorf("got %s, want the edition and when it was read", text)
	}
}

func TestTestsOfAllModulesAreFound(t *testing.T) {
	all, _, err := find("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range []string{"guard", "strategy/jwt", "strategy/oidc"} {
		if !slices.ContainsFunc(all, func(t test) bool { return t.pkg == pkg }) {
			t.Errorf("got no test of %s", pkg)
		}
	}
}

func TestGapsAreFound(t *testing.T) {
	list, err := parse("[s]\nASVS 1.1 | has one |\n\ta: TestASVS_1_1_X\nASVS 1.2 | has none |\nASVS 1.3 | names one |\n\ta: TestGone TestSkips\nASVS 1.4 | is another's | duty: theirs")
	if err != nil {
		t.Fatal(err)
	}
	skips := test{"a", "TestSkips"}
	gaps := match(list, []test{{"a", "TestASVS_1_1_X"}, {"b", "TestASVS_1_1_X"}, {"a", "TestASVS_9_9_X"}, skips}, map[test]bool{skips: true})
	for _, want := range []string{"ASVS 1.2: no test", "no test a.TestGone", "a.TestSkips is in a file", "b.TestASVS_1_1_X is in no row", "a.TestASVS_9_9_X is in no row"} {
		if !slices.ContainsFunc(gaps, func(err error) bool { return strings.Contains(err.Error(), want) }) || len(gaps) != 5 {
			t.Errorf("got %v, want five, one of which says %q", gaps, want)
		}
	}
	if text := render(list); !strings.Contains(text, "| ASVS 1.1 | has one | `a.TestASVS_1_1_X` | tests |") || !strings.Contains(text, "is another's | The application's duty: theirs | duty |") {
		t.Errorf("got %s", text)
	}
}

func TestResultsAreReadFromGoTest(t *testing.T) {
	results, err := collect(strings.NewReader(`{"Action":"run","Package":"github.com/seed-6f34412b/passport/a","Test":"TestA"}
{"Action":"pass","Package":"github.com/seed-6f34412b/passport/a","Test":"TestA/sub"}
{"Action":"fail","Package":"github.com/seed-6f34412b/passport/a","Test":"TestA"}
{"Action":"pass","Package":"github.com/seed-6f34412b/passport/a"}
`))
	if err != nil || len(results) != 1 || results[test{"a", "TestA"}] != "fail" {
		t.Errorf("got %v and %v, want TestA failed", results, err)
	}
}
