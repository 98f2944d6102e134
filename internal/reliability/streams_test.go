//go:build integration

package main_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/redistest"
)

// streamed is the stores of three programs, and what happens to them.
type streamed struct {
	first, third string // the store of the first two programs, and that of the third
	before       func() // called before the log-outs
	during       func() // called after half of them
	after        func()
	loses        bool // Redis may lose what it acknowledged, such as a renewal
}

// streamStores are the rows of the table.
var streamStores = []struct {
	store, meanwhile, by string
	full                 bool // only at full size
	start                func(*testing.T) streamed
}{
	{"MemoryStore, in one process", "", "log-out", false, func(*testing.T) streamed { return streamed{first: "memory"} }},
	{"RedisStore", "", "log-out", false, func(t *testing.T) streamed { return onOne("redis " + redistest.Start(t).Addr) }},
	{"RedisStore", "", "log-out everywhere", true, func(t *testing.T) streamed { return onOne("redis " + redistest.Start(t).Addr) }},
	{"RedisStore", "the subscription of the third is cut", "log-out", true, func(t *testing.T) streamed {
		s, p := behindProxy(t)
		s.before = p.Cut
		return s
	}},
	{"RedisStore", "the third is cut off, and heals", "log-out", false, func(t *testing.T) streamed {
		s, p := behindProxy(t)
		s.before, s.after = p.Down, p.Up
		return s
	}},
	{"RedisStore", "Redis restarts", "log-out", false, func(t *testing.T) streamed {
		r := redistest.Start(t)
		s := onOne("redis " + r.Addr)
		s.during = func() {
			if err := r.Client(t).Save(context.Background()).Err(); err != nil {
				t.Error(err)
			}
			r.Kill()
			pause(time.Second)
			if err := r.Restart(); err != nil {
				t.Error(err)
			}
		}
		return s
	}},
	{"RedisStore, Sentinel", "the master dies", "log-out", true, func(t *testing.T) streamed {
		g := redistest.StartSentinel(t, soonDead)
		s := streamed{first: "sentinel"}
		for _, one := range g.Sentinels {
			s.first += " " + one.Addr
		}
		s.third = s.first
		s.loses = true // one of two replicas confirms, but the other may take over
		s.during = dies(t, topology{victim: g.Master, replaced: func() error { return promoted(g.Replicas...) }})
		return s
	}},
	{"RedisStore, Cluster", "a master dies", "log-out", true, func(t *testing.T) streamed {
		c := redistest.StartCluster(t, quickly...)
		s := onOne("cluster " + strings.Join(c.Addrs(), " "))
		s.during = dies(t, topology{victim: c.Masters[0], replaced: func() error {
			if err := promoted(c.Replicas[0]); err != nil {
				return err
			}
			return c.Masters[0].Restart() // as the replica that must confirm
		}})
		return s
	}},
}

func onOne(where string) streamed { return streamed{first: where, third: where} }

// behindProxy puts a proxy between the third program and Redis.
func behindProxy(t *testing.T) (streamed, *faultproxy.Proxy) {
	server := redistest.Start(t)
	proxy := faultproxy.New(t, server.Addr)
	return streamed{first: "redis " + server.Addr, third: "redis " + proxy.Addr()}, proxy
}

// dies kills the victim, and returns when another server is the master.
func dies(t *testing.T, top topology) func() {
	return func() {
		top.victim.Kill()
		if err := top.replaced(); err != nil {
			t.Error(err)
		}
	}
}

// TestStreamsEndWithTheirLogIn: three programs, each a process, on one store. Each session has a stream in
// each of them. The first program makes log-outs, and the sessions that stay are renewed.
func TestStreamsEndWithTheirLogIn(t *testing.T) {
	row := table("13. Streams end with their log-in", "Store", "Meanwhile", "Ended by", "Streams", "Ended within 250 ms of the answer", "Slowest", "Not ended", "Streams of others", "Ended by mistake")
	for _, c := range streamStores {
		if c.full && !*full {
			continue
		}
		t.Run(c.store+" "+c.meanwhile+" "+c.by, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			where := c.start(t)
			programs := []*program{startStreams(t, where.first)}
			if where.third == "" {
				programs = append(programs, programs[0], programs[0])
			} else {
				programs = append(programs, startStreams(t, where.first), startStreams(t, where.third))
			}
			m := &measured{t: t, programs: programs, sessions: sized(20, 3334), stay: sized(5, 334)}
			m.open(ctx, c.by == "log-out everywhere")
			m.call(where.before)
			renew := m.renew(ctx)
			if c.by == "log-out everywhere" {
				m.everywhere(ctx)
			} else {
				m.logOut(ctx, 0, m.sessions/2)
				m.call(where.during)
				m.logOut(ctx, m.sessions/2, m.sessions)
			}
			m.call(where.after)
			within, slowest, left := m.wait()
			renew()
			wrong := m.wrong()
			if left > 0 || wrong > 0 && !where.loses {
				t.Errorf("%d streams did not end, and %d that should go on did", left, wrong)
			}
			row(c.store, c.meanwhile, c.by, m.sessions*len(programs), within, slowest, left, m.stay*len(programs), wrong)
		})
	}
}

// measured is the streams of one row.
type measured struct {
	t              *testing.T
	programs       []*program
	sessions, stay int

	visitors []*visitor         // the ones who stay come last
	streams  [][]<-chan closing // by visitor and program
	answered []time.Time        // the time of each log-out's answer
}

func (*measured) call(f func()) {
	if f != nil {
		f()
	}
}

// open logs everybody in and opens their streams.
func (m *measured) open(ctx context.Context, everywhere bool) {
	n := m.sessions + m.stay
	m.visitors, m.streams, m.answered = make([]*visitor, n), make([][]<-chan closing, n), make([]time.Time, m.sessions)
	var group sync.WaitGroup
	var next atomic.Int64
	for range 16 {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				name := fmt.Sprint("user", i)
				if everywhere && i < m.sessions {
					name = "everywhere"
				}
				v := new(visitor)
				if status, text := m.programs[0].post(ctx, v, "/login", url.Values{"email": {name}, "password": {"x"}}); status != http.StatusOK {
					m.t.Errorf("log-in: got %d %q", status, text)
					return
				}
				for _, p := range m.programs {
					ended, err := p.stream(ctx, v)
					if err != nil {
						m.t.Errorf("open a stream: %v", err)
						return
					}
					m.streams[i] = append(m.streams[i], ended)
				}
				m.visitors[i] = v
			}
		})
	}
	if group.Wait(); m.t.Failed() {
		m.t.FailNow()
	}
}

// logOut logs out the visitors from a to b at the first program, one after another, each until it is
// answered.
func (m *measured) logOut(ctx context.Context, a, b int) {
	for i := a; i < b; i++ {
		err := redistest.Poll(func(context.Context) error {
			if status, text := m.programs[0].post(ctx, m.visitors[i], "/logout", nil); status != http.StatusOK {
				return fmt.Errorf("log-out: got %d %q", status, text)
			}
			return nil
		})
		if m.answered[i] = time.Now(); err != nil {
			m.t.Fatal(err)
		}
	}
}

func (m *measured) everywhere(ctx context.Context) {
	status, text := m.programs[0].post(ctx, new(visitor), "/everywhere", nil)
	if status != http.StatusOK || text != fmt.Sprint(m.sessions) {
		m.t.Errorf("log-out everywhere: got %d %q, want %d", status, text, m.sessions)
	}
	for i := range m.answered {
		m.answered[i] = time.Now()
	}
}

// renew renews the sessions of the visitors who stay, again and again, until stop is called. An outage may
// refuse a renewal, or lose its answer and with it the new cookie: that session is then no longer renewed.
func (m *measured) renew(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	for _, v := range m.visitors[m.sessions:] {
		group.Go(func() {
			for refused := false; ctx.Err() == nil; {
				status, text := m.programs[0].post(ctx, v, "/renew", nil)
				switch {
				case status == http.StatusOK || ctx.Err() != nil:
				case status == http.StatusServiceUnavailable:
					refused = true
				case status == http.StatusUnauthorized && refused:
					return
				default:
					m.t.Errorf("a renewal: got %d %q", status, text)
					return
				}
				select {
				case <-time.After(sized(50*time.Millisecond, 2*time.Second)):
				case <-ctx.Done():
				}
			}
		})
	}
	return func() { cancel(); group.Wait() }
}

// wait returns how many streams ended within 250 ms of the log-out's answer, the delay of the slowest, and
// how many did not end within a look of the clock plus what an outage adds.
func (m *measured) wait() (within int, slowest time.Duration, left int) {
	patience := time.After(redistest.Patience + 30*time.Second)
	reasons := map[string]int{}
	for i, answer := range m.answered {
		for _, ended := range m.streams[i] {
			select {
			case end := <-ended:
				reasons[end.reason]++
				late := max(0, end.at.Sub(answer)) // the stream may end before the answer
				if slowest = max(slowest, late); late <= 250*time.Millisecond {
					within++
				}
			case <-patience:
				left++
				patience = time.After(0)
			}
		}
	}
	m.t.Logf("reasons: %v", reasons)
	return within, slowest, left
}

// wrong returns how many streams ended although their log-in is live.
func (m *measured) wrong() (n int) {
	reasons := map[string]int{}
	for _, list := range m.streams[m.sessions:] {
		for _, ended := range list {
			select {
			case end := <-ended:
				n++
				reasons[end.reason]++
			default:
			}
		}
	}
	if n > 0 {
		m.t.Logf("ended by mistake: %v", reasons)
	}
	return n
}
