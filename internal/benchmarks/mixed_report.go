package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The section on the mixed load lies between these lines of the page.
const (
	mixedBeginMark = "<!-- measured over time: begin -->"
	mixedEndMark   = "<!-- measured over time: end -->"
)

func (s sample) row() string {
	at := fmt.Sprintf("%d:%02d", int(s.at.Minutes()), int(s.at.Seconds())%60)
	megabytes := func(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }
	return fmt.Sprintf("| %s | %d | %d | %s | %s | %d | %d | %d | %d | %s | %s |\n",
		at, s.requests, s.refused, megabytes(s.rss), megabytes(s.heap), s.goroutines, s.sockets, s.clients, s.keys, megabytes(s.redis), s.what)
}

func (m *mixed) markdown(b *strings.Builder) {
	c := &m.count
	fmt.Fprintf(b, "\n%s\n\n", filled(fmt.Sprintf("Measured on %s for %v: %s. Load average of the machine when it began: %s.",
		m.began.UTC().Format("2006-01-02"), m.took.Round(time.Second), m.machine(), m.before)))
	fmt.Fprintf(b, "| what was counted | |\n|---|---:|\n| requests; refused while Redis or the second program was away | %d; %d |\n", c.allRequests, c.allRefused)
	fmt.Fprintf(b, "| Redis killed, Redis restarted, second program killed | %d, %d, %d times |\n", m.times(redisKilled), m.times(redisRestarted), m.times(secondKilled))
	fmt.Fprintf(b, "| log-ins, sessions ended, and writes that were answered | %d, %d, %d |\n", c.logIns.Load(), c.ended.Load(), c.writes.Load())
	fmt.Fprintf(b, "| **ended sessions that came back**, of so many requests with the cookie of one | **%d** of %d |\n", c.back.Load(), c.asked.Load())
	fmt.Fprintf(b, "| **sessions that were lost**: nobody had ended them | **%d** |\n", c.loggedOut.Load())
	fmt.Fprintf(b, "| **writes that were answered and lost** | **%d** |\n", c.lost.Load())
	fmt.Fprintf(b, "| users taken for another; answers that were neither 200, 401, 409 nor 503 | %d; %d |\n", c.mistakenlyUser.Load(), c.strange.Load())
	middle, end := m.thirds()
	fmt.Fprintf(b, "\n| the first program, median | middle third | last third |\n|---|---:|---:|\n")
	for i, name := range []string{"resident memory, MB", "heap after a collection, MB"} {
		fmt.Fprintf(b, "| %s | %.1f | %.1f |\n", name, float64(middle[i])/1e6, float64(end[i])/1e6)
	}
	for i, name := range []string{"goroutines", "sockets", "connections at Redis, of both programs"} {
		fmt.Fprintf(b, "| %s | %d | %d |\n", name, middle[i+2], end[i+2])
	}
	fmt.Fprintf(b, "\nThe first program had %d goroutines before the first request and %d after the last.\n", m.samples[0].goroutines, m.samples[len(m.samples)-1].goroutines)
	fmt.Fprintf(b, "\n| time | requests | refused | resident MB | heap MB | goroutines | sockets | connections at Redis | keys | Redis MB | what was done before |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|\n")
	for _, s := range m.samples {
		b.WriteString(s.row())
	}
}

// times counts the samples before which harm did what.
func (m *mixed) times(what string) (n int) {
	for _, s := range m.samples {
		if s.what == what {
			n++
		}
	}
	return n
}

// thirds returns the medians of the first program's samples in the middle and in the last third of the load.
func (m *mixed) thirds() (middle, end [5]int64) {
	under := m.samples[1 : len(m.samples)-1] // without the samples before and after the load
	n := len(under)
	for i, of := range []func(sample) int64{
		func(s sample) int64 { return s.rss }, func(s sample) int64 { return s.heap },
		func(s sample) int64 { return s.goroutines }, func(s sample) int64 { return s.sockets },
		func(s sample) int64 { return s.clients },
	} {
		medianOf := func(samples []sample) int64 {
			values := make([]int64, 0, len(samples))
			for _, s := range samples {
				values = append(values, of(s))
			}
			slices.Sort(values)
			return values[len(values)/2]
		}
		middle[i], end[i] = medianOf(under[n/3:2*n/3]), medianOf(under[2*n/3:])
	}
	return middle, end
}

// verdict returns an error if an answer was wrong, if memory or connections grew from the middle third to the
// last by more than 5 % plus two megabytes or connections, or if goroutines were left at the end. Goroutines
// under load are not compared: their number depends on the requests that run at the moment of the sample.
func (m *mixed) verdict() error {
	var wrong []error
	if first := m.count.firstWrong.Load(); first != nil {
		wrong = append(wrong, errors.New(*first))
	}
	middle, end := m.thirds()
	for i, name := range []string{"resident memory", "the heap", "goroutines", "sockets", "connections at Redis"} {
		if name == "goroutines" {
			continue
		}
		slack := int64(2)
		if i < 2 {
			slack = 2e6
		}
		if end[i] > middle[i]+middle[i]/20+slack {
			wrong = append(wrong, fmt.Errorf("%s grew from %d to %d", name, middle[i], end[i]))
		}
	}
	if before, after := m.samples[0].goroutines, m.samples[len(m.samples)-1].goroutines; after > before+2 {
		wrong = append(wrong, fmt.Errorf("%d goroutines after the load, %d before", after, before))
	}
	return errors.Join(wrong...)
}
