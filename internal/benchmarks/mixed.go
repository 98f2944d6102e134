package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The part mixed: browsers log in, log out, read and write for a long time on two programs, while Redis and
// the second program are killed and started again. The first program must need no more at the end than
// before, and what an answer said must be true.

// mixedBrowsers is how many ask at once. Each is a user of its own, with up to three devices.
const mixedBrowsers = 32

// sample is what the first program held at one moment.
type sample struct {
	at                   time.Duration // since the load began
	what                 string        // happened since the sample before
	requests, refused    int64         // since the sample before
	rss, heap            int64         // bytes; heap is after a collection
	goroutines, sockets  int64
	clients, keys, redis int64 // of Redis: connections, keys, bytes
}

// mixed is a run of the part.
type mixed struct {
	*run
	first   *process
	second  *process
	mu      sync.RWMutex // of second's address
	count   tally
	samples []sample
	took    time.Duration
}

// mixture runs the load for d and writes what it found into the page.
func (r *run) mixture(d time.Duration, out string) error {
	r.before = loadAverage()
	dir, err := os.MkdirTemp("", "benchmarks")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// Redis keeps what it has answered, whatever ends it.
	if r.redis, err = startRedis("--appendonly", "yes", "--appendfsync", "always", "--dir", dir); err != nil {
		return err
	}
	defer func() { r.redis.stop() }()
	m := &mixed{run: r}
	if m.first, err = start(stack{name: "mixed"}, r.redis.addr); err != nil {
		return err
	}
	defer m.first.stop()
	if m.second, err = start(stack{name: "mixed"}, r.redis.addr); err != nil {
		return err
	}
	defer func() { m.second.stop() }()
	if err := m.during(d); err != nil {
		return err
	}
	if err := replace(out, mixedBeginMark, mixedEndMark, m.markdown); err != nil {
		return err
	}
	return m.verdict()
}

// during keeps up the load and takes the samples.
func (m *mixed) during(d time.Duration) error {
	every := min(max(d/30, 5*time.Second), time.Minute)
	if err := m.sample(0, "before the first request"); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	transport := &http.Transport{MaxIdleConnsPerHost: mixedBrowsers, DisableCompression: true}
	all := make([]*browser, mixedBrowsers)
	var load sync.WaitGroup
	began := time.Now()
	for i := range all {
		all[i] = &browser{
			user: i + 1, mixed: m, client: &http.Client{Transport: transport, Timeout: time.Minute},
			random: rand.New(rand.NewPCG(uint64(i), 1)),
		}
		load.Go(func() { all[i].browse(ctx) })
	}
	for n := 1; ; n++ {
		time.Sleep(time.Until(began.Add(time.Duration(n)*every - every/2)))
		what, err := "", error(nil)
		if time.Duration(n)*every < d {
			what, err = m.harm(n)
		}
		if err != nil {
			return err
		}
		time.Sleep(time.Until(began.Add(time.Duration(n) * every)))
		if err := m.sample(time.Since(began), what); err != nil {
			return err
		}
		if time.Duration(n)*every >= d {
			break
		}
	}
	cancel()
	load.Wait()
	m.took = time.Since(began)
	for _, b := range all {
		b.last()
	}
	transport.CloseIdleConnections()
	time.Sleep(2 * time.Second) // the program's goroutines of those connections end
	return m.sample(time.Since(began), "after the last request")
}

// What harm does.
const (
	redisKilled    = "Redis killed, back after 2 s"
	redisRestarted = "Redis restarted, back after 2 s"
	secondKilled   = "second program killed"
)

// harm ends Redis or the second program, in turns, and starts it again.
func (m *mixed) harm(n int) (what string, err error) {
	switch n % 4 {
	case 1:
		return redisKilled, m.redis.again(syscall.SIGKILL, 2*time.Second)
	case 3:
		return redisRestarted, m.redis.again(syscall.SIGTERM, 2*time.Second)
	}
	m.second.stop()
	p, err := start(stack{name: "mixed"}, m.redis.addr)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.second = p
	return secondKilled, nil
}

// again ends the server with a signal and starts it on the same address and data.
func (r *redisServer) again(signal os.Signal, away time.Duration) error {
	if err := r.cmd.Process.Signal(signal); err != nil {
		return err
	}
	_ = r.cmd.Wait()
	time.Sleep(away)
	return r.start()
}

func (m *mixed) sample(at time.Duration, what string) error {
	s := sample{at: at, what: what, requests: m.count.requests.Swap(0), refused: m.count.refused.Swap(0)}
	m.count.allRequests += s.requests
	m.count.allRefused += s.refused
	answer, err := http.Get("http://" + m.first.admin + "/resources")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err = fmt.Fscan(answer.Body, &s.heap, &s.goroutines, &s.sockets); err != nil {
		return err
	}
	if s.rss, err = residentBytes(m.first.cmd.Process.Pid); err != nil {
		return err
	}
	clients, err := m.redis.info("clients")
	if err != nil {
		return err
	}
	s.clients = clients["connected_clients"] - 1 // the one that asks
	if s.redis, err = m.redis.memory(); err != nil {
		return err
	}
	if s.keys, err = m.redis.client.DBSize(context.Background()).Result(); err != nil {
		return err
	}
	m.samples = append(m.samples, s)
	fmt.Print(s.row())
	return nil
}

func residentBytes(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, fmt.Errorf("process %d has no VmRSS", pid)
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	return n << 10, err
}

func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	before, _, _ := strings.Cut(string(text), " ")
	return before
}
