// Package faultproxy is a proxy on the loopback interface between a client and its server, Redis or a
// database. It does to single commands what networks do: it delays, loses, cuts, halves and garbles them.
package faultproxy

import (
	"bufio"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// Command is a command with its arguments, as the client sent it.
type Command []string

// Is reports whether the command has the given name and all of words among its arguments, in any case:
// Is("SET", "NX").
func (c Command) Is(name string, words ...string) bool {
	if len(c) == 0 || !strings.EqualFold(c[0], name) {
		return false
	}
	for _, w := range words {
		if !slices.ContainsFunc(c[1:], func(arg string) bool { return strings.EqualFold(arg, w) }) {
			return false
		}
	}
	return true
}

// Manner is how a fate happens to a command in the network. A fate may have several: a reply can be lost in
// four manners.
type Manner int

// The manners, and what happens to the connection.
const (
	Pass     Manner = iota // executed and answered
	Refuse                 // not executed; the connection is closed
	Reset                  // not executed; the connection is reset
	Swallow                // reply lost: never answered; the connection stays open and silent
	CutReply               // reply lost: the connection is closed instead
	Halve                  // reply lost: half of it is sent, then the connection is closed
	Garble                 // reply lost: bytes that are not a Redis reply are sent instead
)

// Fate returns what happens to the command, in whichever manner. A command that a function given to
// [Proxy.Faults] holds is late.
func (m Manner) Fate() sessiontest.Fate {
	switch m {
	case Pass:
		return sessiontest.Pass
	case Refuse, Reset:
		return sessiontest.Fail
	case Swallow, CutReply, Halve, Garble:
	}
	return sessiontest.LoseReply
}

// Proxy is one listening address in front of one server. It is safe for concurrent
// use and closed at the end of the test.
type Proxy struct {
	target   string
	listener net.Listener
	serve    func(*link)

	mu    sync.Mutex
	fate  func(Command) Manner
	seen  []Command
	links map[*link]bool
	down  bool
	done  sync.WaitGroup
}

// New returns a proxy in front of the server at target (host:port).
func New(t testing.TB, target string) *Proxy {
	t.Helper()
	p := listen(t, target)
	p.serve = func(l *link) {
		p.done.Go(l.requests)
		p.done.Go(l.replies)
	}
	p.done.Go(p.accept)
	return p
}

func listen(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	p := &Proxy{target: target, listener: l, links: map[*link]bool{}}
	t.Cleanup(func() {
		_ = l.Close()
		p.Down()
		p.done.Wait()
	})
	return p
}

// Addr returns the address for clients to connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Faults makes f decide about every command from now on; nil forwards all. f is called on the connection's
// goroutine before the command is forwarded, and may block: the command, and those after it on its
// connection, are then delayed in the network. They are forwarded afterwards even if the client has gone.
func (p *Proxy) Faults(f func(Command) Manner) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fate = f
}

// Seen returns the commands that clients sent, in order of arrival, that match accepts.
func (p *Proxy) Seen(match func(Command) bool) []Command {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []Command
	for _, c := range p.seen {
		if match(c) {
			list = append(list, c)
		}
	}
	return list
}

// Cut closes every connection.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
}

// Down closes every connection and every new one at once, until [Proxy.Up].
func (p *Proxy) Down() {
	p.mu.Lock()
	p.down = true
	p.mu.Unlock()
	p.Cut()
}

// Up ends the effect of Down.
func (p *Proxy) Up() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		l := &link{proxy: p, client: client.(*net.TCPConn), server: server.(*net.TCPConn), owed: make(chan Manner, 1<<16)}
		p.mu.Lock()
		down := p.down
		p.links[l] = true
		p.mu.Unlock()
		if down {
			l.close()
		}
		p.serve(l)
	}
}

// judge records c and returns its fate.
func (p *Proxy) judge(c Command) Manner {
	p.mu.Lock()
	p.seen = append(p.seen, c)
	f := p.fate
	p.mu.Unlock()
	if f == nil {
		return Pass
	}
	return f(c)
}

// link is one client's connection and the proxy's own connection to the server for it.
type link struct {
	proxy          *Proxy
	client, server *net.TCPConn
	owed           chan Manner // of the forwarded commands without a reply yet, in order
}

func (l *link) close() {
	_ = l.client.Close()
	_ = l.server.Close()
}

// forget closes the link and removes it from the proxy's list.
func (l *link) forget() {
	l.close()
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	delete(l.proxy.links, l)
}

// requests forwards what the client sends. If the client has gone, the server still gets what was on its
// way.
func (l *link) requests() {
	defer close(l.owed)
	in := bufio.NewReader(l.client)
	for {
		raw, c, err := readCommand(in)
		if err != nil {
			_ = l.server.CloseWrite()
			return
		}
		fate := l.proxy.judge(c)
		switch fate {
		case Refuse:
			l.close()
			return
		case Reset:
			_ = l.client.SetLinger(0)
			l.close()
			return
		case Pass, Swallow, CutReply, Halve, Garble:
		}
		l.owed <- fate
		if _, err := l.server.Write(raw); err != nil {
			return
		}
	}
}

// replies forwards what the server sends.
func (l *link) replies() {
	defer l.forget()
	in := bufio.NewReader(l.server)
	silent := false
	for {
		raw, push, err := readReply(in)
		if err != nil {
			return
		}
		fate := Pass
		if !push {
			fate = <-l.owed
		}
		switch fate {
		case CutReply:
			return
		case Halve:
			_, _ = l.client.Write(raw[:len(raw)/2])
			return
		case Garble:
			raw = []byte("\x16\x03\x01 this is no reply\r\n")
		case Swallow:
			silent = true
		case Pass, Refuse, Reset:
		}
		if silent {
			continue
		}
		if _, err := l.client.Write(raw); err != nil {
			// The client has gone; the server's answers to what is on its way are drained.
			_, _ = io.Copy(io.Discard, in)
			return
		}
	}
}

var errProtocol = errors.New("faultproxy: not a Redis command")
