package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// figures are the figures in the page's summary and in README.md. All come from the tables of one run.
type figures struct {
	*run
	missing []string
}

// row returns a stack's row in a table. If there is none, it notes that and returns an empty row.
func (f *figures) row(table, name string) *row {
	if t := f.find(table); t != nil {
		if w := t.find(name); w != nil {
			return w
		}
	}
	f.missing = append(f.missing, table+"/"+name)
	return &row{}
}

func (f *figures) rate(table, name string) float64 { return median(f.row(table, name).rates) }

func (f *figures) ratio(table, name string) float64 { return median(f.row(table, name).ratios) }

// cpu is the server CPU per request of one stack, divided by that of another.
func (f *figures) cpu(table, name, of string) float64 {
	return f.row(table, name).cpuMicros() / f.row(table, of).cpuMicros()
}

// against is the rate of one stack divided by that of another: the median of the rounds.
func (f *figures) against(table, name, other string) float64 {
	a, b := f.row(table, name), f.row(table, other)
	var ratios []float64
	for i := range min(len(a.rates), len(b.rates)) {
		ratios = append(ratios, a.rates[i]/b.rates[i])
	}
	return median(ratios)
}

// The generated summary and aims of the page lie between these lines.
const (
	summaryBeginMark = "<!-- figures: begin -->"
	summaryEndMark   = "<!-- figures: end -->"
	aimsBeginMark    = "<!-- aims: begin -->"
	aimsEndMark      = "<!-- aims: end -->"
)

// writeFigures writes the summary, the aims and README's row, if the run has every table that they need.
func (r *run) writeFigures(page string) error {
	f := &figures{run: r}
	var summary, aims strings.Builder
	f.summary(&summary)
	f.aims(&aims)
	cells := f.readmeCells()
	if len(f.missing) > 0 {
		slices.Sort(f.missing)
		fmt.Printf("The summary, the aims and README's line stay as they are; this run lacks %s\n", strings.Join(slices.Compact(f.missing), ", "))
		return nil
	}
	for _, part := range []struct{ begin, end, text string }{
		{summaryBeginMark, summaryEndMark, summary.String()},
		{aimsBeginMark, aimsEndMark, aims.String()},
	} {
		if err := replace(page, part.begin, part.end, func(b *strings.Builder) { b.WriteString(part.text) }); err != nil {
			return err
		}
	}
	return replaceRow(filepath.Join(filepath.Dir(page), "..", "README.md"), "| requests/s of a guarded read", cells)
}

// replaceRow replaces all cells but the first in the row of a table that starts with begin. Exactly one line
// must start so.
func replaceRow(file, begin string, cells []string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	lines, n := strings.Split(string(text), "\n"), 0
	for i, line := range lines {
		if strings.HasPrefix(line, begin) {
			first, _, _ := strings.Cut(line[1:], "|")
			lines[i] = "|" + first + "| " + strings.Join(cells, " | ") + " |"
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("%s has %d lines that begin with %q, not one", file, n, begin)
	}
	return os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644)
}

// readmeCells are the cells of README's row: this library, scs, gorilla/sessions.
func (f *figures) readmeCells() []string {
	return []string{
		fmt.Sprintf("%.2f; %.2f where each read goes alone", f.ratio("read", "passport"), f.ratio("read", "passport-alone")),
		fmt.Sprintf("%.2f, with idle timeout %.2f", f.ratio("read", "scs"), f.ratio("read", "scs-idle")),
		fmt.Sprintf("%.2f (rbcervilla), %.2f (boj)", f.ratio("read", "rbcervilla"), f.ratio("read", "boj")),
	}
}

// summary writes the summary at the top of the page.
func (f *figures) summary(b *strings.Builder) {
	text := fmt.Sprintf("**An authenticated read is one `GET` to Redis, and under load a part of an `MGET`.** It takes %.0f us of "+
		"CPU in the server, where `net/http` with one `GET` takes %.0f; if each read goes alone, %.0f. On two cores, with "+
		"the server, Redis and the load on them:",
		f.row("read", "passport").cpuMicros(), f.row("read", reference).cpuMicros(), f.row("read", "passport-alone").cpuMicros())
	fmt.Fprintf(b, "\n%s\n\n", filled(text))
	fmt.Fprintf(b, "| | requests/s | of net/http with one `GET` |\n|---|---:|---:|\n")
	for _, line := range []struct{ title, name, second string }{
		{"this library, as it comes: under load, reads go together", "passport", ""},
		{"the same with `RedisConfig.NoBatches`: each read alone", "passport-alone", ""},
		{"with Redis's client-side cache", "passport-cache", ""},
		{"scs; with idle timeout", "scs", "scs-idle"},
		{"gorilla/sessions: rbcervilla; boj", "rbcervilla", "boj"},
		{"Fiber v3 session; gin sessions", "fiber", "gin"},
		{"Express with Passport", "express", ""},
	} {
		rate, ratio := thousands(f.rate("read", line.name)), fmt.Sprintf("%.2f", f.ratio("read", line.name))
		if line.second != "" {
			rate += "; " + thousands(f.rate("read", line.second))
			ratio += fmt.Sprintf("; %.2f", f.ratio("read", line.second))
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", line.title, rate, ratio)
	}
	text = fmt.Sprintf("A log-in and a log-out together run at %.2f times the rate of scs and %.2f times that of Fiber, a write "+
		"at %.2f and %.2f times.",
		f.against("login", "passport", "scs"), f.against("login", "passport", "fiber"), f.against("write", "passport", "scs"), f.against("write", "passport", "fiber"))
	fmt.Fprintf(b, "\n%s\n", filled(text))
}

// thousands formats v as a whole number with commas.
func thousands(v float64) string {
	text := fmt.Sprintf("%.0f", v)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
