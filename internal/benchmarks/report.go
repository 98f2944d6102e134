package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// This program writes the part of the page between these lines; the rest is written by hand.
const (
	beginMark = "<!-- measured: begin -->"
	endMark   = "<!-- measured: end -->"
)

// write writes the results into the page, and the plot next to it.
func (r *run) write(page string) error {
	if t := r.find("read"); t != nil {
		plot := filepath.Join(filepath.Dir(page), "performance.svg")
		if err := os.WriteFile(plot, []byte(t.svg()), 0o644); err != nil {
			return err
		}
	}
	return errors.Join(replace(page, beginMark, endMark, r.measured), r.writeFigures(page))
}

// replace replaces the text between two lines of the page.
func replace(page, begin, end string, measured func(*strings.Builder)) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, also := strings.Cut(rest, end)
	if !ok || !also {
		return fmt.Errorf("%s lacks the lines %s and %s", page, begin, end)
	}
	var b strings.Builder
	measured(&b)
	return os.WriteFile(page, []byte(head+begin+b.String()+end+tail), 0o644)
}

func (r *run) measured(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s\n", filled(fmt.Sprintf("Measured on %s in %s: %s. %d rounds of %v for each stack and workload; a value is the median of the rounds.",
		r.began.UTC().Format("2006-01-02"), time.Since(r.began).Round(time.Second), r.machine(), r.rounds, r.length)))
	b.WriteString(versions())
	for _, t := range r.tables {
		t.markdown(b)
	}
	r.extras(b)
}

func (r *run) find(name string) *table {
	for _, t := range r.tables {
		if t.name == name {
			return t
		}
	}
	return nil
}

// base is the row that counts as 1.00.
func (t *table) base() *row {
	for _, name := range []string{reference, "passport", sqlReference, "sql-passport", "passport-remember"} {
		if w := t.find(name); w != nil {
			return w
		}
	}
	return nil
}

func (t *table) markdown(b *strings.Builder) {
	base := t.base()
	against := "this library = 1.00"
	if base != nil && base.name == reference {
		against = "one GET = 1.00"
	}
	fmt.Fprintf(b, "\n### %s\n\n| stack | requests/s | ratio (%s), middle half of the rounds | p50 | p99 | server CPU | Redis CPU | commands | bytes to and from Redis | allocations | of bytes |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n", t.title, against)
	for _, w := range t.rows {
		ratio, relative := "", ""
		if base != nil && len(w.ratios) > 0 {
			low, high := middle(w.ratios)
			ratio = fmt.Sprintf("%.2f (%.2f to %.2f)", median(w.ratios), low, high)
			relative = fmt.Sprintf(" (%.2f)", w.cpuMicros()/base.cpuMicros())
		}
		objects, size := "", ""
		if w.node == "" {
			objects, size = fmt.Sprintf("%.0f", w.perRequest(float64(w.objects))), fmt.Sprintf("%.0f", w.perRequest(float64(w.bytes)))
		}
		fmt.Fprintf(b, "| %s | %.0f | %s | %s | %s | %.1f us%s | %.1f us | %.2f | %.0f | %s | %s |\n", w.title, median(w.rates), ratio, millis(medianTime(w.p50)), millis(medianTime(w.p99)),
			w.cpuMicros(), relative, w.perRequest(float64(w.redis.Nanoseconds())/1e3), w.perRequest(float64(w.commands)), w.perRequest(float64(w.wire)), objects, size)
	}
	if t.note != "" {
		fmt.Fprintf(b, "\n%s\n", filled(t.note))
	}
}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1e3) }

func (r *run) extras(b *strings.Builder) {
	if len(r.memory) > 0 {
		fmt.Fprintf(b, "\n### Memory of one session\n\n| where | bytes | of which |\n|---|---:|---|\n")
		for _, m := range r.memory {
			fmt.Fprintf(b, "| %s | %.0f | %s |\n", m.title, m.bytes, m.note)
		}
	}
	if len(r.manyRows) > 0 {
		fmt.Fprintf(b, "\n### A user with 1,000 sessions\n\nBeside %d sessions of others. The time is that of one request, the median of %d.\n\n| stack | list of the sessions | commands | log-out everywhere | commands |\n|---|---:|---:|---:|---:|\n", manyOthers, manyRounds)
		for _, m := range r.manyRows {
			fmt.Fprintf(b, "| %s | %s | %d | %s | %d |\n", m.title, millis(m.list[len(m.list)/2]), m.listCommands, millis(m.out[len(m.out)/2]), m.commands)
		}
		b.WriteString("\n" + filled("scs and Express look through the sessions of all users; a request that is still running can write one of them back. gorilla/sessions, gin and Fiber have nothing for it.") + "\n")
	}
	if len(r.growth) > 0 {
		fmt.Fprintf(b, "\n### An authenticated read beside other sessions in Redis\n\n| other sessions | requests/s | p50 | p99 | Redis CPU | memory of Redis |\n|---:|---:|---:|---:|---:|---:|\n")
		for _, g := range r.growth {
			fmt.Fprintf(b, "| %d | %.0f | %s | %s | %.1f us | %d MB |\n", g.sessions, g.rate, millis(g.p50), millis(g.p99), float64(g.redis.Nanoseconds())/1e3, g.memory>>20)
		}
	}
	if len(r.revocations) > 0 {
		text := fmt.Sprintf("A session in use on one process is logged out on another, %d times: how long after the log-out's answer the first one still served it.", revocations)
		fmt.Fprintf(b, "\n### Log-out on another machine\n\n%s\n\n| reads | refused at the first request | median | p99 | longest |\n|---|---:|---:|---:|---:|\n", filled(text))
		for _, v := range r.revocations {
			fmt.Fprintf(b, "| %s | %d | %s | %s | %s |\n", v.title, v.refusedAt, millis(v.times[len(v.times)/2]), millis(v.times[len(v.times)*99/100]), millis(v.times[len(v.times)-1]))
		}
	}
	if len(r.storm) > 0 {
		text := fmt.Sprintf("%d clients log in without a pause, at bcrypt's cost 12 (Express: scrypt of that length), while %d authenticated reads a second go on.", stormClients, stormRate)
		fmt.Fprintf(b, "\n### A storm of log-ins\n\n%s\n\n| server | p99 of a read, quiet | in the storm | reads that failed | log-ins/s | refused/s |\n|---|---:|---:|---:|---:|---:|\n", filled(text))
		for _, s := range r.storm {
			fmt.Fprintf(b, "| %s | %s | %s | %d | %.1f | %.1f |\n", s.title, millis(s.quiet), millis(s.busy), s.failed, s.logIns, s.refused)
		}
	}
}

// svg draws a bar for each stack of t, with the range of the middle half of its rounds.
func (t *table) svg() string {
	const left, width, line = 330, 420, 26
	most := 0.1
	for _, w := range t.rows {
		_, high := middle(w.ratios)
		most = max(most, high)
	}
	var b strings.Builder
	height := len(t.rows)*line + 60
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`+"\n", left+width+80, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/>`+"\n"+`<text x="10" y="22" font-size="15">%s: requests/s, one GET = 1.00</text>`+"\n", t.title)
	for i, w := range t.rows {
		y, fill := 40+i*line, "#9aa5b1"
		if strings.HasPrefix(w.title, "**") {
			fill = "#2f6fb0"
		}
		m := median(w.ratios)
		low, high := middle(w.ratios)
		x := func(v float64) float64 { return left + v/most*width }
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.1f" height="18" fill="%s"/>`, left-8, y+14, strings.ReplaceAll(w.title, "**", ""), left, y, x(m)-left, fill)
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="black"/><text x="%.1f" y="%d">%.2f</text>`+"\n", x(low), x(high), y+9, y+9, x(max(m, high))+6, y+14, m)
	}
	return b.String() + "</svg>\n"
}
