package main

import (
	"fmt"
	"strings"
)

// aim is a goal, and how the tables tell whether it is met.
type aim struct {
	want  string
	found func(f *figures) (text string, met bool)
}

func (f *figures) aims(b *strings.Builder) {
	b.WriteString("\n| aim | found |\n|---|---|\n")
	for _, a := range aims {
		text, met := a.found(f)
		if !met {
			text = "**not met**: " + text
		}
		fmt.Fprintf(b, "| %s | %s |\n", a.want, text)
	}
}

// atLeast reports whether each value is at least its bar.
func atLeast(values, bars []float64) bool {
	for i, v := range values {
		if v < bars[i] {
			return false
		}
	}
	return true
}

var aims = []aim{
	{"an authenticated read that goes alone at 0.95 or more of one GET, with at most 1.15 of its CPU", func(f *figures) (string, bool) {
		ratio, cpu := f.ratio("read", "passport-alone"), f.cpu("read", "passport-alone", reference)
		return fmt.Sprintf("%.2f, with %.2f of its CPU. One GET with the same two headers: %.2f, with %.2f", ratio, cpu,
			f.ratio("read", "get-headers"), f.cpu("read", "get-headers", reference)), ratio >= 0.95 && cpu <= 1.15
	}},
	{"as it comes 1.15 or more at 32 connections", func(f *figures) (string, bool) {
		ratio := f.ratio("read", "passport")
		return fmt.Sprintf("%.2f, with %.2f of its CPU; %.2f at 128 connections. One GET alone gains %.2f and %.2f by a pipeline", ratio,
			f.cpu("read", "passport", reference), f.ratio("read-128", "passport"), f.ratio("read", "get-pipeline"), f.ratio("read-128", "get-pipeline")), ratio >= 1.15
	}},
	{"with few connections as good as reads that go alone", func(f *figures) (string, bool) {
		one, eight := f.against("read-1", "passport", "passport-alone"), f.against("read-8", "passport", "passport-alone")
		both, alone := f.row("read-1", "passport"), f.row("read-1", "passport-alone")
		return fmt.Sprintf("%.2f of them at 1 connection, %.2f at 8. At 1 the two do the same work (commands: %.2f and %.2f; "+
			"allocations: %.0f and %.0f), so that a difference there is the machine's", one, eight,
			both.perRequest(float64(both.commands)), alone.perRequest(float64(alone.commands)),
			both.perRequest(float64(both.objects)), alone.perRequest(float64(alone.objects))), atLeast([]float64{one, eight}, []float64{0.97, 0.97})
	}},
	{"with the client-side cache 1.9 or more", func(f *figures) (string, bool) {
		ratio := f.ratio("read", "passport-cache")
		return fmt.Sprintf("%.2f; %.2f at 128 connections. One GET alone gains %.2f and %.2f", ratio, f.ratio("read-128", "passport-cache"),
			f.ratio("read", "get-cache"), f.ratio("read-128", "get-cache")), ratio >= 1.9
	}},
	{"log-in and log-out at the rate of scs and of Fiber, or more", func(f *figures) (string, bool) {
		scs, fiber := f.against("login", "passport", "scs"), f.against("login", "passport", "fiber")
		return fmt.Sprintf("%.2f of scs, %.2f of Fiber", scs, fiber), scs >= 1 && fiber >= 1
	}},
	{"a write at the rate of Fiber, or more", func(f *figures) (string, bool) {
		ratio := f.against("write", "passport", "fiber")
		return fmt.Sprintf("%.2f", ratio), ratio >= 1
	}},
	{"ahead of every peer in every other table", func(f *figures) (string, bool) {
		behind := f.behind()
		if len(behind) == 0 {
			return "ahead", true
		}
		return strings.Join(behind, "; "), false
	}},
	{"reads at 1.5 times scs or more, 2.4 with idle timeout", func(f *figures) (string, bool) {
		got := []float64{f.against("read", "passport", "scs"), f.against("read", "passport", "scs-idle")}
		return fmt.Sprintf("%.1f and %.1f; with each read alone %.1f and %.1f", got[0], got[1],
			f.against("read", "passport-alone", "scs"), f.against("read", "passport-alone", "scs-idle")), atLeast(got, []float64{1.5, 2.4})
	}},
	{"1.4 times rbcervilla or more; 1.9 times boj, Fiber and gin", func(f *figures) (string, bool) {
		var got []float64
		for _, name := range []string{"rbcervilla", "boj", "fiber", "gin"} {
			got = append(got, f.against("read", "passport", name))
		}
		return fmt.Sprintf("%.1f; %.1f, %.1f and %.1f", got[0], got[1], got[2], got[3]), atLeast(got, []float64{1.4, 1.9, 1.9, 1.9})
	}},
	{"6.5 times Express or more, 7.5 times Nest", func(f *figures) (string, bool) {
		got := []float64{f.against("read", "passport", "express"), f.against("read", "passport", "nest")}
		return fmt.Sprintf("%.1f and %.1f; in CPU of the server %.1f and %.1f", got[0], got[1],
			f.cpu("read", "express", "passport"), f.cpu("read", "nest", "passport")), atLeast(got, []float64{6.5, 7.5})
	}},
	{"a public page: no command, within 3 % of the bare server", func(f *figures) (string, bool) {
		w := f.row("public", "passport")
		commands, ratio := w.perRequest(float64(w.commands)), f.against("public", "passport", "floor")
		return fmt.Sprintf("%.2f commands, %.2f of the bare server: nothing of ours is around it", commands, ratio), commands < 0.005 && ratio >= 0.97
	}},
	{"a session takes 280 bytes in Redis or less, the list of a user's one session 110 or less", func(f *figures) (string, bool) {
		own, node := f.memoryOf("passport"), f.memoryOf("express")
		return fmt.Sprintf("%.0f and %d bytes; connect-redis: %.0f. The same list under a name of one byte takes %d",
			own.bytes, own.list, node.bytes, own.least), own.bytes <= 280 && own.list <= 110
	}},
	{"MemoryStore: the payload and 250 bytes or less", func(f *figures) (string, bool) {
		m := f.memoryOf("memory")
		return fmt.Sprintf("%.0f beside it", m.bytes-memoryPayload), m.bytes-memoryPayload <= 250
	}},
	{"in a storm of log-ins p99 of a read within 3 times the quiet one and under 15 ms", func(f *figures) (string, bool) {
		s := f.stormOf("storm-bounded")
		times := s.busy.Seconds() / max(s.quiet.Seconds(), 1e-9)
		return fmt.Sprintf("%s, %.1f times the quiet one, which is %s; %d reads failed. Without the bound %d failed. Go's scheduler takes a hash off a core after 10 ms, unasked",
			millis(s.busy), times, millis(s.quiet), s.failed, f.stormOf("storm-unbounded").failed), times <= 3 && s.busy.Milliseconds() < 15 && s.failed == 0
	}},
	{"log-ins in that storm at 0.45 or more of what all cores can hash", func(f *figures) (string, bool) {
		s := f.stormOf("storm-bounded")
		part := s.logIns / max(f.hashRate, 1e-9)
		return fmt.Sprintf("%.2f: %.1f a second of the %.1f that the cores can hash; the reads and the load are on them too", part, s.logIns, f.hashRate), part >= 0.45
	}},
}

// behind lists where a peer is faster than this library, except in log-in and write, which are aims
// themselves.
func (f *figures) behind() (list []string) {
	pairs := map[string]string{"chi-jwt": "passport-jwt", "gin-jwt": "passport-jwt", "express-jwt": "passport-jwt",
		"fiber-apikey": "passport-apikey", "express-apikey": "passport-apikey", "express-remember": "passport-remember"}
	for _, t := range f.tables {
		if t.name == "login" || t.name == "write" {
			continue
		}
		var peers []string
		for _, w := range t.rows {
			own, paired := pairs[w.name]
			if !paired {
				if w.part || strings.HasPrefix(w.name, "passport") {
					continue
				}
				own = "passport"
			}
			if ratio := f.against(t.name, own, w.name); ratio < 1 {
				peers = append(peers, fmt.Sprintf("%.2f of %s", ratio, w.title))
			}
		}
		if len(peers) == 0 {
			continue
		}
		line := fmt.Sprintf("*%s*: %s", t.title, strings.Join(peers, ", "))
		if t.name == "public" {
			line += " (no session's code is on this route of theirs or of ours: the difference is the machine's)"
		}
		list = append(list, line)
	}
	return list
}

func (f *figures) memoryOf(name string) memoryRow {
	for _, m := range f.memory {
		if m.name == name {
			return m
		}
	}
	f.missing = append(f.missing, "memory/"+name)
	return memoryRow{}
}

func (f *figures) stormOf(name string) stormRow {
	for _, s := range f.storm {
		if s.name == name {
			return s
		}
	}
	f.missing = append(f.missing, "storm/"+name)
	return stormRow{}
}
