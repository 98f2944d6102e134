//go:build integration

package main_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/reliability/figures"
)

var (
	full       = flag.Bool("full", false, "run every scenario at its full size: minutes")
	reportFile = flag.String("report", "", "write the figures to this file, as Markdown")
)

// sized returns the short or the full size.
func sized[T any](short, long T) T {
	if *full {
		return long
	}
	return short
}

// report has what the tests measured.
var report figures.Report

// table begins a table. Tables are sorted by title.
func table(title string, head ...string) (row func(cells ...any)) {
	return report.Table(title, head...)
}

// silent discards go-redis's log lines about the faults that these tests cause.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func TestMain(m *testing.M) {
	flag.Parse()
	redis.SetLogger(silent{})
	if where := os.Getenv(streamsOn); where != "" { // started by TestStreamsEndWithTheirLogIn
		if err := serveStreams(where); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if err := report.Print(*reportFile); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
