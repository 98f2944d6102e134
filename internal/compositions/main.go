// Compositions runs the whole program by random journeys and compares it with a model of what must
// be true, for as long as it is told to:
//
//	go run ./internal/compositions -for 1h
//
// It prints the covering array, how much it ran, and every broken promise as a Go test to paste.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/compositions/journey"
)

func main() {
	duration := flag.Duration("for", time.Minute, "how long to search")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the first journey; the same seed draws the same journeys")
	pairs := flag.Bool("pairs", false, "print the covering array and end")
	flag.Parse()
	printPairs()
	if *pairs {
		return
	}
	// Synthetic time, and random numbers that follow a seed, are for tests alone.
	cmd := exec.CommandContext(context.Background(), "go", "test", "-run=^TestRandomJourneys$", "-count=1", "-timeout=0", "-v", //nolint:gosec // our own numbers
		"github.com/seed-6f34412b/passport/internal/compositions/journey", "-for="+duration.String(), fmt.Sprintf("-seed=%d", *seed))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "compositions:", err)
		os.Exit(1)
	}
}

// printPairs prints the switches in which every pair of values meets.
func printPairs() {
	rows := journey.Pairs()
	fmt.Printf("%d configurations, in which every pair of values of two switches meets:\n\n", len(rows))
	fmt.Println("| " + strings.Join(journey.DimensionNames(), " | ") + " |")
	fmt.Println("|" + strings.Repeat("---|", len(journey.DimensionNames())))
	for _, s := range rows {
		fmt.Println("| " + strings.Join(s.Describe(), " | ") + " |")
	}
	fmt.Println()
}
