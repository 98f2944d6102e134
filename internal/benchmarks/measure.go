package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// workload is one kind of traffic.
type workload struct {
	name, title string
	visitors    int  // connections
	sessions    int  // logged in before the measurement, used in turn
	payload     int  // bytes written into each session before
	reads       bool // stacks that cannot log in take part too
	script      func() script

	only    []string       // names of the stacks measured; nil means all
	own     func() []stack // stacks started for this workload; nil means the common ones
	streams int            // concurrent requests on each connection, over HTTP/2; 0 means HTTP/1.1
	keep    string         // start of the name of the cookie that a visitor keeps; "" means any
	note    string         // for the page: how the stacks differ
}

const logIn = "email=joefoo@test.com&password=" + passphrase

func workloads() []workload {
	always := func(method, path string) func() script {
		return func() script {
			text := request(method, path, "")
			return script{next: func(v *visitor) []byte { return with(text, v.cookie) }}
		}
	}
	read := always("GET", "/protected")
	return []workload{
		{name: "read", title: "Authenticated read, 32 connections, one session each", visitors: 32, sessions: 32, reads: true, script: read},
		{name: "read-one", title: "Authenticated read, 32 connections, one session", visitors: 32, sessions: 1, reads: true, script: read, only: few},
		{name: "read-1000", title: "Authenticated read, 32 connections, 1,000 sessions", visitors: 32, sessions: 1000, reads: true, script: func() script { return script{} }, only: few},
		{name: "read-1", title: "Authenticated read, 1 connection", visitors: 1, sessions: 1, reads: true, script: read, only: few},
		{name: "read-8", title: "Authenticated read, 8 connections", visitors: 8, sessions: 8, reads: true, script: read, only: few},
		{name: "read-128", title: "Authenticated read, 128 connections", visitors: 128, sessions: 128, reads: true, script: read, only: few},
		{name: "read-1024", title: "Authenticated read, 1,024 connections", visitors: 1024, sessions: 1024, reads: true, script: read, only: few},
		{
			name: "read-http2", title: "Authenticated read over HTTP/2, 4 connections with 8 requests at once on each", visitors: 4, sessions: 4, streams: 8,
			reads: true, script: read, only: overHTTP2,
			note: "Without TLS. Fiber does not speak HTTP/2, and Express does not work with Node's.",
		},
		{name: "public", title: "Public page with a session's cookie, 32 connections", visitors: 32, sessions: 32, reads: true, script: always("GET", "/public")},
		{name: "write", title: "Write of one key, 32 connections, one session each", visitors: 32, sessions: 32, script: func() script {
			return script{next: func(v *visitor) []byte { return with(writing(v.n), v.cookie) }}
		}},
		{name: "login", title: "Log-in without hashing, then log-out, 32 connections", visitors: 32, script: func() script {
			in, out := request("POST", "/login", logIn), request("POST", "/logout", "")
			return script{cookies: true, next: func(v *visitor) []byte {
				if v.n%2 == 0 {
					return with(in, "")
				}
				return with(out, v.cookie)
			}}
		}},
		{name: "mixed", title: "19 authenticated reads and a write, 32 connections", visitors: 32, sessions: 32, script: func() script {
			get := request("GET", "/protected", "")
			return script{next: func(v *visitor) []byte {
				if v.n%20 == 19 {
					return with(writing(v.n), v.cookie)
				}
				return with(get, v.cookie)
			}}
		}},
		{
			name: "write-4k", title: "Write of 4 KB into a session of 4 KB, 32 connections", visitors: 32, sessions: 32, payload: 4 << 10,
			script: writingLong(4 << 10), only: writers, note: compared,
		},
		{
			name: "write-64k", title: "Write of 64 KB into a session of 64 KB, 32 connections", visitors: 32, sessions: 32, payload: 64 << 10,
			script: writingLong(64 << 10), only: writers, note: compared,
		},
		{name: "read-4k", title: "Authenticated read, session of 4 KB, 32 connections", visitors: 32, sessions: 32, payload: 4 << 10, script: read},
		{name: "read-64k", title: "Authenticated read, session of 64 KB, 32 connections", visitors: 32, sessions: 32, payload: 64 << 10, script: read},
		{
			name: "tokens", title: "A session, a bearer token and an API key, 32 connections", visitors: 32, sessions: 32, script: read,
			reads: true, own: tokenStacks,
			note: "A token's signature, time, issuer and audience are checked; an API key is found by the SHA-256 of its text. " +
				"This library parses the claims itself, to refuse a name that is there twice or in another case, and fills its own " +
				"type from that; encoding/json fills a type of the application's. Fiber stands on fasthttp, which takes less than net/http alone.",
		},
		{
			name: "remember", title: "Remembered log-in without a session, 32 connections", visitors: 32, sessions: 32, own: rememberStacks, keep: "remember",
			script: func() script {
				text := request("GET", "/protected", "")
				return script{cookies: true, keep: "remember", next: func(v *visitor) []byte { return with(text, v.cookie) }}
			},
			note: "Every request replaces the cookie and makes a session. passport-remember-me leaves its tokens to the application: here " +
				"one key of Redis is taken out and another put in. It finds no theft, a lost answer logs the browser out, and no log-out " +
				"everywhere reaches it. scs, gorilla/sessions, Fiber and gin have nothing for it but a session that lives longer.",
		},
	}
}

const compared = "A write of this library compares: the former record is sent along with the new one, so that the value goes over " +
	"the wire three times where the peers, which write without looking, send it twice."

// writers are the stacks measured with long values.
var writers = []string{"passport", "passport-alone", "scs", "rbcervilla", "boj", "fiber", "gin", "express"}

// writingLong writes values of that length, each one different: this library does not write an unchanged
// value.
func writingLong(length int) func() script {
	text := strings.Replace(request("POST", "/write", "v=00000000"+strings.Repeat("x", length-8)), "v=00000000", "v=%08d", 1)
	n := 0
	return func() script {
		return script{next: func(v *visitor) []byte {
			n++
			return fmt.Appendf(nil, text, v.cookie, n)
		}}
	}
}

// writing is a request that writes a value that depends on n.
func writing(n int) string { return request("POST", "/write", fmt.Sprintf("v=%08d", n)) }

// row is one stack's result in one workload: values per round, and sums over all rounds.
type row struct {
	stack
	rates          []float64 // requests a second
	ratios         []float64 // rate divided by that of the reference in the same round
	p50, p99       []time.Duration
	requests       int
	server, redis  time.Duration
	commands, wire int64
	objects, bytes uint64
}

func (w *row) perRequest(total float64) float64 { return total / float64(max(w.requests, 1)) }

func (w *row) cpuMicros() float64 { return w.perRequest(float64(w.server.Nanoseconds()) / 1e3) }

// table is one workload and its rows.
type table struct {
	workload
	rows []*row
}

func (t *table) find(name string) *row {
	for _, w := range t.rows {
		if w.name == name {
			return w
		}
	}
	return nil
}

// measure runs one workload. In each round all stacks run in turn, so that other load on the machine affects
// them alike. The first round warms up and does not count.
func (r *run) measure(w workload) (*table, error) {
	t := &table{workload: w}
	processes, err := r.taking(w)
	if err != nil {
		return nil, err
	}
	if w.own != nil {
		defer stopAll(processes)
	}
	var cookies [][]string
	for _, p := range processes {
		c, err := logInMany(p, w)
		if err != nil {
			return nil, fmt.Errorf("%s: log in: %w", p.name, err)
		}
		cookies = append(cookies, c)
		t.rows = append(t.rows, &row{stack: p.stack})
	}
	for round := range r.rounds + 1 {
		for i, p := range processes {
			length := r.length
			if round == 0 {
				length /= 4
			}
			if err := r.one(p, w, length, cookies[i], t.rows[i], round > 0); err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
		}
		if base := t.base(); base != nil && round > 0 {
			for _, row := range t.rows {
				row.ratios = append(row.ratios, row.rates[round-1]/base.rates[round-1])
			}
		}
	}
	return t, nil
}

// taking returns the processes that a workload measures.
func (r *run) taking(w workload) ([]*process, error) {
	if w.own != nil {
		return r.start(w.own(), r.redis.addr)
	}
	var list []*process
	for _, p := range r.processes {
		if wants(w.only, p.name) && (w.reads || !p.part) {
			list = append(list, p)
		}
	}
	return list, nil
}

// one runs one round of one stack and adds its result to row if counts is true.
func (r *run) one(p *process, w workload, length time.Duration, cookies []string, row *row, counts bool) error {
	s := w.script()
	if s.next == nil {
		s = inTurns(cookies)
	}
	objects, size, err := p.allocated()
	if err != nil {
		return err
	}
	before, err := r.server.traffic()
	if err != nil {
		return err
	}
	server, err := cpu(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	redis, err := r.server.used()
	if err != nil {
		return err
	}
	var res *result
	if w.streams > 0 {
		res, err = loadHTTP2(p.http2, w.visitors, w.streams, length, cookies)
	} else {
		res, err = load(p.addr, w.visitors, length, s, cookies)
	}
	if err != nil || !counts {
		return err
	}
	serverAfter, err := cpu(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	redisAfter, err := r.server.used()
	if err != nil {
		return err
	}
	after, err := r.server.traffic()
	if err != nil {
		return err
	}
	objectsAfter, sizeAfter, err := p.allocated()
	if err != nil {
		return err
	}
	row.rates = append(row.rates, res.rate())
	row.p50 = append(row.p50, res.quantile(0.5))
	row.p99 = append(row.p99, res.quantile(0.99))
	row.requests += res.requests
	row.server += serverAfter - server
	row.redis += redisAfter - redis
	row.commands += after.commands - before.commands - 1 // without the INFO itself
	row.wire += after.bytes - before.bytes
	row.objects += objectsAfter - objects
	row.bytes += sizeAfter - size
	return nil
}

// inTurns reads with the next session each time.
func inTurns(cookies []string) script {
	text := request("GET", "/protected", "")
	requests := make([][]byte, max(len(cookies), 1))
	for i := range requests {
		cookie := ""
		if len(cookies) > 0 {
			cookie = cookies[i]
		}
		requests[i] = with(text, cookie)
	}
	next := 0
	return script{next: func(*visitor) []byte {
		next++
		return requests[next%len(requests)]
	}}
}

// stranger is sent to servers without sessions, so that all requests have the same length.
const stranger = "Cookie: connect.sid=s%3A0123456789abcdef0123456789abcdef.0123456789abcdef0123456789abcdef0123456789a\r\n"

// logInMany makes the sessions of a workload and returns their cookies.
func logInMany(p *process, w workload) ([]string, error) {
	if line, err := credential(p.stack); line != "" || err != nil {
		return []string{line}, err
	}
	if p.part && !p.users || w.sessions == 0 {
		return []string{stranger}, nil
	}
	cookies := make([]string, 0, w.sessions)
	for range w.sessions {
		c, err := logInOnce(p, w.payload, w.keep)
		if err != nil {
			return nil, err
		}
		cookies = append(cookies, c)
	}
	return cookies, nil
}

// credential is the header line for a stack that needs no log-in, "" for all others.
func credential(s stack) (string, error) {
	switch {
	case strings.HasSuffix(s.name, "-jwt"):
		return bearer()
	case strings.HasSuffix(s.name, "-apikey"):
		return "X-API-Key: " + keyText + "\r\n", nil
	}
	return "", nil
}

// logInOnce logs in, writes payload bytes into the session, and returns the Cookie line. It takes the cookie
// whose name starts with keep.
func logInOnce(p *process, payload int, keep string) (cookie string, err error) {
	steps := []string{request("POST", "/login", logIn)}
	if payload > 0 {
		steps = append(steps, request("POST", "/write", "v="+strings.Repeat("x", payload)))
	}
	return cookieAfter(p, keep, steps...)
}

// cookieAfter sends requests one after the other and returns the Cookie line that they leave. It takes the
// cookie whose name starts with keep.
func cookieAfter(p *process, keep string, requests ...string) (cookie string, err error) {
	fd, err := connect(p.addr)
	if err != nil {
		return "", err
	}
	v := &visitor{fd: fd, buf: make([]byte, 0, 4096), keep: keep}
	defer v.close()
	for _, text := range requests {
		if err := v.send(script{next: func(v *visitor) []byte { return with(text, v.cookie) }}); err != nil {
			return "", err
		}
		for done := false; !done; {
			if done, err = v.receive(true); err != nil {
				return "", err
			}
		}
	}
	if v.cookie == "" {
		return "", fmt.Errorf("log-in set no cookie")
	}
	return v.cookie, nil
}

// median returns the median of values, 0 if there are none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// middle returns the range of the middle half of the values. So a round in which the machine stalled does not
// count.
func middle(values []float64) (low, high float64) {
	if len(values) == 0 {
		return 0, 0
	}
	v := slices.Sorted(slices.Values(values))
	n := len(v) - 1
	return v[n/4], v[n-n/4]
}

func medianTime(values []time.Duration) time.Duration {
	if len(values) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

func (t *table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", t.title)
	for _, w := range t.rows {
		low, high := middle(w.ratios)
		fmt.Fprintf(&b, "%-24s %8.0f/s %5.2f [%.2f-%.2f] cpu %6.1f us redis %5.1f us p50 %v p99 %v cmds %.2f bytes %.0f allocs %.1f %.0f B\n", w.name, median(w.rates), median(w.ratios),
			low, high, w.cpuMicros(), w.perRequest(float64(w.redis.Nanoseconds())/1e3), medianTime(w.p50).Round(time.Microsecond), medianTime(w.p99).Round(time.Microsecond),
			w.perRequest(float64(w.commands)), w.perRequest(float64(w.wire)), w.perRequest(float64(w.objects)), w.perRequest(float64(w.bytes)))
	}
	return b.String()
}
