package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
	passwords "github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/password/limit"
)

// hash is the bcrypt hash of passphrase at cost 12.
const hash = "$2a$12$PtAXhMak.MORH7p/lEfNuuuTy/lkfBiG3UEvR0erPPMEKsgZPFUF6"

// stormApp is this library's stack with real hashing. The number of hashes at once is limited as by default,
// or in effect not at all.
func stormApp(name string, options *redis.Options) http.Handler {
	hasher := &passwords.Bcrypt{}
	if name == "storm-unbounded" {
		hasher.Limit = &limit.Limit{Workers: 10_000}
	}
	look := passwords.LookupFunc[*user](func(_ context.Context, email string) (*user, string, error) {
		if email == joe.Email {
			return joe, hash, nil
		}
		return nil, "", strategy.ErrUnauthenticated
	})
	cfg := session.Config{Store: passportStores("passport", options).Sessions, Codec: session.Express(secret), InsecureHTTP: true}
	return passportRoutes("storm", cfg, nil, must(passwords.New(look, passwords.Config{Hasher: hasher})))
}

// stormRow is the result of one server under many log-ins at once.
type stormRow struct {
	name, title string
	quiet, busy time.Duration // p99 of an authenticated read
	logIns      float64       // a second
	refused     float64       // a second, with 503
	failed      int           // reads that got no page
}

const (
	stormClients = 300
	stormRate    = 200 // authenticated reads a second
	stormTime    = 12 * time.Second
)

// measureStorm lets hundreds of clients log in at once while another reads its page at a constant rate.
func (r *run) measureStorm() error {
	var err error
	if r.hashRate, err = hashRate(); err != nil {
		return err
	}
	for _, s := range []stack{
		{name: "storm-bounded", title: "this, bounded as by default"},
		{name: "storm-unbounded", title: "this, without the bound"},
		{name: "express-storm", title: "Express, scrypt in its four threads", node: "storm.mjs"},
	} {
		p, err := start(s, r.redis.addr)
		if err != nil {
			return err
		}
		row, err := storm(p)
		p.stop()
		if err != nil {
			return err
		}
		r.storm = append(r.storm, row)
	}
	return nil
}

// hashRate returns how many hashes of that cost all cores together compute per second.
func hashRate() (float64, error) {
	const each = 4
	cores := runtime.NumCPU()
	hasher := &passwords.Bcrypt{Limit: &limit.Limit{Workers: cores}}
	errs := make([]error, cores)
	began := time.Now()
	var work sync.WaitGroup
	for i := range errs {
		work.Go(func() {
			for range each {
				errs[i] = errors.Join(errs[i], hasher.Verify(context.Background(), hash, passphrase))
			}
		})
	}
	work.Wait()
	return float64(cores*each) / time.Since(began).Seconds(), errors.Join(errs...)
}

func storm(p *process) (stormRow, error) {
	row := stormRow{name: p.name, title: p.title}
	cookie, err := logInOnce(p, 0, "")
	if err != nil {
		return row, err
	}
	if row.quiet, _, err = steadyReads(p.addr, cookie, 3*time.Second); err != nil {
		return row, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	var in, refused atomic.Int64
	transport := &http.Transport{MaxIdleConnsPerHost: stormClients}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for range stormClients {
		clients.Go(func() {
			for ctx.Err() == nil {
				switch status := postLogIn(ctx, client, p.addr); status {
				case http.StatusOK:
					in.Add(1)
				case http.StatusServiceUnavailable:
					refused.Add(1)
					pause(ctx, 500*time.Millisecond) // much less than Retry-After says
				}
			}
		})
	}
	pause(ctx, 2*time.Second) // until the queue is full
	began, inBefore, refusedBefore := time.Now(), in.Load(), refused.Load()
	row.busy, row.failed, err = steadyReads(p.addr, cookie, stormTime)
	seconds := time.Since(began).Seconds()
	row.logIns, row.refused = float64(in.Load()-inBefore)/seconds, float64(refused.Load()-refusedBefore)/seconds
	cancel()
	clients.Wait()
	return row, err
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func postLogIn(ctx context.Context, client *http.Client, addr string) int {
	r, err := http.NewRequestWithContext(ctx, "POST", "http://"+addr+"/login", strings.NewReader(logIn))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := client.Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// steadyReads returns the p99 of reads that start at a constant rate, even if earlier ones have no answer
// yet: so the time that a read waits is counted. failures is how many did not get the page.
func steadyReads(addr, cookie string, d time.Duration) (p99 time.Duration, failures int, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	text := with(request("GET", "/protected", ""), cookie)
	var mu sync.Mutex
	var times []time.Duration
	var failed error
	var readers sync.WaitGroup
	idle := make(chan *visitor, 4096)
	read := func(due time.Time) {
		var v *visitor
		select {
		case v = <-idle:
		default:
			fd, err := connect(addr)
			if err != nil {
				mu.Lock()
				failed = err
				mu.Unlock()
				return
			}
			v = &visitor{fd: fd, buf: make([]byte, 0, 1024), any: true}
		}
		err := v.send(script{next: func(*visitor) []byte { return text }})
		for done := false; !done && err == nil; {
			done, err = v.receive(false)
		}
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			failed = err
			v.close()
			return
		}
		failures += v.failed
		v.failed = 0
		times = append(times, time.Since(due))
		idle <- v
	}
	ticker := time.NewTicker(time.Second / stormRate)
	defer ticker.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); {
		due := <-ticker.C
		readers.Go(func() { read(due) })
	}
	readers.Wait()
	close(idle)
	for v := range idle {
		v.close()
	}
	if failed != nil || len(times) == 0 {
		return 0, 0, failed
	}
	slices.Sort(times)
	return times[len(times)*99/100], failures, nil
}
