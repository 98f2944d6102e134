//go:build integration

package main_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	full       = flag.Bool("full", false, "run every scenario at its full size: minutes")
	reportFile = flag.String("report", "", "write the figures to this file, as Markdown")
)

// sized returns the full size or the short one.
func sized[T any](short, long T) T {
	if *full {
		return long
	}
	return short
}

// report is what the tests measured: tables by title, in the order of the titles.
var report struct {
	sync.Mutex
	heads map[string][]string
	rows  map[string][][]string
}

// table begins a table. Its title sorts it among the others.
func table(title string, head ...string) (row func(cells ...any)) {
	report.Lock()
	defer report.Unlock()
	if report.heads == nil {
		report.heads, report.rows = map[string][]string{}, map[string][][]string{}
	}
	report.heads[title] = head
	return func(cells ...any) {
		texts := make([]string, len(cells))
		for i, c := range cells {
			if d, ok := c.(time.Duration); ok {
				c = d.Round(time.Millisecond)
			}
			texts[i] = fmt.Sprint(c)
		}
		report.Lock()
		defer report.Unlock()
		report.rows[title] = append(report.rows[title], texts)
	}
}

// markdown returns all tables.
func markdown() string {
	report.Lock()
	defer report.Unlock()
	var b strings.Builder
	titles := make([]string, 0, len(report.heads))
	for title := range report.heads {
		titles = append(titles, title)
	}
	slices.Sort(titles)
	for _, title := range titles {
		head := report.heads[title]
		fmt.Fprintf(&b, "### %s\n\n| %s |\n|%s\n", title, strings.Join(head, " | "), strings.Repeat("---|", len(head)))
		for _, cells := range report.rows[title] {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// silent takes go-redis's remarks about the faults that are made here.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func TestMain(m *testing.M) {
	flag.Parse()
	redis.SetLogger(silent{})
	code := m.Run()
	text := markdown()
	fmt.Print(text)
	if *reportFile != "" {
		if err := os.WriteFile(*reportFile, []byte(text), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}
