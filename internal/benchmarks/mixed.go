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

// The part mixed: for a long time browsers log in, log out, read and write on two programs, while Redis and
// the second program are killed and restarted. At the end the first program must not use more memory or
// connections than before, and no answer may have been wrong.

// mixedBrowsers is how many browsers run at once. Each is a different user, with up to three devices.
const mixedBrowsers = 32

// sample is the state of the first program at one moment.
type sample struct {
	at                   time.Duration // since the load began
	what                 string        // happened since the previous sample
	requests, refused    int64         // since the previous sample
	rss, heap            int64         // bytes; heap is after a collection
	goroutines, sockets  int64
	clients, keys, redis int64 // of Redis: connections, keys, bytes
}

// mixed is one run of the part mixed.
type mixed struct {
	*run
	first   *process
	second  *process
	mu      sync.RWMutex // guards second
	count   tally
	samples []sample
	took    time.Duration
}

// mixture runs the load for d and writes the results into the page.
func (r *run) mixture(d time.Duration, out string) error {
	r.before = loadAverage()
	dir, err := os.MkdirTemp("", "benchmarks")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// Redis must not lose an acknowledged write when it is killed.
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
	time.Sleep(2 * time.Second) // until the program's goroutines for those connections have ended
	return m.sample(time.Since(began), "after the last request")
}

// What harm did.
const (
	redisKilled    = "Redis killed, back after 2 s"
	redisRestarted = "Redis restarted, back after 2 s"
	secondKilled   = "second program killed"
)

// harm kills or stops Redis or the second program, in turn, and starts it again.
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

// again ends the server with a signal, and after the time away starts it with the same address and data.
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
	s.clients = clients["connected_clients"] - 1 // without our own
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
