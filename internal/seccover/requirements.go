package main

import (
	"bufio"
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed requirements.txt
var requirementsText string

// requirement is one line of requirements.txt.
type requirement struct {
	section   string
	sources   []string
	statement string
	tests     []test
	duty      string // what the application must do; empty if tests show it
}

var source = regexp.MustCompile(`^(ASVS \d+(\.\d+)*|NIST \d+(\.\d+)*|RFC \d+(bis)?|CVE-\d+-\d+|S\d+)$`)

// editions returns the lines of requirements.txt that begin with ">": which texts were used, and when they
// were read.
func editions(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if said, ok := strings.CutPrefix(line, ">"); ok {
			b.WriteString(strings.TrimSpace(said) + "\n")
		}
	}
	return b.String()
}

// parse reads requirements.txt.
func parse(text string) ([]requirement, error) {
	var list []requirement
	section := ""
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		if below, ok := strings.CutPrefix(lines.Text(), "\t"); ok {
			pkg, names, ok := strings.Cut(below, ":")
			if !ok || len(list) == 0 || list[len(list)-1].duty != "" {
				return nil, fmt.Errorf("requirements.txt:%d: want a package's folder, a colon and tests, below a requirement that is not a duty", n)
			}
			r := &list[len(list)-1]
			for name := range strings.FieldsSeq(names) {
				r.tests = append(r.tests, test{pkg, name})
			}
			continue
		}
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#' || line[0] == '>':
			continue
		case line[0] == '[':
			section = strings.Trim(line, "[]")
			continue
		}
		parts := strings.Split(line, "|")
		if len(parts) != 3 || section == "" {
			return nil, fmt.Errorf("requirements.txt:%d: want a section, and sources | statement | what shows it", n)
		}
		r := requirement{section: section, statement: strings.TrimSpace(parts[1])}
		for s := range strings.SplitSeq(parts[0], ";") {
			if s = strings.TrimSpace(s); !source.MatchString(s) {
				return nil, fmt.Errorf("requirements.txt:%d: %q is not a source", n, s)
			}
			r.sources = append(r.sources, s)
		}
		shown := strings.TrimSpace(parts[2])
		if duty, ok := strings.CutPrefix(shown, "duty:"); ok {
			r.duty = strings.TrimSpace(duty)
		} else if shown != "" {
			return nil, fmt.Errorf("requirements.txt:%d: %q is not a duty: name tests on lines of their own", n, shown)
		}
		list = append(list, r)
	}
	return list, lines.Err()
}

// names reports whether a test's name contains the source's number.
func names(source, test string) bool {
	kind, number, ok := strings.Cut(source, " ")
	switch {
	case !ok && strings.HasPrefix(source, "CVE-"):
		return strings.Contains(test, strings.ReplaceAll(source, "-", "_")+"_")
	case !ok: // such as S8
		return strings.HasPrefix(test, "Test"+source+"_")
	case kind == "RFC":
		return strings.HasPrefix(test, "TestRFC"+number+"_")
	}
	return strings.HasPrefix(test, "Test"+kind+"_"+strings.ReplaceAll(number, ".", "_")+"_")
}

// claims reports whether a test's name names a requirement of a standard.
func claims(test string) bool {
	return strings.HasPrefix(test, "TestASVS_") || strings.HasPrefix(test, "TestNIST_") || strings.Contains(test, "CVE_")
}
