package journey

import (
	"fmt"
	"slices"
)

// dimension is a switch with the names of its values.
type dimension struct {
	name   string
	values []string
	at     func(*Switches) *int
}

// dimensions are all switches.
var dimensions = []dimension{
	{"guards", []string{"one", "two in a session", "two managers"}, func(s *Switches) *int { return &s.Guards }},
	{"stamp", []string{"no", "yes"}, func(s *Switches) *int { return &s.Stamp }},
	{"remember me", []string{"no", "yes", "offered by one process"}, func(s *Switches) *int { return &s.Remember }},
	{"sessions at most", []string{"any", "1", "2"}, func(s *Switches) *int { return &s.Max }},
	{"refuse more", []string{"no", "yes"}, func(s *Switches) *int { return &s.Refuse }},
	{"second factor", []string{"none", "set up", "asked for by pages", "a passkey"}, func(s *Switches) *int { return &s.Factor }},
	{"cookie", []string{"session", "persistent", "rolling"}, func(s *Switches) *int { return &s.Cookie }},
	{"deployment", []string{"same", "another cookie", "another secret first", "another secret"}, func(s *Switches) *int { return &s.Deploy }},
	{"ids", []string{"numbers", "objects with a name", "objects", "numbers first"}, func(s *Switches) *int { return &s.Ids }},
	{"tombstones", []string{"no", "yes"}, func(s *Switches) *int { return &s.Notes }},
	{"SameSite", []string{"Lax", "Strict", "None", "None, Partitioned"}, func(s *Switches) *int { return &s.SameSite }},
	{"Express beside", []string{"no", "passport 0.4", "passport 0.7", "0.7 that keeps sessions"}, func(s *Switches) *int { return &s.Node }},
	{"throttle", []string{"no", "yes", "behind a proxy", "behind one that is not trusted"}, func(s *Switches) *int { return &s.Throttle }},
	{"streams", []string{"no", "yes"}, func(s *Switches) *int { return &s.Streams }},
	{"device-bound", []string{"no", "yes"}, func(s *Switches) *int { return &s.Bound }},
	{"outages", []string{"none", "yes", "failover too", "failover, confirmed writes"}, func(s *Switches) *int { return &s.Outage }},
	{"reads that lag", []string{"no", "yes"}, func(s *Switches) *int { return &s.Lag }},
	{"store", []string{"memory", "Redis", "Redis, reads in a pipeline", "Redis, reads from a replica", "SQLite"}, func(s *Switches) *int { return &s.Store }},
}

// exclusion is a pair of values that cannot meet, and why.
type exclusion struct{ name, value, other, with, why string }

const (
	byConfig = "`guard.New` or `session.New` refuses the two"
	sealed   = "a proof is sealed with the secrets of the process's own cookie, and the other process has others"
)

// excluded are all of them.
var excluded = []exclusion{
	{"device-bound", "yes", "remember me", "yes", byConfig},
	{"device-bound", "yes", "remember me", "offered by one process", byConfig},
	{"device-bound", "yes", "SameSite", "None, Partitioned", byConfig},
	{"device-bound", "yes", "deployment", "another cookie", sealed},
	{"device-bound", "yes", "deployment", "another secret", sealed},
}

// Excluded returns why the value x of the dimension a and the value y of b cannot meet, "" if they can.
func Excluded(a, x, b, y string) string {
	for _, e := range excluded {
		if e == (exclusion{a, x, b, y, e.why}) || e == (exclusion{b, y, a, x, e.why}) {
			return e.why
		}
	}
	return ""
}

// Exclusions returns a row of a table for each.
func Exclusions() (list []string) {
	for _, e := range excluded {
		list = append(list, fmt.Sprintf("| %s: %s | %s: %s | %s |", e.name, e.value, e.other, e.with, e.why))
	}
	return list
}

// apart reports whether value x of dimension a and value y of dimension b cannot meet.
func apart(a, x, b, y int) bool {
	return Excluded(dimensions[a].name, dimensions[a].values[x], dimensions[b].name, dimensions[b].values[y]) != ""
}

// possible reports whether no two values of s are excluded.
func (s Switches) possible() bool {
	list := s.Describe()
	return !slices.ContainsFunc(excluded, func(e exclusion) bool {
		return list[indexOf(e.name)] == e.value && list[indexOf(e.other)] == e.with
	})
}

func indexOf(name string) int {
	return slices.IndexFunc(dimensions, func(d dimension) bool { return d.name == name })
}

// Pairs returns switches such that every pair of values of two dimensions that can meet occurs in one of
// them: a covering array of strength two. It is built greedily: each value is the one that covers the most open pairs.
func Pairs() []Switches {
	type pair struct{ a, x, b, y int }
	open := map[pair]bool{}
	for a := range dimensions {
		for b := a + 1; b < len(dimensions); b++ {
			for x := range dimensions[a].values {
				for y := range dimensions[b].values {
					if !apart(a, x, b, y) {
						open[pair{a, x, b, y}] = true
					}
				}
			}
		}
	}
	var rows []Switches
	for len(open) > 0 {
		var first pair // the least open pair, so that the array is always the same
		found := false
		for p := range open {
			less := p.a < first.a || p.a == first.a && (p.b < first.b || p.b == first.b && (p.x < first.x || p.x == first.x && p.y < first.y))
			if !found || less {
				first, found = p, true
			}
		}
		row := make([]int, len(dimensions))
		for i := range row {
			row[i] = -1
		}
		row[first.a], row[first.b] = first.x, first.y
		for i := range row {
			if row[i] >= 0 {
				continue
			}
			best, most := 0, -1<<30
			for x := range dimensions[i].values {
				n := 0
				for k, y := range row {
					if y >= 0 && apart(i, x, k, y) {
						n = -1 << 20
					}
					if y >= 0 && (k < i && open[pair{k, y, i, x}] || k > i && open[pair{i, x, k, y}]) {
						n++
					}
				}
				if n > most {
					best, most = x, n
				}
			}
			row[i] = best
		}
		var s Switches
		for i, d := range dimensions {
			*d.at(&s) = row[i]
			for k := range i {
				delete(open, pair{k, row[k], i, row[i]})
			}
		}
		rows = append(rows, s)
	}
	return rows
}

// Describe returns the names of the values of s, in the order of DimensionNames.
func (s Switches) Describe() []string {
	list := make([]string, len(dimensions))
	for i, d := range dimensions {
		list[i] = d.values[*d.at(&s)]
	}
	return list
}

// DimensionNames returns the names of all switches.
func DimensionNames() []string {
	list := make([]string, len(dimensions))
	for i, d := range dimensions {
		list[i] = d.name
	}
	return list
}
