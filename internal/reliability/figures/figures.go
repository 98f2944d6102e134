// Package figures collects what tests measure, as tables for docs/RELIABILITY.md.
package figures

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Report is a set of tables, ordered by title. Its zero value is empty. It is safe for concurrent use.
type Report struct {
	mu    sync.Mutex
	heads map[string][]string
	rows  map[string][][]string
}

// Table begins a table. Tables are sorted by title.
func (r *Report) Table(title string, head ...string) (row func(cells ...any)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.heads == nil {
		r.heads, r.rows = map[string][]string{}, map[string][][]string{}
	}
	r.heads[title] = head
	return func(cells ...any) {
		texts := make([]string, len(cells))
		for i, c := range cells {
			if d, ok := c.(time.Duration); ok {
				c = d.Round(time.Millisecond)
			}
			texts[i] = fmt.Sprint(c)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.rows[title] = append(r.rows[title], texts)
	}
}

// Markdown returns all tables.
func (r *Report) Markdown() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	titles := make([]string, 0, len(r.heads))
	for title := range r.heads {
		titles = append(titles, title)
	}
	slices.Sort(titles)
	for _, title := range titles {
		head := r.heads[title]
		fmt.Fprintf(&b, "### %s\n\n| %s |\n|%s\n", title, strings.Join(head, " | "), strings.Repeat("---|", len(head)))
		for _, cells := range r.rows[title] {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// Print prints all tables, and writes them to the named file unless name is empty.
func (r *Report) Print(name string) error {
	text := r.Markdown()
	fmt.Print(text)
	if name == "" {
		return nil
	}
	return os.WriteFile(name, []byte(text), 0o600)
}
